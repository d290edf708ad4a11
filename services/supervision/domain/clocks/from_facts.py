"""A fact of the log was read: the events that move the clocks of its case. Pure; which clocks move is in moves.py."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, assert_never, cast

from libs.case.facts import Facts
from libs.case.state import Case
from libs.directory.rules.calendar import calendar_at
from libs.events.contracts.parts.clock import KnownClock
from libs.events.contracts.supervision import (
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
from services.supervision.domain.clocks.moves import Continue, EndAll, Fact, Move, Revive, Start, Stop, moves
from services.supervision.domain.clocks.operations import NEWEST, Continued, Ended, Operation, Reopened, Stopped
from services.supervision.domain.clocks.pinned_rules import limits_of


@dataclass(frozen=True)
class FollowClocks:
    """A fact was read back from the log; `at` is its `recordedat`, from which the clocks count."""

    at: datetime
    by: Actor
    fact: Fact
    fact_id: str


def follow(clocks: Clocks, command: FollowClocks, facts: Facts, version: int) -> Sequence[Event]:
    """The moves of a fact; `version` is that of the own stream. A case without urgency has no clocks."""
    case = facts.case
    if command.fact_id in clocks.followed or case is None or case.urgency is None:
        return []
    events: list[Event] = []
    for move in moves(clocks, command.fact, command.at, case):
        if event := _event_of(clocks, move, command, facts, case):
            events.append(event)
            clocks = evolve(clocks, event, version + len(events))
    return events


def _event_of(clocks: Clocks, move: Move, command: FollowClocks, facts: Facts, case: Case) -> ClockEvent | None:
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
            return ClocksEnded(at=at, because=because, clocks=_all_after(clocks, Ended(at=at, position=NEWEST), facts))
        case Revive():
            known_all = _all_after(clocks, Reopened(at=at, position=NEWEST), facts)
            return ClocksRevived(at=at, because=because, clocks=known_all)
    assert_never(move)


def _all_after(clocks: Clocks, operation: Operation, facts: Facts) -> tuple[KnownClock, ...]:
    after = replace(clocks, of_case=(*clocks.of_case, operation))
    return tuple(known_clock(track, after, facts) for track in after.tracks.values())


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
