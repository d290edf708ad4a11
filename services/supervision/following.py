"""What each fact of the log does to the clocks of its case (CLK-09, CLK-13, CLK-14). Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, assert_never, cast

from libs.directory.calendar import calendar_at
from libs.directory.facts import Facts
from libs.events.contracts.intake import CaseNotAccepted, CaseRegistered, CaseVoided
from libs.events.contracts.routing import (
    AssignmentAccepted,
    AssignmentDeemedAccepted,
    CaseDispatched,
    FeedbackSubmitted,
)
from libs.events.contracts.supervision import (
    CaseClosed,
    Clock,
    ClocksEnded,
    DeadlineSet,
    FeedbackRejected,
    ReworkOrdered,
    StageContinued,
    StageFinished,
    SupervisionIssued,
    SupervisionLifted,
    SupervisionResponded,
    Urgency,
)
from libs.events.decider import Actor
from libs.events.event import Event
from libs.events.ids import ClockId, UnitId
from libs.events.lifecycle import Case
from services.supervision.limits import start_of
from services.supervision.operations import Continued, Ended, Operation, Stopped
from services.supervision.rules import limits_of
from services.supervision.tracks import Clocks, Track, evolve, known_clock

Fact = (
    CaseRegistered
    | CaseVoided
    | CaseNotAccepted
    | CaseDispatched
    | AssignmentAccepted
    | AssignmentDeemedAccepted
    | FeedbackSubmitted
    | FeedbackRejected
    | ReworkOrdered
    | CaseClosed
    | SupervisionIssued
    | SupervisionResponded
    | SupervisionLifted
)
"""What starts, stops, continues or ends a clock."""
NEWEST = 1 << 62
"""Position of the operation that is being appended: behind all that the log holds."""


@dataclass(frozen=True)
class FollowClocks:
    """A fact was read back from the log; `at` is its `recordedat`, from which the clocks count."""

    at: datetime
    by: Actor
    fact: Fact
    fact_id: str


@dataclass(frozen=True)
class Start:
    """A clock is to start, where a limit or the sender gives it a due instant."""

    clock: Clock
    round: int = 1
    unit: UnitId | None = None


@dataclass(frozen=True)
class Stop:
    """The stage of this clock is over."""

    track: Track


@dataclass(frozen=True)
class Continue:
    """The stage of this clock goes on; an overall clock does so in the round `round`."""

    track: Track
    round: int


@dataclass(frozen=True)
class EndAll:
    """The case has ended."""


Move = Start | Stop | Continue | EndAll


def follow(clocks: Clocks, command: FollowClocks, facts: Facts, version: int) -> Sequence[Event]:
    """The moves of a fact; `version` is that of the own stream. A case without urgency has no clocks."""
    case = facts.case
    if command.fact_id in clocks.followed or case is None or case.urgency is None:
        return []
    events: list[Event] = []
    for move in moves(clocks, command, case):
        if event := _event_of(clocks, move, command, facts, case):
            events.append(event)
            clocks = evolve(clocks, event, version + len(events))
    return events


def moves(clocks: Clocks, command: FollowClocks, case: Case) -> Iterator[Move]:
    """What the fact starts, stops, continues or ends."""
    unit = UnitId(case.unit) if case.unit else None
    match command.fact:
        case CaseRegistered():
            yield from (Start("dispatch"), Start("overall"))
        case CaseDispatched() as fact:
            yield from _dispatched(clocks, command.at, fact)
        case AssignmentAccepted() | AssignmentDeemedAccepted() as fact:
            yield from _stops(clocks, command.at, "sign", unit=fact.unit)
        case FeedbackSubmitted() as fact:
            yield from _stops(clocks, command.at, "handling", "rework", unit=fact.unit, of_round=fact.round)
            yield from _stops(clocks, command.at, "overall")
        case FeedbackRejected() as fact:
            yield from _continues(clocks, fact.round, "handling", "rework", unit=unit, of_round=fact.round)
            yield from _continues(clocks, fact.round, "overall")
        case ReworkOrdered() as fact:
            yield Start("rework", fact.round, unit)
            yield from _continues(clocks, fact.round, "overall")
        case SupervisionIssued() as fact:
            yield Start("response", case.round, fact.unit)
        case SupervisionResponded() as fact:
            yield from _stops(clocks, command.at, "response", unit=fact.unit)
        case SupervisionLifted():
            yield from _stops(clocks, command.at, "response")
        case CaseVoided() | CaseNotAccepted() | CaseClosed():
            yield EndAll()
        case _:
            assert_never(command.fact)


def _dispatched(clocks: Clocks, at: datetime, fact: CaseDispatched) -> Iterator[Move]:
    yield from _stops(clocks, at, "dispatch")
    # A unit that the case has left answers no more; the overall clock never resets.
    yield from (stop for stop in _stops(clocks, at, "sign", "handling") if stop.track.unit != fact.unit)
    yield from (Start("sign", fact.round, fact.unit), Start("handling", fact.round, fact.unit))


def _tracks(clocks: Clocks, kinds: Sequence[Clock], unit: UnitId | None, of_round: int | None) -> Iterator[Track]:
    for track in clocks.tracks.values():
        if track.clock in kinds and unit in (None, track.unit) and of_round in (None, track.round):
            yield track


def _stops(
    clocks: Clocks, at: datetime, *kinds: Clock, unit: UnitId | None = None, of_round: int | None = None
) -> Iterator[Stop]:
    # Of several stops the earliest counts, so one after another would say nothing.
    yield from (Stop(track) for track in _tracks(clocks, kinds, unit, of_round) if not track.is_stopped(at))


def _continues(
    clocks: Clocks, to_round: int, *kinds: Clock, unit: UnitId | None = None, of_round: int | None = None
) -> Iterator[Continue]:
    yield from (Continue(track, to_round) for track in _tracks(clocks, kinds, unit, of_round))


def _event_of(clocks: Clocks, move: Move, command: FollowClocks, facts: Facts, case: Case) -> Event | None:
    at, because = command.at, command.fact_id
    match move:
        case Start():
            return _start(clocks, move, command, facts, case)
        case Stop():
            known = _known(clocks, move.track, Stopped(at=at, position=NEWEST), facts)
            return StageFinished(**known, at=at, because=because)
        case Continue():
            known = _known(clocks, move.track, Continued(at=at, position=NEWEST, round=move.round), facts)
            return StageContinued(**{**known, "round": move.round}, at=at, because=because)
        case EndAll():
            ended = replace(clocks, of_case=(*clocks.of_case, Ended(at=at, position=NEWEST)))
            known_all = tuple(known_clock(track, ended, facts) for track in ended.tracks.values())
            return ClocksEnded(at=at, because=because, clocks=known_all)
    assert_never(move)


def _start(clocks: Clocks, move: Start, command: FollowClocks, facts: Facts, case: Case) -> DeadlineSet | None:
    view, urgency = facts.directory, cast(Urgency, case.urgency)
    limits = limits_of(case, urgency, view)
    started = start_of(move.clock, limits, calendar_at(view), at=command.at, position=NEWEST, round=move.round)
    if started is None:
        return None
    clock_id = ClockId(f"{command.fact_id}/{move.clock}")
    track = Track(clock_id, move.clock, move.round, move.unit, urgency, view.version)
    return DeadlineSet(
        **_known(clocks, track, started, facts),
        at=command.at,
        because=command.fact_id,
        limit=str(started.limit) if started.limit else None,
        counted_from=started.counted_from,
        upstream_due_at=started.upstream,
        urgency=urgency,
        directory_version=view.version,
    )


def _known(clocks: Clocks, track: Track, operation: Operation, facts: Facts) -> dict[str, Any]:
    return known_clock(track.after(operation), clocks, facts).model_dump()
