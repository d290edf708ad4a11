"""The work order: what routing itself decided about a case, and the refusals its commands share. Pure: no I/O."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from libs.events.contracts.routing import (
    AssignmentAccepted,
    AssignmentDeemedAccepted,
    CaseDispatched,
    CitizenContacted,
    FeedbackSubmitted,
    HandlerAssigned,
    HandlingResumed,
    RouteProposed,
    RuleStep,
    SeparationViolationAttempted,
    SeparationViolationDetected,
    WorkOrderCancelled,
)
from libs.events.errors import Forbidden, Rejected
from libs.events.event import Event
from libs.events.ids import PersonId, UnitId
from libs.events.lifecycle import Case
from libs.separation.case import Breach
from libs.separation.refusal import SeparationForbids

# Refusals


class NotInThisState(Rejected):
    """The work order has gone on, or is not there yet."""

    code = "E-STATE"


class NotYourUnit(Forbidden):
    """The order belongs to another unit."""

    code = "E-UNIT"
    zh = "该工单不属于您所在的单位"
    en = "the work order is another unit's"


# State

Status = Literal["NONE", "PROPOSED", "DISPATCHED", "IN_PROGRESS", "FEEDBACK", "CANCELLED"]


@dataclass(frozen=True)
class WorkOrder:
    """One case's order. `proposed` and `chain` are the router's; `tries` counts calls to the reporter."""

    status: Status = "NONE"
    proposed: UnitId | None = None
    chain: tuple[RuleStep, ...] = ()
    auto: bool = False
    unit: UnitId | None = None
    round: int = 1
    handler: PersonId | None = None
    reached: bool = False
    tries: int = 0
    violations: frozenset[tuple[str, str]] = frozenset()


def evolve(order: WorkOrder, event: Event) -> WorkOrder:
    """Routing's own facts, one later."""
    match event:
        case RouteProposed():
            auto = event.dispatch == "auto"
            return replace(order, status="PROPOSED", proposed=event.unit, chain=event.chain, auto=auto)
        case CaseDispatched():
            return replace(order, status="DISPATCHED", unit=event.unit, round=event.round, handler=None)
        case AssignmentAccepted() | AssignmentDeemedAccepted():
            return replace(order, status="IN_PROGRESS")
        case HandlerAssigned():
            return replace(order, handler=event.handler)
        case CitizenContacted():
            return replace(order, reached=order.reached or event.reached, tries=order.tries + 1)
        case FeedbackSubmitted():
            return replace(order, status="FEEDBACK")
        case HandlingResumed():
            return replace(order, status="IN_PROGRESS", round=event.round)
        case WorkOrderCancelled():
            return replace(order, status="CANCELLED")
        case SeparationViolationDetected():
            return replace(order, violations=order.violations | {(event.person, event.rule)})
        case _:
            return order


# Guards


def forbidden(breach: Breach, command: str, person: PersonId, unit: UnitId | None) -> SeparationForbids:
    """The refusal, with routing's own record of the attempt."""
    return SeparationForbids(breach, attempted=SeparationViolationAttempted, command=command, person=person, unit=unit)


def require_status(order: WorkOrder, case: Case, *statuses: Status) -> None:
    """Raises `NotInThisState` where the order stands elsewhere or the case has ended."""
    if case.ended or order.status not in statuses:
        raise NotInThisState(evidence=[case.last_event_id], allowed=ALLOWED.get(order.status, ()))


ALLOWED: dict[Status, tuple[str, ...]] = {
    "PROPOSED": ("dispatch",),
    "DISPATCHED": ("accept", "contact"),
    "IN_PROGRESS": ("assign", "contact", "progress", "feedback"),
}
"""What can be done next, whoever does it."""
