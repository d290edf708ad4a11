"""One clock as the fold of its operations in the order of their instants (architecture.md §5). Pure; no ladder here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import MappingProxyType
from typing import Literal, assert_never

from libs.directory.rules.calendar import Limit, Unit, add, due, shift
from libs.directory.rules.lamps import Counted, Gap, LampRule, lamp_turns
from libs.directory.rules.work_calendar import WorkCalendar
from libs.events.contracts.parts.clock import Clock
from services.supervision.domain.clocks.operations import (
    Continued,
    Counting,
    Ended,
    Extended,
    Held,
    Operation,
    Paused,
    Recounted,
    Released,
    Reopened,
    Resumed,
    Started,
    Stopped,
)

Obstacle = Literal["stopped", "ended", "paused", "held"]
FINAL: tuple[Obstacle, ...] = ("stopped", "ended")
Calendars = Mapping[int, WorkCalendar]


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch in which the clock ran, with what held in it; `end` is None while it runs."""

    start: datetime
    end: datetime | None
    round: int
    due_at: datetime
    yellow_at: datetime
    """The first instant of 黄."""
    long_red_at: datetime
    """The last instant before 长红."""
    exempt: bool
    """The due instant passed while the clock was held."""
    calendar: WorkCalendar
    """By which the limit ran here."""

    def reached(self, instant: datetime) -> datetime | None:
        """When the clock, running, comes to `instant`: never, if it stopped at that very instant (CLK-14)."""
        met = max(instant, self.start)
        return None if self.exempt or (self.end is not None and met >= self.end) else met


@dataclass(frozen=True, slots=True)
class ClockState:
    """What a clock is once every operation up to some instant is known."""

    clock: Clock
    round: int
    limit: Limit | None
    """Approved extensions included; None when only an instant was given or units were mixed."""
    started_at: datetime
    due_at: datetime
    yellow_at: datetime
    long_red_at: datetime
    stopped_at: datetime | None
    """Since when the stage or the case is over; None while the clock runs, is paused or is held."""
    running: bool
    exempt: bool
    provisional: bool
    """The limit was counted over days of an unpublished year (CLK-15)."""
    spans: tuple[Span, ...]
    quiet_until: datetime | None = None  # Nothing that it came to until then is a step: its order was elsewhere.

    @property
    def breach_at(self) -> datetime | None:
        """The instant of the breach; while the clock runs it may still lie ahead."""
        return min((met for span in self.spans if (met := span.reached(span.due_at))), default=None)

    @property
    def on_time(self) -> bool | None:
        """The verdict of a finished clock (CLK-04); None while unfinished, and when it is exempt (CLK-18)."""
        if self.stopped_at is None or (self.exempt and self.breach_at is None):
            return None
        return self.breach_at is None


@dataclass(frozen=True, slots=True)
class _Run:
    """A clock in the middle of the fold; `at` is how far time has gone, `calendar` the one that counts now."""

    at: datetime
    calendar: WorkCalendar
    started: Started | None = None
    refused: bool = False
    waiting: bool = False
    """Started after the end of its case: a clock only once the case lives again."""
    obstacles: Mapping[Obstacle, datetime] = field(default_factory=dict)
    """Why the clock does not run, each with its instant."""
    last_end: int = -1
    """Position of the newest end of the case so far."""
    free_since: datetime | None = None
    """Since when time is not charged; a hold alone is charged."""
    round: int = 1
    limit: Limit | None = None
    limit_due: datetime | None = None
    upstream: datetime | None = None
    exempt: bool = False
    gaps: tuple[Gap, ...] = ()
    spans: tuple[Span, ...] = ()

    @property
    def due_at(self) -> datetime:
        return min(instant for instant in (self.limit_due, self.upstream) if instant)

    @property
    def stopped_at(self) -> datetime | None:
        return min((self.obstacles[final] for final in FINAL if final in self.obstacles), default=None)


def fold(
    operations: Iterable[Operation], calendar: WorkCalendar, rule: LampRule, later: Calendars = MappingProxyType({})
) -> ClockState | None:
    """The clock after its operations, in whatever order they are given; None when it never ran.

    `later` holds the calendars by which it is counted anew, by the version of the directory.
    """
    ordered = sorted(operations, key=lambda operation: (operation.at, operation.position))
    if not ordered:
        return None
    run = _through(ordered, _Run(ordered[0].at, calendar), rule, later)
    return _state(run, run.started, rule) if run.started and not run.waiting else None


def _through(ordered: Sequence[Operation], run: _Run, rule: LampRule, later: Calendars) -> _Run:
    since = run.at
    for number, operation in enumerate(ordered):
        run = _elapse(run, operation.at, rule)
        if isinstance(operation, Recounted):
            anew = _Run(since, later[operation.calendar_version])
            run = _recount(run, _through(_first_counted(ordered[:number], operation), anew, rule, later))
        else:
            run = _evolve(run, operation)
    return run


def _first_counted(operations: Sequence[Operation], recounted: Recounted) -> list[Operation]:
    """What had happened, as if it were counted now for the first time."""
    return [
        replace(one, counted_from=recounted.counted_from or one.counted_from) if isinstance(one, Started) else one
        for one in operations
        if not isinstance(one, Recounted)
    ]


def _recount(run: _Run, anew: _Run) -> _Run:
    """What was said of the past stands; from now on the later of both due instants holds (CLK-15)."""
    run = replace(run, calendar=anew.calendar)
    if run.limit_due is None or anew.limit_due is None:
        return run
    return _due(replace(run, started=anew.started), max(run.limit_due, anew.limit_due))


def _elapse(run: _Run, at: datetime, rule: LampRule) -> _Run:
    """The time until `at`: used, or – while the clock is held – charged without consequence, or not charged."""
    if at == run.at:
        return run
    if run.started is None:
        return replace(run, at=at)
    if not run.obstacles:
        return replace(run, at=at, spans=(*run.spans, _span(run, run.started, at, rule)))
    if run.obstacles.keys() == {"held"}:
        return replace(run, at=at, exempt=run.exempt or run.at <= run.due_at < at)
    return replace(run, at=at)


def _evolve(run: _Run, operation: Counting) -> _Run:
    match operation:
        case Started():
            return _start(run, operation)
        case Extended():
            return _extend(run, operation.limit)
        case Stopped():
            return _obstruct(run, "stopped")
        case Continued():
            return replace(_free(run, "stopped"), round=operation.round or run.round)
        case Ended():
            return replace(_obstruct(run, "ended"), last_end=max(run.last_end, operation.position))
        case Reopened():
            lives = operation.position > run.last_end
            return replace(_free(run, "ended"), waiting=False) if lives else run
        case Paused():
            return _obstruct(run, "paused")
        case Resumed():
            return _free(run, "paused")
        case Held():
            return _obstruct(run, "held")
        case Released():
            return _free(run, "held")
    assert_never(operation)


def _start(run: _Run, start: Started) -> _Run:
    if run.started or run.refused:
        return run
    if "stopped" in run.obstacles:
        return replace(run, refused=True)
    limit_due = None
    if start.limit and start.counted_from:
        limit_due = add(start.counted_from, start.limit, run.calendar)
    elif start.limit:
        limit_due = due(start.at, start.limit, run.calendar)
    return replace(
        run,
        started=start,
        waiting="ended" in run.obstacles,
        round=start.round,
        limit=start.limit,
        limit_due=limit_due,
        upstream=start.upstream,
    )


def _extend(run: _Run, more: Limit) -> _Run:
    if run.limit_due is None or run.stopped_at:
        return run
    total = None
    if run.limit and run.limit.unit is more.unit:
        total = Limit(run.limit.amount + more.amount, more.unit)
    return _due(replace(run, limit=total), add(run.limit_due, more, run.calendar))


def _due(run: _Run, limit_due: datetime) -> _Run:
    """Another due instant; one that lies ahead again is not exempt."""
    due_later = replace(run, limit_due=limit_due)
    # While time is free the due instant has not moved yet: it lies ahead of the moment at which charging stopped.
    return replace(due_later, exempt=run.exempt and due_later.due_at <= (run.free_since or run.at))


def _obstruct(run: _Run, obstacle: Obstacle) -> _Run:
    free_since = run.free_since or (None if obstacle == "held" else run.at)
    return replace(run, obstacles={obstacle: run.at, **run.obstacles}, free_since=free_since)


def _free(run: _Run, obstacle: Obstacle) -> _Run:
    freed = replace(run, obstacles={kept: at for kept, at in run.obstacles.items() if kept != obstacle})
    return _charge_again(freed) if freed.obstacles.keys() <= {"held"} else freed


def _charge_again(run: _Run) -> _Run:
    """Only now does the due instant move: a finished or resting clock keeps the one that it had."""
    if run.started is None or run.free_since is None:
        return replace(run, free_since=None)
    gap = max(run.free_since, run.started.at), run.at
    unit = run.started.limit.unit if run.started.limit else Unit.HOUR
    return replace(
        run,
        free_since=None,
        gaps=(*run.gaps, gap),
        limit_due=run.limit_due and shift(run.limit_due, *gap, unit, run.calendar),
        upstream=run.upstream and run.upstream + (gap[1] - gap[0]),
    )


def _span(run: _Run, started: Started, end: datetime | None, rule: LampRule) -> Span:
    by_limit = run.due_at == run.limit_due
    counted_from = started.counted_from if by_limit else None
    counted = Counted(
        origin=counted_from or started.at,
        after_due=counted_from is not None,
        due_at=run.due_at,
        limit=run.limit if by_limit else None,
        gaps=run.gaps,
    )
    yellow_at, long_red_at = lamp_turns(counted, run.calendar, rule)
    return Span(run.at, end, run.round, run.due_at, yellow_at, long_red_at, run.exempt, run.calendar)


def _state(run: _Run, started: Started, rule: LampRule) -> ClockState:
    now = _span(run, started, None, rule)
    working = started.limit is not None and started.limit.unit in (Unit.WORK_HOUR, Unit.WORK_DAY)
    return ClockState(
        clock=started.clock,
        round=run.round,
        limit=run.limit,
        started_at=started.at,
        due_at=now.due_at,
        yellow_at=now.yellow_at,
        long_red_at=now.long_red_at,
        stopped_at=run.stopped_at,
        running=not run.obstacles,
        exempt=run.exempt,
        provisional=working and run.limit_due is not None and run.calendar.is_provisional(started.at, run.limit_due),
        spans=run.spans if run.obstacles else (*run.spans, now),
        quiet_until=started.quiet_until,
    )
