"""A calendar was published: which limits are counted anew, and what is said of them (CLK-15, CLK-16). Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from libs.case.facts import Facts
from libs.directory.facts.view import View
from libs.directory.rules.calendar import Unit, due
from libs.directory.rules.work_calendar import DAY, WorkCalendar, calendar_at, calendar_for, changed_days
from libs.events.contracts.supervision import DeadlineRecomputed
from libs.events.ids import ClockId, UnitId
from services.supervision.domain.clocks.case_clocks import Clocks, Track, known_clock, state_of
from services.supervision.domain.clocks.fold import ClockState
from services.supervision.domain.clocks.operations import NEWEST, Recounted

Period = tuple[datetime, datetime]
"""From an instant until just before another."""


def recount(clocks: Clocks, at: datetime, facts: Facts) -> Sequence[DeadlineRecomputed]:
    """Once per published calendar: every open provisional clock, also where its due instant stays where it is, and
    every other one that counts working time and over one of whose days the calendar has changed.

    The new count holds from `at` on, which is not before anything that the own stream holds: what was recorded stands.
    """
    published = facts.directory.newest_calendar
    if published is None:
        return []
    behind = [track for track in clocks.tracks.values() if track.calendars[-1] < published.version]
    return [
        _event_of(track, clocks, at, facts, because=published.event_id or "")
        for track in behind
        if (state := state_of(track, clocks, facts)) and state.stopped_at is None
        if state.provisional or (_counts_working_time(track) and _is_crossed(state, _changes(track, facts)))
    ]


def days_between(one: WorkCalendar, other: WorkCalendar) -> list[Period]:
    """From when to when the days last on which only one calendar works, or each in other windows."""
    periods: list[Period] = []
    for day in changed_days(one, other):
        begin, end = other.at(day, timedelta()), other.at(day, DAY)
        if periods and periods[-1][1] == begin:
            begin = periods.pop()[0]
        periods.append((begin, end))
    return periods


def changes_by_unit(one: View, other: View) -> dict[tuple[Period, ...], list[UnitId | None]]:
    """Between two directories: when days have changed, and for which units; None is the centre."""
    own = any(hours.unit for view in (one, other) for year in view.calendars for hours in year.hours)
    found: dict[tuple[Period, ...], list[UnitId | None]] = {}
    for unit in (None, *(known.id for known in other.units if own)):
        days = days_between(calendar_for(one, unit), calendar_for(other, unit))
        found.setdefault(tuple(days), []).append(unit)
    return found


def _changes(track: Track, facts: Facts) -> list[Period]:
    before, now = facts.at(track.calendars[-1]), facts.directory
    return days_between(calendar_for(before, track.works_as), calendar_for(now, track.works_as))


def _is_crossed(state: ClockState, days: Sequence[Period]) -> bool:
    """Whether one of the days lies within the limit; the ladder of what is overdue goes on by the days it has."""
    return any(state.started_at < end and begin < state.due_at for begin, end in days)


def _counts_working_time(track: Track) -> bool:
    """By its own limit, or by that of the dispatch from whose end it counts on."""
    limit = track.start.limit
    return bool(limit and limit.unit in (Unit.WORK_HOUR, Unit.WORK_DAY)) or track.start.counted_from is not None


def _event_of(track: Track, clocks: Clocks, at: datetime, facts: Facts, *, because: str) -> DeadlineRecomputed:
    counted_from, version = _counted_from(track, clocks, facts), facts.directory_version
    anew = Recounted(at=at, position=NEWEST, calendar_version=version, counted_from=counted_from)
    known = known_clock(track.after(anew), clocks, facts)
    return DeadlineRecomputed(**known.model_dump(), at=at, because=because, counted_from=counted_from)


def _counted_from(track: Track, clocks: Clocks, facts: Facts) -> datetime | None:
    """The overall clock counts on from the due instant of dispatch, which the same fact started (CLK-09)."""
    start = track.start
    if start.counted_from is None:
        return None
    dispatch = clocks.tracks.get(ClockId(f"{track.clock_id.rpartition('/')[0]}/dispatch"))
    limit = dispatch.start.limit if dispatch else None
    return due(start.at, limit, calendar_at(facts.directory)) if limit else start.counted_from
