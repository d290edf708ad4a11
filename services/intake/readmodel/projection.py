"""Events → intake's read model. Sees the event and nothing else."""

from __future__ import annotations

from typing import Any

from libs.case.state import Case
from libs.events.contracts.intake import (
    AppealReceived,
    CaseCorrected,
    CaseImported,
    CaseRegistered,
    GridEventReported,
)
from libs.events.contracts.routing import CaseDispatched
from libs.events.contracts.supervision import ClockMoved, ClocksRevived
from libs.events.envelope import Recorded
from libs.events.event import Event, Sealed
from libs.log.read.rows import ReadModel
from services.intake.domain.receipts import number_of
from services.intake.readmodel.search_copies import project_copies
from services.intake.readmodel.tables import filed, receipt, report

Opening = AppealReceived | GridEventReported | CaseImported
"""What a case begins with."""


def project(rows: ReadModel, event: Recorded, case: Case) -> None:
    """One event into the tables of reports and receipts, and into the search copies."""
    match event.data:
        case AppealReceived() | GridEventReported() | CaseImported() as data:
            _received(rows, event, data, case)
        case CaseCorrected() as data:
            _corrected(rows, data, case)
        case _:
            pass
    _receipt(rows, event, case)
    _file(rows, case)
    project_copies(rows, event, case)


def _received(rows: ReadModel, event: Recorded, data: Opening, case: Case) -> None:
    rows[report].put(
        {
            "case_id": case.case_id,
            "lane": case.lane,
            "received_at": case.received_at,
            "channel": case.channel,
            "kind": data.kind,
            "external_id": getattr(data, "external_id", None),
            "sealed": _sealed(data),
        }
    )
    if not isinstance(data, GridEventReported):
        instants = dict.fromkeys(("registered_at", "dispatched_at", "due_at", "closed_at"))
        number = number_of(case.case_id)
        rows[receipt].put({"case_id": case.case_id, "lane": case.lane, "number": number, **instants})


def _file(rows: ReadModel, case: Case) -> None:
    # What is said of a case that never was opens none.
    is_open = case.received_at and not case.ended
    row = {name: getattr(case, name) for name in ("case_id", "lane", "class_code", "grid")} if is_open else None
    before = rows[filed].get(case.case_id)
    if row and row != before:
        rows[filed].put(row)
    elif before and not row:
        rows[filed].remove(case.case_id)


def _corrected(rows: ReadModel, data: CaseCorrected, case: Case) -> None:
    """What is shown is what was corrected; the event of the first version stays in the log."""
    if row := rows[report].get(case.case_id):
        texts = {name: value for name, value in _sealed(data).items() if name != "reason"}
        rows[report].put({**row, "kind": data.kind or row["kind"], "sealed": {**row["sealed"], **texts}})


def _sealed(data: Event) -> dict[str, Any]:
    """Personal values as they stand in the log: cipher text, copied as it is."""
    return {
        name: value.model_dump() for name in data.personal_fields() if isinstance(value := getattr(data, name), Sealed)
    }


def _receipt(rows: ReadModel, event: Recorded, case: Case) -> None:
    row = rows[receipt].get(case.case_id)
    if row is None or not event.stream.startswith("case-"):
        return
    closed_at = (row["closed_at"] or event.recorded_at) if case.ended else None
    changed = {**row, "closed_at": closed_at, **_instants(event)}
    if changed != row:
        rows[receipt].put(changed)


def _instants(event: Recorded) -> dict[str, Any]:
    match event.data:
        case CaseImported() as moved_in:
            closed = {"closed_at": moved_in.closed_at or event.recorded_at} if moved_in.closed else {}
            return {"registered_at": moved_in.registered_at, "due_at": moved_in.upstream_due_at, **closed}
        case CaseRegistered():
            return {"registered_at": event.recorded_at}
        case CaseDispatched():
            return {"dispatched_at": event.recorded_at}
        case ClockMoved(clock="overall", due_at=due_at):
            return {"due_at": due_at}
        case ClocksRevived(clocks=clocks):
            overall = [clock.due_at for clock in clocks if clock.clock == "overall"]
            return {"due_at": overall[-1]} if overall else {}
        case _:
            return {}
