"""Given-when-then for deciders, and a case's log told event by event. For tests only; no I/O."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from libs.case import lifecycle
from libs.case.state import Case
from libs.events.decider import Command, Decider, State
from libs.events.envelope import Position, Recorded
from libs.events.errors import Rejected
from libs.events.event import Event
from libs.events.lanes import lane_of

CASE_ID = "0191f2a0-0000-7000-8000-000000000001"
Facts = TypeVar("Facts")


@dataclass(frozen=True)
class Given(Generic[State, Command, Facts]):
    """A stream's past."""

    decider: Decider[State, Command, Facts]
    events: Sequence[Event]

    def when(self, command: Command, facts: Facts) -> Decided:
        """Decide; a refusal is kept for `then_refused`."""
        try:
            return Decided(tuple(self.decider.decide(self.decider.fold(self.events), command, facts)))
        except Rejected as refusal:
            return Decided((), refusal)


@dataclass(frozen=True)
class Decided:
    """What followed from the command."""

    events: tuple[Event, ...]
    refusal: Rejected | None = None

    def then(self, *events: Event) -> None:
        """Exactly these facts, in this order; none for a command that changes nothing."""
        if self.refusal:
            raise AssertionError(f"refused: {self.refusal.code} {self.refusal.message_en}")
        if self.events != events:
            raise AssertionError(f"decided {self.events}\nexpected {events}")

    def then_refused(self, kind: type[Rejected], *, rule: str | None = None, code: str | None = None) -> Rejected:
        """Refused in this way; the refusal, for what it says besides."""
        if not isinstance(self.refusal, kind):
            raise AssertionError(f"expected {kind.__name__}, got {self.refusal or self.events!r}")
        if rule is not None and self.refusal.rule != rule:
            raise AssertionError(f"refused by {self.refusal.rule}, expected {rule}")
        if code is not None and self.refusal.code != code:
            raise AssertionError(f"refused with {self.refusal.code}, expected {code}")
        return self.refusal


def given(decider: Decider[State, Command, Facts], *events: Event) -> Given[State, Command, Facts]:
    """The service's own events of one stream so far."""
    return Given(decider, events)


def log_of(*facts: tuple[datetime, Event], case_id: str = CASE_ID) -> tuple[Recorded, ...]:
    """The log of one case: who owns the event is its source; ids are `e-1`, `e-2`, … in log order."""
    log: list[Recorded] = []
    for at, event in facts:
        log.append(next_of(log, at, event, case_id))
    return tuple(log)


def next_of(log: Sequence[Recorded], at: datetime, event: Event, case_id: str = CASE_ID) -> Recorded:
    """How the log of this case goes on."""
    number, source = len(log) + 1, f"/xunban/{event.owner}"
    version = 1 + sum(one.attributes["ce_source"] == source for one in log)
    attributes = {
        "ce_id": f"e-{number}",
        "ce_source": source,
        "ce_type": event.ce_type,
        "ce_subject": case_id,
        "ce_stream": f"case-{case_id}",
        "ce_time": at.isoformat(),
        "ce_actor": "somebody",
        "ce_directoryversion": "0",
    }
    position = Position(lane_of(case_id), number, version, at, b"", b"")
    return Recorded(position, attributes, event, event.model_dump_json().encode())


def case_of(*facts: tuple[datetime, Event], case_id: str = CASE_ID) -> Case:
    """The case after these facts of whatever services."""
    case = lifecycle.fold(log_of(*facts, case_id=case_id))
    if case is None:
        raise AssertionError("a case needs at least one event")
    return case
