"""Intake 受理: registering, refusing, voiding, erasing; receiving is in reception.py, changes of mind in
correction.py and withdrawal.py. Pure: no I/O, no clock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, assert_never

from libs.case.facts import Facts
from libs.directory.facts.view import View
from libs.directory.rules.limits import handling_limit
from libs.events.contracts.intake import (
    EVENTS,
    CaseNotAccepted,
    CaseRegistered,
    CaseVoided,
    Kind,
    PersonalDataErased,
    Urgency,
)
from libs.events.decider import Actor, Decider, fold_of
from libs.events.errors import NotFound
from libs.events.event import Event
from libs.events.ids import ClassCode, GridCode
from services.intake.domain.case_state import NotInThisState, State, catalogue_item, evolve, raise_not_here
from services.intake.domain.correction import AnswerDirectly, CorrectCase, answer, correct
from services.intake.domain.identity import ReceiveRepeatContact, repeat_contact
from services.intake.domain.reception import ReportGridEvent, SubmitAppeal, report_grid_event, submit_appeal
from services.intake.domain.withdrawal import RestoreAppeal, WithdrawAppeal, restore, withdraw

# Commands


@dataclass(frozen=True)
class RegisterCase:
    """立案: classify the matter (c.3 #6)."""

    at: datetime
    by: Actor
    class_code: ClassCode
    urgency: Urgency
    kind: Kind | None = None
    filing_condition: str | None = None


@dataclass(frozen=True)
class VoidCase:
    """作废: wrong entry or test call, only before dispatch (c.3 #6a)."""

    at: datetime
    by: Actor
    reason: str


NotAcceptedReason = Literal[
    "NOT_GOVERNMENT",
    "EMERGENCY_LINE",
    "OTHER_POWER",
    "LEGAL_PROCEDURE",
    "IN_PROCEDURE",
    "SECRET",
    "SAME_MATTER",
    "NO_REAL_CONTENT",
    "OTHER",
]
"""The nine reasons of rulebook.md c.5, in its order."""


@dataclass(frozen=True)
class RejectCase:
    """不予受理: one of nine reasons, the legal basis, and where to go instead (c.3 #8)."""

    at: datetime
    by: Actor
    reason_code: NotAcceptedReason
    legal_basis: str
    alternative: str


ErasureGround = Literal[
    "PURPOSE_ACHIEVED", "RETENTION_EXPIRED", "CONSENT_WITHDRAWN", "UNLAWFUL_PROCESSING", "OTHER_LAW"
]
"""个人信息保护法 art. 47."""


@dataclass(frozen=True)
class EraseCaseKeys:
    """Destroy the keys of a case; its personal fields become unreadable everywhere (c.3 #37a)."""

    at: datetime
    by: Actor
    kinds: tuple[Literal["reporter", "case"], ...]
    ground: ErasureGround


Command = (
    SubmitAppeal
    | ReportGridEvent
    | RegisterCase
    | CorrectCase
    | VoidCase
    | RejectCase
    | AnswerDirectly
    | WithdrawAppeal
    | RestoreAppeal
    | EraseCaseKeys
    | ReceiveRepeatContact
)

# Decisions


def decide(state: State, command: Command, facts: Facts) -> Sequence[Event]:
    """The facts that follow from a command; raises a refusal."""
    match command:
        case SubmitAppeal():
            return submit_appeal(state, command, facts.directory)
        case ReportGridEvent():
            return report_grid_event(state, command, facts.directory)
        case RegisterCase():
            return register(state, command, facts.directory)
        case CorrectCase():
            return correct(state, command, facts)
        case AnswerDirectly():
            return answer(state, command)
        case WithdrawAppeal():
            return withdraw(state, command, facts)
        case RestoreAppeal():
            return restore(state, command, facts)
        case VoidCase():
            return void(state, command, facts)
        case RejectCase():
            return reject(state, command)
        case EraseCaseKeys():
            return erase(state, command)
        case ReceiveRepeatContact():
            return repeat_contact(state, command, facts.case)
        case _:
            assert_never(command)


def register(state: State, command: RegisterCase, directory: View) -> Sequence[Event]:
    """A class that is dangerous by itself is U1 at once (R0)."""
    command.by.must_be("OPERATOR")
    if state.status == "REGISTERED":
        return []
    if state.status != "RECEIVED":
        raise_not_here(state)
    item = catalogue_item(directory, command.class_code)
    kind = command.kind or state.kind
    urgency: Urgency = "U1" if item.safety else command.urgency
    handling_limit(directory, command.class_code, kind, urgency, command.filing_condition)
    return [
        CaseRegistered(
            registered_by=command.by.person,
            kind=kind,
            class_code=command.class_code,
            urgency=urgency,
            grid=state.grid or GridCode(""),
            filing_condition=command.filing_condition,
            upstream_due_at=state.upstream_due_at,
        )
    ]


def void(state: State, command: VoidCase, facts: Facts) -> Sequence[Event]:
    """Only before dispatch; one that crosses a dispatch still on its way takes effect (architecture.md §10)."""
    command.by.must_be("OPERATOR")
    if state.status == "VOID":
        return []
    if state.status not in ("RECEIVED", "REGISTERED"):
        raise_not_here(state)
    if facts.case and facts.case.units:
        raise NotInThisState(evidence=[facts.case.last_event_id], allowed=["withdraw", "feedback"])
    return [CaseVoided(voided_by=command.by.person, reason=command.reason)]


def reject(state: State, command: RejectCase) -> Sequence[Event]:
    """Nothing is refused without a reason, its legal basis and another way to go."""
    command.by.must_be("OPERATOR")
    if state.status == "NOT_ACCEPTED":
        return []
    if state.status != "RECEIVED":
        raise_not_here(state)
    return [
        CaseNotAccepted(
            refused_by=command.by.person,
            reason_code=command.reason_code,
            legal_basis=command.legal_basis,
            alternative=command.alternative,
        )
    ]


def erase(state: State, command: EraseCaseKeys) -> Sequence[Event]:
    """Chain and counts stay; the worker destroys the keys when it reads this back (architecture.md §8)."""
    command.by.must_be("ADMIN")
    if state.status == "NONE":
        raise NotFound()
    kinds = tuple(kind for kind in command.kinds if kind not in state.erased)
    return [PersonalDataErased(erased_by=command.by.person, kinds=kinds, ground=command.ground)] if kinds else []


DECIDER: Decider[State, Command, Facts] = Decider(State(), fold_of(EVENTS, evolve), decide)
