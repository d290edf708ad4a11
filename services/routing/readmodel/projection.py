"""Events → routing's work orders. Sees the event and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from libs.case.state import Case
from libs.events.contracts.intake import CaseImported, CaseRegistered
from libs.events.contracts.parts.clock import KnownClock
from libs.events.contracts.routing import (
    AssignmentAccepted,
    AssignmentDeemedAccepted,
    CaseDispatched,
    EndorsementGiven,
    EndorsementRefused,
    EndorsementRequested,
    OrderPassedOn,
    RouteProposed,
    RouteRejected,
)
from libs.events.contracts.supervision import ClockMoved, ClocksEnded, ClocksRevived
from libs.events.envelope import Recorded
from libs.log.read.rows import ReadModel, Row
from services.routing.readmodel import disputes, holdings
from services.routing.readmodel.tables import work_order


def project(rows: ReadModel, event: Recorded, case: Case) -> None:
    """One event into the order of its case, which begins when the case is registered."""
    orders = rows[work_order]
    before = orders.get(case.case_id)
    if isinstance(event.data, CaseRegistered) or (isinstance(event.data, CaseImported) and case.state == "REGISTERED"):
        orders.put(_registered(event, case))
    if row := orders.get(case.case_id):
        after = {**row, **_standing(case), **_change(row, event)}
        orders.put(after)
        disputes.follow(rows, event, case)
        holdings.follow(rows, event, before, after, case)


def _registered(event: Recorded, case: Case) -> Row:
    row: Row = dict.fromkeys(column.name for column in work_order.columns)
    return {
        **row,
        "case_id": case.case_id,
        "lane": case.lane,
        "kind": case.kind,
        "class_code": case.class_code,
        "urgency": case.urgency,
        "grid": case.grid,
        "registered_at": event.recorded_at if case.imported_at is None else case.received_at,
        "chain": [],
        "candidates": [],
        "rejected": [],
        "deemed_signed": False,
        "clock_round": 0,
        "provisional": False,
    }


def _standing(case: Case) -> Row:
    return {
        "state": case.state,
        "unit": case.unit,
        "handler": case.handler,
        "round": case.round,
        "dual_hat": case.dual_hat,
        "imported": case.imported_at is not None,
        "kind": case.kind,
        "class_code": case.class_code,
        "urgency": case.urgency,
        "grid": case.grid,
    }


def _change(row: Row, event: Recorded) -> Row:
    match event.data:
        case RouteRejected() as skipped:
            return {"rejected": [*row["rejected"], skipped.model_dump(mode="json")]}
        case RouteProposed() as proposed:
            rejected = _before(row["rejected"], proposed)
            tried = {"dispatch": proposed.dispatch, "candidates": list(proposed.candidates), "rejected": rejected}
            return {"proposed": proposed.unit, "chain": _steps(proposed), **tried}
        case CaseDispatched() as dispatched:
            unsigned = {"signed_at": None, "deemed_signed": False, "endorsement": None}
            return {"dispatched_at": event.recorded_at, "chain": _steps(dispatched), **unsigned}
        case OrderPassedOn(role="lead") as passed:
            step = {"rule": passed.rule, "zh": passed.zh, "en": passed.en}
            nobody = {} if passed.unit else {"signed_at": None, "deemed_signed": False}
            return {"chain": [*row["chain"], step], "endorsement": None, **nobody}
        case EndorsementRequested() as drafted:
            asked = {"requested_at": event.recorded_at.isoformat()}
            return {"endorsement": drafted.model_dump(mode="json", exclude={"unit", "round"}) | asked}
        case EndorsementGiven() | EndorsementRefused():
            return {"endorsement": None}
        case AssignmentAccepted():
            return {"signed_at": event.recorded_at}
        case AssignmentDeemedAccepted():
            return {"signed_at": event.recorded_at, "deemed_signed": True}
        case ClockMoved() as moved:
            return _clock(row, moved)
        case ClocksEnded() | ClocksRevived() as moved:
            return _clocks(row, moved.clocks)
        case _:
            return {}


def _clocks(row: Row, clocks: Sequence[KnownClock]) -> Row:
    changed: Row = {}
    for clock in clocks:
        changed |= _clock({**row, **changed}, clock)
    return changed


def _clock(row: Row, moved: KnownClock) -> Row:
    match moved.clock:
        case "dispatch":
            return {
                "dispatch_due_at": moved.due_at,
                "dispatch_yellow_at": moved.yellow_at,
                "dispatch_long_red_at": moved.long_red_at,
                "dispatch_stopped_at": moved.stopped_at,
            }
        case "sign":
            return {"sign_due_at": moved.due_at, "sign_stopped_at": moved.stopped_at}
        case "overall":
            return {"overall_due_at": moved.due_at}
        case "handling" | "rework" if moved.round >= row["clock_round"]:
            return {
                "due_at": moved.due_at,
                "yellow_at": moved.yellow_at,
                "long_red_at": moved.long_red_at,
                "stopped_at": moved.stopped_at,
                "clock_round": moved.round,
                "provisional": moved.provisional,
            }
        case _:
            return {}


def _steps(event: RouteProposed | CaseDispatched) -> list[dict[str, Any]]:
    return [step.model_dump(mode="json") for step in event.chain]


def _before(rejected: list[dict[str, Any]], proposed: RouteProposed) -> list[dict[str, Any]]:
    """Why the candidates before the proposed one were skipped; what an earlier proposal said of others is no answer."""
    newest = {one["unit"]: one for one in rejected}
    chosen = proposed.candidates.index(proposed.unit) if proposed.unit in proposed.candidates else None
    return [newest[unit] for unit in proposed.candidates[:chosen] if unit in newest]
