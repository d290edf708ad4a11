"""A fact of the log was read: the events that move the clocks of its case. Pure; which clocks move is in moves.py."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, assert_never, cast

from libs.case.facts import Facts
from libs.case.state import Case
from libs.directory.rules.work_calendar import calendar_at
from libs.events.contracts.intake import CaseImported
from libs.events.contracts.parts.clock import KnownClock
from libs.events.contracts.supervision import (
    ClockImported,
    ClocksEnded,
    ClocksRevived,
    DeadlineSet,
    StageContinued,
    StageFinished,
    Urgency,
)
from libs.events.decider import Actor
from libs.events.event import Event
from libs.events.ids import ClockId
from services.supervision.domain.clocks.case_clocks import ClockEvent, Clocks, Track, evolve, known_clock
from services.supervision.domain.clocks.limits import start_of
from services.supervision.domain.clocks.moves import Continue, EndAll, Fact, Move, Revive, Start, Stop, TryAgain, moves
from services.supervision.domain.clocks.operations import NEWEST, Continued, Ended, Operation, Reopened, Stopped
from services.supervision.domain.clocks.pinned_rules import limits_of
from services.supervision.domain.closing.completion import Completion

ORDINARY: Urgency = "U3"
"""Of an order that was closed elsewhere and says none: only its lamp asks for one."""


@dataclass(frozen=True)
class FollowClocks:
    """A fact was read back from the log; `at` is its `recordedat`, from which the clocks count."""

    at: datetime
    by: Actor
    fact: Fact
    fact_id: str


def follow(clocks: Clocks, own: Completion, command: FollowClocks, facts: Facts, version: int) -> Sequence[Event]:
    """The moves of a fact; `version` is that of the own stream. A case without urgency has no clocks."""
    case = facts.case
    if command.fact_id in clocks.followed or case is None:
        return []
    if case.urgency is None and not (isinstance(command.fact, CaseImported) and command.fact.closed):
        return []
    events: list[Event] = []
    for move in moves(clocks, own, command.fact, command.at, case):
        for event in _events_of(clocks, move, command, facts, case):
            events.append(event)
            clocks = evolve(clocks, event, version + len(events))
    return events


def _events_of(clocks: Clocks, move: Move, command: FollowClocks, facts: Facts, case: Case) -> Iterator[ClockEvent]:
    at, because = command.at, command.fact_id
    match move:
        case Start():
            yield from _start(clocks, move, command, facts, case)
        case TryAgain():
            # Without such a limit the first one stays.
            for started in _start(clocks, Start("callback", move.track.round, again=True), command, facts, case):
                yield _stop(clocks, move.track, command, facts)
                yield started
        case Stop():
            yield _stop(clocks, move.track, command, facts)
        case Continue():
            known = _known(clocks, move.track, Continued(at=at, position=NEWEST, round=move.round), facts)
            yield StageContinued(**{**known, "round": move.round}, at=at, because=because)
        case EndAll():
            yield ClocksEnded(at=at, because=because, clocks=_all_after(clocks, Ended(at=at, position=NEWEST), facts))
        case Revive():
            known_all = _all_after(clocks, Reopened(at=at, position=NEWEST), facts)
            yield ClocksRevived(at=at, because=because, clocks=known_all)
        case _:
            assert_never(move)


def _stop(clocks: Clocks, track: Track, command: FollowClocks, facts: Facts) -> StageFinished:
    known = _known(clocks, track, Stopped(at=command.at, position=NEWEST), facts)
    return StageFinished(**known, at=command.at, because=command.fact_id)


def _all_after(clocks: Clocks, operation: Operation, facts: Facts) -> tuple[KnownClock, ...]:
    after = replace(clocks, of_case=(*clocks.of_case, operation))
    return tuple(known_clock(track, after, facts) for track in after.tracks.values())


def _start(clocks: Clocks, move: Start, command: FollowClocks, facts: Facts, case: Case) -> Iterator[ClockEvent]:
    """Nothing where there is no limit."""
    view, urgency = facts.directory, cast(Urgency, case.urgency or ORDINARY)
    limits = limits_of(move.clock, case, urgency, view)
    lived = case.imported_at is not None and move.clock == "overall"
    at = _began(command, case) if lived else command.at
    calendar, number = calendar_at(view), move.round
    started = start_of(move.clock, limits, calendar, at=at, position=NEWEST, round=number, again=move.again)
    if started is None:
        return
    clock_id = ClockId(f"{command.fact_id}/{move.clock}")
    track = Track(clock_id, move.clock, move.round, move.unit, urgency, view.version)
    known = _known(clocks, track, started, facts)
    if lived and isinstance(command.fact, CaseImported) and command.fact.closed:
        if command.fact.closed_at is None:
            return
        stopped = Stopped(at=command.fact.closed_at, position=NEWEST)
        known = _known(clocks, track.after(started), stopped, facts)
    yield (ClockImported if lived else DeadlineSet)(
        **known,
        at=command.at,
        because=command.fact_id,
        limit=str(started.limit) if started.limit else None,
        counted_from=started.counted_from,
        upstream_due_at=started.upstream,
        urgency=urgency,
        directory_version=view.version,
    )


def _began(command: FollowClocks, case: Case) -> datetime:
    """When the overall clock of an imported order began: where it was registered, by the source or here since."""
    if isinstance(command.fact, CaseImported):
        return command.fact.registered_at or case.received_at or command.at
    return command.at


def _known(clocks: Clocks, track: Track, operation: Operation, facts: Facts) -> dict[str, Any]:
    return known_clock(track.after(operation), clocks, facts).model_dump()
