"""The work order: what routing itself decided about a case, and the refusals its commands share. Pure: no I/O."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Literal, Protocol, assert_never

from libs.case.refusals import NotInThisState, NotYourUnit
from libs.case.state import Case
from libs.events.contracts.intake import AppealRestored
from libs.events.contracts.routing import (
    ArbitrationOpened,
    ArbitrationRuled,
    AssignmentAccepted,
    AssignmentDeemedAccepted,
    CaseDispatched,
    CitizenContacted,
    CoUnitAdded,
    CoUnitReported,
    EndorsementGiven,
    EndorsementRefused,
    EndorsementRequested,
    FeedbackSubmitted,
    HandlerAssigned,
    HandlingResumed,
    OrderPassedOn,
    ProgressRecorded,
    ReturnApproved,
    ReturnRejected,
    ReturnRequested,
    RouteProposed,
    RouteRejected,
    RoutingEvent,
    RuleStep,
    SeparationViolationAttempted,
    SeparationViolationDetected,
    WorkOrderCancelled,
)
from libs.events.decider import Actor
from libs.events.ids import PersonId, UnitId
from libs.separation.refusal import SeparationForbids

# Refusals


class NotYourOrder(NotYourUnit):
    """The order belongs to another unit."""

    zh = "该工单不属于您所在的单位"
    en = "the work order is another unit's"


forbidden = partial(SeparationForbids, attempted=SeparationViolationAttempted)
"""(breach, command, person, unit): the refusal, with routing's own record of the attempt."""

# State

Status = Literal[
    "NONE", "PROPOSED", "DISPATCHED", "IN_PROGRESS", "RETURN_PENDING", "ARBITRATION", "FEEDBACK", "CANCELLED"
]


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
    signed: bool = False
    no_return: bool = False
    return_until: datetime | None = None
    returns: tuple[UnitId, ...] = ()
    """Units that asked to return the case, in order (RET-3)."""
    returned: tuple[UnitId, ...] = ()
    """Those whose return was approved: the router skips them."""
    requested_by: PersonId | None = None
    suggested: UnitId | None = None
    """Whom the last return named as responsible."""
    parties: tuple[UnitId, ...] = ()
    """Of the open arbitration."""
    draft: EndorsementRequested | None = None
    """What waits for the word of the unit's leader."""
    co_units: tuple[UnitId, ...] = ()
    """Co-handling units that have not reported yet."""
    co_reported: tuple[UnitId, ...] = ()
    reached: bool = False
    tries: int = 0
    tried_at: datetime | None = None
    """When he was called last."""
    before: Status = "NONE"
    """Where a cancelled order stood."""
    violations: frozenset[tuple[str, str]] = frozenset()


def evolve(order: WorkOrder, event: RoutingEvent) -> WorkOrder:
    """Routing's own facts, one later."""
    match event:
        case RouteProposed():
            auto = event.dispatch == "auto"
            return replace(order, status="PROPOSED", proposed=event.unit, chain=event.chain, auto=auto)
        case CaseDispatched():
            return dispatched(order, event)
        case AssignmentAccepted():
            return replace(order, status="IN_PROGRESS", signed=True)
        case AssignmentDeemedAccepted():
            return replace(order, status="IN_PROGRESS" if order.status == "DISPATCHED" else order.status, signed=True)
        case HandlerAssigned():
            return replace(order, handler=event.handler)
        case CitizenContacted():
            reached, tried_at = order.reached or event.reached, event.tried_at or order.tried_at
            return replace(order, reached=reached, tries=order.tries + 1, tried_at=tried_at)
        case FeedbackSubmitted():
            return replace(order, status="FEEDBACK")
        case EndorsementRequested():
            return replace(order, draft=event)
        case EndorsementGiven() | EndorsementRefused():
            return replace(order, draft=None)
        case HandlingResumed():
            return resumed(order, event)
        case WorkOrderCancelled():
            return replace(order, status="CANCELLED", before=order.status)
        case ReturnRequested() | ReturnApproved() | ReturnRejected() | ArbitrationOpened():
            return disputed(order, event)
        case OrderPassedOn():
            return passed_on(order, event)
        case CoUnitAdded():
            return replace(order, co_units=(*order.co_units, event.unit))
        case CoUnitReported():
            left = tuple(unit for unit in order.co_units if unit != event.unit)
            return replace(order, co_units=left, co_reported=(*order.co_reported, event.unit))
        case SeparationViolationDetected():
            return replace(order, violations=order.violations | {(event.person, event.rule)})
        case RouteRejected() | ProgressRecorded() | ArbitrationRuled() | SeparationViolationAttempted():
            return order
        case _:
            assert_never(event)


def dispatched(order: WorkOrder, event: CaseDispatched) -> WorkOrder:
    """Another unit begins anew: nobody has signed, no handler is named, no co-unit is asked."""
    return replace(
        order,
        status="DISPATCHED",
        unit=event.unit,
        round=event.round,
        handler=None,
        signed=False,
        no_return=event.no_return,
        return_until=event.return_until,
        co_units=(),
        co_reported=(),
        draft=None,
    )


def passed_on(order: WorkOrder, event: OrderPassedOn) -> WorkOrder:
    """The successor has what the ended unit had; a draft that waits for the leader of that unit is void."""
    kept = tuple(one for one in order.co_units if one not in (event.ended, event.unit))
    if event.role == "co":
        joined = (event.unit,) if event.unit and event.unit != order.unit else ()
        return replace(order, co_units=(*kept, *joined))
    said = replace(order, chain=(*order.chain, RuleStep(rule=event.rule, zh=event.zh, en=event.en)), draft=None)
    if event.unit:
        parties = tuple(event.unit if one == event.ended else one for one in order.parties)
        return replace(said, unit=event.unit, handler=event.handler, co_units=kept, parties=parties)
    nobody = replace(said, unit=None, handler=None, signed=False, co_units=(), co_reported=(), return_until=None)
    return nobody if order.status == "ARBITRATION" else replace(nobody, status="PROPOSED", proposed=None, auto=False)


def resumed(order: WorkOrder, event: HandlingResumed) -> WorkOrder:
    """A cancelled order comes back where it stood, with its case; what else resumes it meanwhile waits for that."""
    if order.status != "CANCELLED":
        return replace(order, status="IN_PROGRESS", round=event.round)
    if event.because == AppealRestored.ce_type:
        return replace(order, status=order.before, round=event.round)
    return replace(order, before="IN_PROGRESS", round=event.round)


def disputed(
    order: WorkOrder, event: ReturnRequested | ReturnApproved | ReturnRejected | ArbitrationOpened
) -> WorkOrder:
    """Whose the case is, is in question, or is so no more."""
    match event:
        case ReturnRequested():
            returns = (*order.returns, event.unit)
            asked = replace(order, requested_by=event.requested_by, suggested=event.suggested_unit)
            return replace(asked, status="RETURN_PENDING", returns=returns)
        case ReturnApproved():
            returned = (*order.returned, event.unit)
            return replace(order, status="PROPOSED", proposed=None, auto=False, unit=None, returned=returned)
        case ReturnRejected():
            return replace(order, status="IN_PROGRESS" if order.signed else "DISPATCHED")
        case ArbitrationOpened():
            return replace(order, status="ARBITRATION", parties=event.parties)


def parties_of(order: WorkOrder) -> tuple[UnitId, ...]:
    """Who has a say in a dispute: every unit that returned the case, and the one that has it now."""
    return tuple(dict.fromkeys((*order.returns, *((order.unit,) if order.unit else ()))))


WITH_THE_UNIT: tuple[Status, ...] = ("DISPATCHED", "IN_PROGRESS")
"""Nobody but the unit moves the order on, unless it has nobody left."""

# Guards


class Timed(Protocol):
    """What every command says: when, and who."""

    @property
    def at(self) -> datetime: ...
    @property
    def by(self) -> Actor: ...


def require_status(order: WorkOrder, case: Case, *statuses: Status) -> None:
    """Raises `NotInThisState` where the order stands elsewhere or the case has ended."""
    if case.ended or order.status not in statuses:
        raise NotInThisState(evidence=[case.last_event_id], allowed=ALLOWED.get(order.status, ()))


ALLOWED: dict[Status, tuple[str, ...]] = {
    "PROPOSED": ("dispatch", "arbitration"),
    "DISPATCHED": ("accept", "contact", "return", "arbitration"),
    "IN_PROGRESS": (
        "assign",
        "contact",
        "progress",
        "feedback",
        "co-units",
        "co-units/report",
        "return",
        "arbitration",
    ),
    "RETURN_PENDING": ("return/approve", "return/reject", "arbitration"),
    "ARBITRATION": ("arbitration/rule",),
}
"""What can be done next, whoever does it; beside it a draft is endorsed wherever one waits."""
