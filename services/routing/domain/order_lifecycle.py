"""What other services' facts do to a work order: cancel it, resume it, give it back, deem it signed. Pure: no I/O."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from libs.case.facts import Facts
from libs.events.contracts.routing import (
    ArbitrationOpened,
    AssignmentDeemedAccepted,
    HandlingResumed,
    WorkOrderCancelled,
)
from libs.events.decider import Actor
from libs.events.event import Event
from services.routing.domain import dispatch
from services.routing.domain.work_order import WorkOrder

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
class RestoreWorkOrder:
    """The case lives again: the order stands where it stood; one not dispatched yet is proposed anew."""

    at: datetime
    by: Actor
    because: str


# Decisions


def cancel(order: WorkOrder, command: CancelWorkOrder, facts: Facts) -> Sequence[Event]:
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
