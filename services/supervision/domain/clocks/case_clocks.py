"""The clocks of one case as supervision's own events tell them, and their fold. Pure; facts are in from_facts.py.

An operation that later issues add (pause, hold, extension) is one more event here: `fold` knows them all already.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import lru_cache
from typing import TypeGuard, assert_never, get_args

from libs.case.facts import Facts
from libs.directory.rules.calendar import Limit
from libs.directory.rules.lamps import LampRule
from libs.directory.rules.work_calendar import WorkCalendar, calendar_for
from libs.events.contracts.parts.clock import Clock, KnownClock
from libs.events.contracts.supervision import (
    AutoEscalated,
    ClockImported,
    ClockMoved,
    ClocksEnded,
    ClocksRevived,
    ClockStarted,
    DeadlineBreached,
    DeadlineRecomputed,
    DeadlineSet,
    DeadlineWarned,
    StageContinued,
    StageFinished,
    Urgency,
)
from libs.events.event import Event
from libs.events.ids import ClockId, UnitId
from services.supervision.domain.clocks.fold import ClockState, fold
from services.supervision.domain.clocks.ladder import CLIMBING, StepKey, step_key
from services.supervision.domain.clocks.operations import (
    Continued,
    Ended,
    Operation,
    Recounted,
    Reopened,
    Started,
    Stopped,
)
from services.supervision.domain.clocks.pinned_rules import lamp_rule

OF_A_UNIT: frozenset[Clock] = frozenset({"sign", "first_contact", "handling", "rework", "response"})
"""Clocks of a unit's work: they count by the unit's working hours, all others by the centre's (CLK-06)."""

# State


@dataclass(frozen=True)
class Track:
    """One clock: its operations so far, and the directory version that pins its lamp, ladder and first calendar."""

    clock_id: ClockId
    clock: Clock
    round: int
    unit: UnitId | None
    urgency: Urgency
    directory_version: int
    operations: tuple[Operation, ...] = ()

    def after(self, operation: Operation) -> Track:
        """The track with one operation more."""
        return replace(self, operations=(*self.operations, operation))

    @property
    def start(self) -> Started:
        """What every track begins with."""
        return next(one for one in self.operations if isinstance(one, Started))

    @property
    def works_as(self) -> UnitId | None:
        """Whose working hours count: the unit's, or (None) the centre's."""
        return self.unit if self.clock in OF_A_UNIT else None

    @property
    def calendars(self) -> list[int]:
        """Directory versions of the calendars by which it was counted, in the order of the log."""
        anew = [one.calendar_version for one in self.operations if isinstance(one, Recounted)]
        return [self.directory_version, *anew]

    def is_stopped(self, at: datetime) -> bool:
        """Whether its stage was over at an instant: the last stop or continuation until then was a stop."""
        until = [one for one in self.operations if isinstance(one, Stopped | Continued) and one.at <= at]
        return bool(until) and isinstance(max(until, key=lambda one: (one.at, one.position)), Stopped)


@dataclass(frozen=True)
class Clocks:
    """All clocks of a case. `of_case` acts on every clock, also on those that are read of later."""

    tracks: Mapping[ClockId, Track] = field(default_factory=dict)
    of_case: tuple[Operation, ...] = ()
    followed: frozenset[str] = frozenset()
    """Facts that moved a clock, by event id."""
    recorded: frozenset[StepKey] = frozenset()


ClockEvent = (
    DeadlineSet
    | ClockImported
    | StageFinished
    | StageContinued
    | DeadlineRecomputed
    | ClocksEnded
    | ClocksRevived
    | DeadlineWarned
    | DeadlineBreached
    | AutoEscalated
)
"""Which of supervision's events move a clock, or say that it came to an instant."""
CLOCK_EVENTS: frozenset[type[Event]] = frozenset(get_args(ClockEvent))


def is_of_clocks(event: Event) -> TypeGuard[ClockEvent]:
    """Whether the fold has to hear of it."""
    return type(event) in CLOCK_EVENTS


def evolve(clocks: Clocks, event: ClockEvent, position: int) -> Clocks:
    """One of these events later; `position`, its version in the stream, is the log order of the facts."""
    match event:
        case ClockImported():
            return _moved(clocks, event, _lived(event, position))
        case DeadlineSet():
            return _moved(clocks, event, _track(event).after(_started(event, position)))
        case StageFinished():
            stopped = Stopped(at=event.at, position=position)
            return _moved(clocks, event, clocks.tracks[event.clock_id].after(stopped))
        case StageContinued():
            continued = Continued(at=event.at, position=position, round=event.round)
            # Its own unit, or the one that has succeeded it (SUC-2).
            track = replace(clocks.tracks[event.clock_id], unit=event.unit)
            return _moved(clocks, event, track.after(continued))
        case DeadlineRecomputed():
            return _moved(clocks, event, clocks.tracks[event.clock_id].after(_recounted(event, position)))
        case ClocksEnded():
            return _all_moved(clocks, Ended(at=event.at, position=position), event.because)
        case ClocksRevived():
            return _all_moved(clocks, Reopened(at=event.at, position=position), event.because)
        case DeadlineWarned():
            return _recorded(clocks, step_key("warn", event.clock, event.clock_id, event.round))
        case DeadlineBreached():
            return _recorded(clocks, step_key("breach", event.clock, event.clock_id, event.round))
        case AutoEscalated():
            return _recorded(clocks, step_key("level", event.clock, event.clock_id, event.round, event.level))
        case _:
            assert_never(event)


def _moved(clocks: Clocks, event: ClockMoved, track: Track) -> Clocks:
    tracks = {**clocks.tracks, event.clock_id: track}
    return replace(clocks, tracks=tracks, followed=clocks.followed | {event.because})


def _all_moved(clocks: Clocks, operation: Operation, because: str) -> Clocks:
    return replace(clocks, of_case=(*clocks.of_case, operation), followed=clocks.followed | {because})


def _recorded(clocks: Clocks, key: StepKey) -> Clocks:
    return replace(clocks, recorded=clocks.recorded | {key})


def _track(event: ClockStarted) -> Track:
    return Track(event.clock_id, event.clock, event.round, event.unit, event.urgency, event.directory_version)


def _lived(event: ClockImported, position: int) -> Track:
    """By the source's instants, which lie before the event."""
    started = replace(_started(event, position), at=event.started_at or event.at, quiet_until=event.at)
    track = _track(event).after(started)
    return track.after(Stopped(at=event.stopped_at, position=position)) if event.stopped_at else track


def _started(event: ClockStarted, position: int) -> Started:
    return Started(
        at=event.at,
        position=position,
        clock=event.clock,
        round=event.round,
        limit=Limit.parse(event.limit) if event.limit else None,
        counted_from=event.counted_from,
        upstream=event.upstream_due_at,
    )


def _recounted(event: DeadlineRecomputed, position: int) -> Recounted:
    return Recounted(
        at=event.at,
        position=position,
        calendar_version=event.calendar_version,
        counted_from=event.counted_from,
    )


# The fold


def state_of(track: Track, clocks: Clocks, facts: Facts) -> ClockState | None:
    """One clock after everything that is known; None when it never ran."""
    rule = lamp_rule(facts.at(track.directory_version), track.urgency)
    calendars = tuple((version, calendar_for(facts.at(version), track.works_as)) for version in track.calendars)
    return _folded((*track.operations, *clocks.of_case), calendars, rule)


@lru_cache(maxsize=1024)
def _folded(
    operations: tuple[Operation, ...], calendars: tuple[tuple[int, WorkCalendar], ...], rule: LampRule
) -> ClockState | None:
    """Remembered: who decides on a clock says it, its timer asks again, and cases that came at once have equal ones."""
    return fold(operations, calendars[0][1], rule, dict(calendars))


def states_of(clocks: Clocks, facts: Facts) -> dict[ClockId, ClockState]:
    """Every clock of the case that ever ran."""
    folded = {clock_id: state_of(track, clocks, facts) for clock_id, track in clocks.tracks.items()}
    return {clock_id: state for clock_id, state in folded.items() if state}


def known_clock(track: Track, clocks: Clocks, facts: Facts) -> KnownClock:
    """What an event says of a clock."""
    state = state_of(track, clocks, facts)
    named = KnownClock(
        clock_id=track.clock_id,
        clock=track.clock,
        round=state.round if state else track.round,
        unit=track.unit,
        started_at=None,
        due_at=None,
        calendar_version=track.calendars[-1],
    )
    if state is None:
        return named
    names = ("started_at", "due_at", "yellow_at", "long_red_at", "stopped_at", "breach_at", "exempt", "provisional")
    return named.model_copy(update={name: getattr(state, name) for name in names})


def is_overdue(clocks: Clocks, facts: Facts, at: datetime) -> bool:
    """Whether a clock that climbs the ladder runs past its due instant."""
    running = [state for state in states_of(clocks, facts).values() if state.running and not state.exempt]
    return any(state.clock in CLIMBING and state.due_at < at for state in running)
