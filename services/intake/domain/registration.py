"""Registering a case, refusing it, voiding a wrong entry (rulebook.md c.3 #6, #6a, #8). Pure: no I/O, no clock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from libs.case.facts import Facts
from libs.case.refusals import NotInThisState
from libs.directory.rules.limits import handling_limit
from libs.events.contracts.intake import CaseNotAccepted, CaseRegistered, CaseVoided, Kind, Urgency
from libs.events.decider import Actor
from libs.events.event import Event
from libs.events.ids import ClassCode, GridCode
from services.intake.domain.case_state import State, living_class, raise_not_here

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


# Decisions


def register(state: State, command: RegisterCase, facts: Facts) -> Sequence[Event]:
    """A class that is dangerous by itself is U1 at once (R0)."""
    command.by.must_be("OPERATOR")
    if state.status == "REGISTERED":
        return []
    if state.status != "RECEIVED":
        raise_not_here(state)
    item = living_class(facts.directory, command.class_code, command.at)
    kind = command.kind or state.kind
    urgency: Urgency = "U1" if item.safety else command.urgency
    handling_limit(facts.directory, command.class_code, kind, urgency, command.filing_condition)
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


def reject(state: State, command: RejectCase, facts: Facts) -> Sequence[Event]:
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
