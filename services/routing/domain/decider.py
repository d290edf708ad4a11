"""Routing 派遣·办理: what other services' facts do to a work order, and every command it knows. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from libs.case.facts import Facts
from libs.events.contracts.routing import (
    EVENTS,
    ArbitrationOpened,
    AssignmentDeemedAccepted,
    HandlingResumed,
    SeparationViolationDetected,
    WorkOrderCancelled,
)
from libs.events.decider import Actor, Decider, fold_of
from libs.events.event import Event
from libs.events.ids import PersonId
from services.routing.domain import arbitration, co_units, dispatch, endorsement, handling, returns
from services.routing.domain.work_order import WorkOrder, evolve

# Commands


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


@dataclass(frozen=True)
class RestoreWorkOrder:
    """The case lives again: the order stands where it stood; one not dispatched yet is proposed anew."""

    at: datetime
    by: Actor
    because: str


Command = (
    CancelWorkOrder
    | ResumeHandling
    | RestoreWorkOrder
    | DeemAccepted
    | RecordViolation
    | dispatch.Command
    | returns.Command
    | arbitration.Command
    | co_units.Command
    | handling.Command
    | endorsement.Command
)

# Decisions


def decide(order: WorkOrder, command: Command, facts: Facts) -> Sequence[Event]:
    """The facts that follow from a command; raises a refusal."""
    match command:
        case CancelWorkOrder():
            return cancel(order, command)
        case ResumeHandling():
            return resume(order, command, facts)
        case RestoreWorkOrder():
            return restore(order, command, facts)
        case DeemAccepted():
            return deem_accepted(order, command, facts)
        case RecordViolation():
            return record_violation(order, command)
        case dispatch.ProposeRoute() | dispatch.DispatchCase():
            return dispatch.decide(order, command, facts)
        case returns.RequestReturn() | handling.SubmitFeedback() | endorsement.DecideEndorsement():
            return endorsement.decide(order, command, facts)
        case returns.DecideReturn():
            return returns.decide(order, command, facts)
        case arbitration.OpenArbitration() | arbitration.RuleArbitration():
            return arbitration.decide(order, command, facts)
        case co_units.AddCoUnit() | co_units.ReportAsCoUnit():
            return co_units.decide(order, command, facts)
        case _:
            return handling.decide(order, command, facts)


def cancel(order: WorkOrder, command: CancelWorkOrder) -> Sequence[Event]:
    """A signature that crossed the end of the case stays in the history; the order ends all the same."""
    if order.status in ("NONE", "CANCELLED") or (order.status == "FEEDBACK" and not command.after_feedback):
        return []
    return [WorkOrderCancelled(unit=order.unit, because=command.because)]


def resume(order: WorkOrder, command: ResumeHandling, facts: Facts) -> Sequence[Event]:
    """A rejected feedback goes on in its round; rework opens the next one.

    An answer that crossed a withdrawal is noted: it counts once the withdrawal is taken back.
    """
    crossed = order.status == "CANCELLED" and facts.known_case().state == "WITHDRAWN"
    status = order.before if crossed else order.status
    if order.unit is None or status == "CANCELLED" or (facts.known_case().ended and not crossed):
        return []
    if command.round < order.round or (command.round == order.round and status != "FEEDBACK"):
        return []
    return [HandlingResumed(unit=order.unit, round=command.round, because=command.because)]


def restore(order: WorkOrder, command: RestoreWorkOrder, facts: Facts) -> Sequence[Event]:
    """Only what the end of the case had cancelled comes back."""
    if order.status != "CANCELLED" or facts.known_case().ended:
        return []
    if order.unit is None and order.before == "ARBITRATION":
        return [ArbitrationOpened(parties=order.parties, because="DISPUTED")]
    if order.unit is None:
        return dispatch.propose(order, dispatch.ProposeRoute(command.at, command.by), facts)
    return [HandlingResumed(unit=order.unit, round=order.round, because=command.because)]


def deem_accepted(order: WorkOrder, command: DeemAccepted, facts: Facts) -> Sequence[Event]:
    """A signature that came meanwhile, however late, is a signature; a request to return the case is none."""
    unsigned = order.status in ("DISPATCHED", "RETURN_PENDING") and not order.signed
    if order.unit is None or not unsigned or facts.known_case().ended:
        return []
    return [AssignmentDeemedAccepted(unit=order.unit, clock_id=command.clock_id)]


def record_violation(order: WorkOrder, command: RecordViolation) -> Sequence[Event]:
    """Once per person and rule."""
    if (command.person, command.rule) in order.violations:
        return []
    return [SeparationViolationDetected(person=command.person, rule=command.rule, evidence=command.evidence)]


DECIDER: Decider[WorkOrder, Command, Facts] = Decider(WorkOrder(), fold_of(EVENTS, evolve), decide)
