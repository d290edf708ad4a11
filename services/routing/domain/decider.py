"""Routing 派遣·办理: its commands and its decisions – each in the room of its matter. Pure: no I/O, no clock."""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_never

from libs.case.facts import Facts
from libs.events.contracts.routing import EVENTS, SeparationViolationDetected
from libs.events.decider import Decider, fold_of
from libs.events.event import Event
from libs.separation import violations
from libs.separation.violations import RecordViolation
from services.routing.domain import (
    arbitration,
    co_units,
    dispatch,
    endorsement,
    handling,
    order_lifecycle,
    returns,
    succession,
)
from services.routing.domain.arbitration import OpenArbitration, RuleArbitration
from services.routing.domain.co_units import AddCoUnit, ReportAsCoUnit
from services.routing.domain.dispatch import DispatchCase, ProposeRoute
from services.routing.domain.endorsement import DecideEndorsement
from services.routing.domain.handling import (
    AcceptAssignment,
    AssignHandler,
    ContactCitizen,
    RecordProgress,
    SubmitFeedback,
)
from services.routing.domain.order_lifecycle import CancelWorkOrder, DeemAccepted, RestoreWorkOrder, ResumeHandling
from services.routing.domain.returns import DecideReturn, RequestReturn
from services.routing.domain.succession import PassOn
from services.routing.domain.work_order import WorkOrder, evolve

# Commands


Command = (
    ProposeRoute
    | DispatchCase
    | AcceptAssignment
    | AssignHandler
    | ContactCitizen
    | RecordProgress
    | SubmitFeedback
    | RequestReturn
    | DecideReturn
    | DecideEndorsement
    | OpenArbitration
    | RuleArbitration
    | PassOn
    | AddCoUnit
    | ReportAsCoUnit
    | CancelWorkOrder
    | ResumeHandling
    | RestoreWorkOrder
    | DeemAccepted
    | RecordViolation
)

# Decisions


def decide(order: WorkOrder, command: Command, facts: Facts) -> Sequence[Event]:
    """The facts that follow from a command; raises a refusal."""
    match command:
        case ProposeRoute():
            return dispatch.propose(order, command, facts)
        case DispatchCase():
            return dispatch.dispatch(order, command, facts)
        case AcceptAssignment():
            return handling.accept(order, command, facts)
        case AssignHandler():
            return handling.assign(order, command, facts)
        case ContactCitizen():
            return handling.contact(order, command, facts)
        case RecordProgress():
            return handling.progress(order, command, facts)
        case SubmitFeedback():
            return endorsement.send(order, command, facts)
        case RequestReturn():
            return endorsement.send(order, command, facts)
        case DecideReturn():
            return returns.decide_return(order, command, facts)
        case DecideEndorsement():
            return endorsement.endorse(order, command, facts)
        case OpenArbitration():
            return arbitration.open_arbitration(order, command, facts)
        case RuleArbitration():
            return arbitration.rule(order, command, facts)
        case PassOn():
            return succession.pass_on(order, command, facts)
        case AddCoUnit():
            return co_units.add(order, command, facts)
        case ReportAsCoUnit():
            return co_units.report(order, command, facts)
        case CancelWorkOrder():
            return order_lifecycle.cancel(order, command, facts)
        case ResumeHandling():
            return order_lifecycle.resume(order, command, facts)
        case RestoreWorkOrder():
            return order_lifecycle.restore(order, command, facts)
        case DeemAccepted():
            return order_lifecycle.deem_accepted(order, command, facts)
        case RecordViolation():
            return violations.record(order.violations, command, SeparationViolationDetected)
        case _:
            assert_never(command)


DECIDER: Decider[WorkOrder, Command, Facts] = Decider(WorkOrder(), fold_of(EVENTS, evolve), decide)
