"""Intake 受理: its commands and its decisions – each in the room of its matter. Pure: no I/O, no clock."""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_never

from libs.case.facts import Facts
from libs.events.contracts.intake import EVENTS
from libs.events.decider import Decider, fold_of
from libs.events.event import Event
from services.intake.domain import (
    attachments,
    correction,
    erasure,
    identity,
    moving_in,
    reception,
    registration,
    succession,
    suspected,
    withdrawal,
)
from services.intake.domain.attachments import AddAttachment
from services.intake.domain.case_state import State, evolve
from services.intake.domain.correction import AnswerDirectly, CorrectCase
from services.intake.domain.erasure import EraseCaseKeys
from services.intake.domain.identity import ReceiveRepeatContact
from services.intake.domain.moving_in import ImportCase
from services.intake.domain.reception import ReportGridEvent, SubmitAppeal
from services.intake.domain.registration import RegisterCase, RejectCase, VoidCase
from services.intake.domain.succession import PassOn
from services.intake.domain.suspected import TellCasesApart
from services.intake.domain.withdrawal import RestoreAppeal, WithdrawAppeal

# Commands

Command = (
    SubmitAppeal
    | ReportGridEvent
    | ImportCase
    | ReceiveRepeatContact
    | TellCasesApart
    | RegisterCase
    | VoidCase
    | RejectCase
    | CorrectCase
    | PassOn
    | AnswerDirectly
    | WithdrawAppeal
    | RestoreAppeal
    | AddAttachment
    | EraseCaseKeys
)

# Decisions


def decide(state: State, command: Command, facts: Facts) -> Sequence[Event]:
    """The facts that follow from a command; raises a refusal."""
    match command:
        case SubmitAppeal():
            return reception.submit_appeal(state, command, facts)
        case ReportGridEvent():
            return reception.report_grid_event(state, command, facts)
        case ImportCase():
            return moving_in.move_in(state, command, facts)
        case ReceiveRepeatContact():
            return identity.repeat_contact(state, command, facts)
        case TellCasesApart():
            return suspected.tell_apart(state, command, facts)
        case RegisterCase():
            return registration.register(state, command, facts)
        case VoidCase():
            return registration.void(state, command, facts)
        case RejectCase():
            return registration.reject(state, command, facts)
        case CorrectCase():
            return correction.correct(state, command, facts)
        case PassOn():
            return succession.pass_on(state, command, facts)
        case AnswerDirectly():
            return correction.answer(state, command, facts)
        case WithdrawAppeal():
            return withdrawal.withdraw(state, command, facts)
        case RestoreAppeal():
            return withdrawal.restore(state, command, facts)
        case AddAttachment():
            return attachments.attach(state, command, facts)
        case EraseCaseKeys():
            return erasure.erase(state, command, facts)
        case _:
            assert_never(command)


DECIDER: Decider[State, Command, Facts] = Decider(State(), fold_of(EVENTS, evolve), decide)
