"""催办: a repeat contact, or a supervisor, asks the unit to move (rulebook.md c.3 #44, f.2). Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from libs.case.facts import Facts
from libs.case.refusals import NotInThisState
from libs.case.state import Case
from libs.events.contracts.supervision import CaseUrged
from libs.events.decider import Actor
from libs.events.event import Event
from libs.events.ids import UnitId
from services.supervision.domain.clocks.case_clocks import Clocks, is_overdue

# Commands


@dataclass(frozen=True)
class UrgeCase:
    """By a supervisor; or by the system, because the citizen called again (`contact`, its event id)."""

    at: datetime
    by: Actor
    note: str | None = None
    contact: str | None = None


# State


@dataclass(frozen=True)
class Urging:
    """What was urged already. `last`: the unit and the count of its acts at the previous urge."""

    contacts: frozenset[str] = frozenset()
    last: tuple[UnitId | None, int] | None = None


def evolve(own: Urging, event: CaseUrged) -> Urging:
    """Urged once more."""
    contacts = own.contacts | {event.because} if event.because else own.contacts
    return Urging(contacts, (event.unit, event.unit_acts))


# Decisions


def urge(own: Urging, command: UrgeCase, facts: Facts, clocks: Clocks) -> Sequence[Event]:
    """A contact urges once. Raises `Forbidden`; `NotInThisState` where the case has ended."""
    case = facts.known_case()
    if command.by.role == "SYSTEM":
        if case.ended or command.contact is None or command.contact in own.contacts:
            return []
        return [_urged(case, command, told=_is_late_or_silent(own, command, facts, clocks))]
    command.by.must_be("SUPERVISOR")
    if case.ended:
        raise NotInThisState(evidence=[case.last_event_id])
    return [_urged(case, command, told=False)]


def _urged(case: Case, command: UrgeCase, *, told: bool) -> CaseUrged:
    return CaseUrged(
        urged_by=None if command.contact else command.by.person,
        source="CITIZEN" if command.contact else "SUPERVISOR",
        unit=_unit_of(case),
        supervisor_told=told,
        because=command.contact,
        unit_acts=_acts(case),
        note=command.note,
    )


def _is_late_or_silent(own: Urging, command: UrgeCase, facts: Facts, clocks: Clocks) -> bool:
    """Counting calls alone would reward whoever calls most (f.2): lateness counts, or nothing done since last time."""
    case = facts.known_case()
    return own.last == (_unit_of(case), _acts(case)) or is_overdue(clocks, facts, command.at)


def _unit_of(case: Case) -> UnitId | None:
    return UnitId(case.unit) if case.unit else None


def _acts(case: Case) -> int:
    """How often a handling power was used in the case: signature, handler, contact, progress, feedback."""
    return sum(len(events) for events in case.handlers.values())
