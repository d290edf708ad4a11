"""Routing 派遣·办理: proposing and dispatching, and what other services' facts do to a work order. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from libs.directory.facts import Facts
from libs.directory.leads import holds_power
from libs.directory.view import View
from libs.events.contracts.routing import (
    AssignmentDeemedAccepted,
    CaseDispatched,
    HandlingResumed,
    RouteProposed,
    SeparationViolationDetected,
    WorkOrderCancelled,
)
from libs.events.decider import Actor, Decider
from libs.events.errors import Malformed, Rejected
from libs.events.event import Event
from libs.events.ids import ClassCode, PersonId, UnitId
from libs.events.lifecycle import Case
from libs.separation.powers import may_dispatch, may_handle
from libs.separation.routes import Dispatchable, UnitRejected, dispatchable
from services.routing import handling, rules
from services.routing.work_order import (
    NotInThisState,
    WorkOrder,
    evolve,
    forbidden,
    require_status,
)

# Commands


@dataclass(frozen=True)
class ProposeRoute:
    """The system looks for the unit of a registered case (domain.md c.3 #15)."""

    at: datetime
    by: Actor


@dataclass(frozen=True)
class DispatchCase:
    """派遣 (c.3 #16): to the proposed unit, or to another one with a reason; by the system where the class says so."""

    at: datetime
    by: Actor
    unit: UnitId | None = None
    override_reason: str | None = None


@dataclass(frozen=True)
class CancelWorkOrder:
    """The case ended elsewhere; `because` is the type of the fact that ended it."""

    at: datetime
    by: Actor
    because: str
    after_feedback: bool = True
    """Whether the end of the case cancels an order that has been reported done."""


@dataclass(frozen=True)
class ResumeHandling:
    """The order is open again: in the same round, or in the next one."""

    at: datetime
    by: Actor
    round: int
    because: str


@dataclass(frozen=True)
class DeemAccepted:
    """RET-6: the sign limit passed in silence."""

    at: datetime
    by: Actor
    clock_id: str


@dataclass(frozen=True)
class RecordViolation:
    """SEP-18: a power was used that the log, read in order, did not allow."""

    at: datetime
    by: Actor
    person: PersonId
    rule: str
    evidence: tuple[str, ...]


Command = (
    ProposeRoute | DispatchCase | CancelWorkOrder | ResumeHandling | DeemAccepted | RecordViolation | handling.Command
)

# Refusals


class UnknownUnit(Malformed):
    """No unit in the directory has this id."""

    code = "E-UNKNOWN-UNIT"
    zh = "目录中没有该单位"
    en = "no unit in the directory has this id"


class NoUnitProposed(Rejected):
    """The rules found no unit; the dispatcher must name one."""

    code = "E-ROUTE-NONE"
    zh = "规则没有找到可派单位, 请指定单位并说明理由"
    en = "the rules found no unit: name one and give a reason"


class ReasonMissing(Malformed):
    """Another unit than the proposed one needs a reason."""

    code = "E-REASON"
    zh = "改派其他单位须说明理由"
    en = "another unit than the proposed one needs a reason"


class PowerMissing(Rejected):
    """The unit does not hold the power for the class (POW-1)."""

    code = "E-POWER"
    zh = "该单位没有此项职权, 不能主办"
    en = "the unit does not hold the power for this class"


# Decisions


def decide(order: WorkOrder, command: Command, facts: Facts) -> Sequence[Event]:
    """The facts that follow from a command; raises a refusal."""
    match command:
        case ProposeRoute():
            return propose(order, command, facts)
        case DispatchCase():
            return dispatch(order, command, facts)
        case CancelWorkOrder():
            return cancel(order, command)
        case ResumeHandling():
            return resume(order, command, facts)
        case DeemAccepted():
            return deem_accepted(order, command, facts)
        case RecordViolation():
            return record_violation(order, command)
        case _:
            return handling.decide(order, command, facts)


def propose(order: WorkOrder, command: ProposeRoute, facts: Facts) -> Sequence[Event]:
    """Every candidate that was skipped is a fact of its own, before the proposal."""
    command.by.must_be("SYSTEM")
    case = facts.known_case()
    if order.status != "NONE" or case.ended:
        return []
    route = rules.propose(case, facts.directory, command.at)
    proposed = RouteProposed(unit=route.unit, candidates=route.candidates, chain=route.chain, dispatch=route.dispatch)
    return [*route.rejected, proposed]


def dispatch(order: WorkOrder, command: DispatchCase, facts: Facts) -> Sequence[Event]:
    """The binding decision. Separation of the dispatcher before his role; then power, then separation of the unit."""
    case = facts.known_case()
    if command.by.role == "SYSTEM" and not (order.auto and order.proposed):
        return []
    if breach := may_dispatch(case, command.by.person, facts.directory, command.at):
        raise forbidden(breach, "DispatchCase", command.by.person, command.unit)
    command.by.must_be("DISPATCHER", "SYSTEM")
    unit = chosen_unit(order, command, facts.directory)
    if order.unit == unit and order.status == "DISPATCHED":
        return []
    require_status(order, case, "PROPOSED")
    answer = fit(unit, case, command, facts.directory)
    chain = order.chain if unit == order.proposed else (*order.chain, rules.overridden(facts.directory, unit))
    return [
        CaseDispatched(
            unit=unit,
            dispatched_by=command.by.person,
            class_code=ClassCode(case.class_code or ""),
            chain=chain,
            dual_hat=bool(answer.dual_hats),
            override_reason=command.override_reason if unit != order.proposed else None,
        )
    ]


def chosen_unit(order: WorkOrder, command: DispatchCase, directory: View) -> UnitId:
    """The unit that the dispatcher means; one that the rules did not choose needs a reason."""
    if order.status == "NONE":
        raise NotInThisState()
    unit = command.unit or order.proposed
    if unit is None:
        raise NoUnitProposed(allowed=["unit", "override_reason"])
    if directory.unit(unit) is None:
        raise UnknownUnit()
    if order.status == "PROPOSED" and unit != order.proposed and not command.override_reason:
        raise ReasonMissing(allowed=["override_reason"])
    return unit


def fit(unit: UnitId, case: Case, command: DispatchCase, directory: View) -> Dispatchable:
    """The people through whom the unit can take the case; raises `PowerMissing` or `SeparationForbids`."""
    item = directory.catalogue(case.class_code or "")
    if item and not holds_power(item, unit, command.at):
        holders = [power.unit for power in item.powers if holds_power(item, power.unit, command.at)]
        raise PowerMissing(rule="POW-1", allowed=holders)
    answer = dispatchable(unit, case, directory, command.at)
    if isinstance(answer, UnitRejected):
        raise forbidden(answer.breach, "DispatchCase", command.by.person, unit)
    return answer


def cancel(order: WorkOrder, command: CancelWorkOrder) -> Sequence[Event]:
    """A signature that crossed the end of the case stays in the history; the order ends all the same."""
    if order.status in ("NONE", "CANCELLED") or (order.status == "FEEDBACK" and not command.after_feedback):
        return []
    return [WorkOrderCancelled(unit=order.unit, because=command.because)]


def resume(order: WorkOrder, command: ResumeHandling, facts: Facts) -> Sequence[Event]:
    """A rejected feedback goes on in its round; rework opens the next one."""
    if order.unit is None or order.status == "CANCELLED" or facts.known_case().ended:
        return []
    if command.round < order.round or (command.round == order.round and order.status != "FEEDBACK"):
        return []
    return [HandlingResumed(unit=order.unit, round=command.round, because=command.because)]


def deem_accepted(order: WorkOrder, command: DeemAccepted, facts: Facts) -> Sequence[Event]:
    """A signature that came meanwhile, however late, is a signature."""
    if order.unit is None or order.status != "DISPATCHED" or facts.known_case().ended:
        return []
    return [AssignmentDeemedAccepted(unit=order.unit, clock_id=command.clock_id)]


def record_violation(order: WorkOrder, command: RecordViolation) -> Sequence[Event]:
    """Once per person and rule."""
    if (command.person, command.rule) in order.violations:
        return []
    return [SeparationViolationDetected(person=command.person, rule=command.rule, evidence=command.evidence)]


def allowed_actions(case: Case, by: Actor, directory: View, at: datetime) -> list[str]:
    """What this caller may do next with the case as the read model has it; nothing that a rule forbids him."""
    if by.role == "DISPATCHER" and case.state == "REGISTERED":
        return [] if may_dispatch(case, by.person, directory, at) else ["dispatch"]
    actions = {
        ("DEPT_CLERK", "DISPATCHED"): ["accept"],
        ("DEPT_CLERK", "IN_PROGRESS"): ["assign"],
        ("DEPT_HANDLER", "DISPATCHED"): ["contact"],
        ("DEPT_HANDLER", "IN_PROGRESS"): ["contact", "progress", "feedback"],
    }.get((by.role, case.state), [])
    if case.state == "IN_PROGRESS" and case.handler == by.person and by.role in handling.DEPT_ROLES:
        actions = [*actions, *(one for one in ("contact", "progress", "feedback") if one not in actions)]
    if not actions or by.unit is None or by.unit != case.unit:
        return []
    return [] if may_handle(case, by.person, directory, at, by.unit) else actions


DECIDER: Decider[WorkOrder, Command, Facts] = Decider(WorkOrder(), evolve, decide)
