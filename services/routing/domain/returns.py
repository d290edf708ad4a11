"""退单: a unit gives the case back, the dispatcher decides; RET-1 … RET-3 (rulebook.md d.6). Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from libs.case.facts import Facts
from libs.case.refusals import NotInThisState, ReasonMissing
from libs.directory.facts.view import View
from libs.events.contracts.routing import ArbitrationOpened, ReturnApproved, ReturnRejected, ReturnRequested
from libs.events.decider import Actor
from libs.events.errors import Rejected
from libs.events.event import Event, Sealed
from libs.events.ids import UnitId
from libs.separation.powers import may_decide
from services.routing.domain.dispatch import known_unit
from services.routing.domain.handling import own_unit, refuse_barred
from services.routing.domain.work_order import WorkOrder, forbidden, parties_of, require_status

# Commands


@dataclass(frozen=True)
class RequestReturn:
    """退单 (c.3 #19): the basis – article or entry of the duty list – and the unit believed responsible (RET-2)."""

    at: datetime
    by: Actor
    basis: str | Sealed | None = None
    suggested_unit: UnitId | None = None
    reason: str | Sealed | None = None


@dataclass(frozen=True)
class DecideReturn:
    """The dispatcher agrees or not (c.3 #20); a refusal says why."""

    at: datetime
    by: Actor
    approved: bool
    reason: str | None = None


# Refusals


class ReturnForbidden(Rejected):
    """RET-4: after a ruling the case is not returned any more."""

    code = "E-RET-FORBIDDEN"
    zh = "该案件经裁定承办, 不得退单"
    en = "the case was assigned by a ruling and may not be returned"


class ReturnWindowOver(Rejected):
    """RET-1: the right to return ends some time after the dispatch; an emergency has none."""

    code = "E-RET-WINDOW"
    zh = "已过退单时限, 或该紧急程度不得退单"
    en = "the time in which the case could be returned is over, or there is none for this urgency"


class UnitHasReturned(Rejected):
    """RET-3: a unit may return a case once."""

    code = "E-RET-LIMIT"
    zh = "本单位对该案件的退单次数已用完"
    en = "the unit has returned this case as often as it may"


class BasisMissing(Rejected):
    """RET-2: a return cites its basis and names another unit as responsible."""

    code = "E-RET-BASIS"
    zh = "退单须写明依据, 并指明应由哪个其他单位承办"
    en = "a return cites its basis and names another unit as responsible"


class ReasonForRefusalMissing(ReasonMissing):
    """Who refuses a return says why."""

    zh = "不同意退单须说明理由"
    en = "refusing a return needs a reason"


# Decisions


def request(order: WorkOrder, command: RequestReturn, facts: Facts) -> Sequence[Event]:
    """A return, or – where the case has been returned too often – the arbitration in its place (RET-3)."""
    case = facts.known_case()
    refuse_barred(case, command, command.by.person, order.unit, facts.directory)
    command.by.must_be("DEPT_CLERK")
    unit = own_unit(order, command.by)
    if order.status == "RETURN_PENDING":
        return []
    require_status(order, case, "DISPATCHED", "IN_PROGRESS")
    if against := against_return(order, unit, command.at, facts.directory):
        raise against
    basis, suggested = grounded(command, unit, facts.directory)
    if len(order.returns) >= facts.directory.rulebook.returns.per_case:
        opened = ArbitrationOpened(
            parties=parties_of(order),
            because="RET-3",
            requested_by=command.by.person,
            basis=basis,
            suggested_unit=suggested,
            reason=command.reason,
        )
        return [opened]
    return [
        ReturnRequested(
            unit=unit,
            requested_by=command.by.person,
            round=order.round,
            basis=basis,
            suggested_unit=suggested,
            reason=command.reason,
        )
    ]


def against_return(order: WorkOrder, unit: UnitId, at: datetime, directory: View) -> Rejected | None:
    """What stands against any return by this unit: RET-4, RET-3, RET-1 in this order."""
    if order.no_return:
        return ReturnForbidden(rule="RET-4")
    if order.returns.count(unit) >= directory.rulebook.returns.per_unit:
        return UnitHasReturned(rule="RET-3")
    if order.return_until is None or at > order.return_until:
        return ReturnWindowOver(rule="RET-1")
    return None


def grounded(command: RequestReturn, unit: UnitId, directory: View) -> tuple[str | Sealed, UnitId]:
    """Basis and the unit named; raises `BasisMissing`, `UnknownUnit`."""
    basis = command.basis.strip() if isinstance(command.basis, str) else command.basis
    if not basis or command.suggested_unit is None or command.suggested_unit == unit:
        raise BasisMissing(rule="RET-2", allowed=["basis", "suggested_unit"])
    return basis, known_unit(command.suggested_unit, directory, command.at)


def decide_return(order: WorkOrder, command: DecideReturn, facts: Facts) -> Sequence[Event]:
    """Not by anybody of the unit that asks (SEP-15); the case goes back to the queue, or stays where it is."""
    case = facts.known_case()
    if order.unit is None:
        command.by.must_be("DISPATCHER")
        raise NotInThisState(evidence=[case.last_event_id])
    person = command.by.person
    if breach := may_decide(case, person, facts.directory, command.at, order.unit, asked_by=order.requested_by):
        raise forbidden(breach, type(command).__name__, person, order.unit)
    command.by.must_be("DISPATCHER")
    require_status(order, case, "RETURN_PENDING")
    if command.approved:
        return [ReturnApproved(unit=order.unit, decided_by=person, reason=command.reason, relieved=order.handler)]
    if not command.reason:
        raise ReasonForRefusalMissing(allowed=["reason"])
    return [ReturnRejected(unit=order.unit, decided_by=person, reason=command.reason)]
