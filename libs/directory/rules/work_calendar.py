"""The working calendar: which days and hours are worked, by whom, and working time counted over them. Pure.

Limits are in calendar.py, clocks in supervision (rulebook.md e.3).
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from functools import cached_property, lru_cache
from itertools import pairwise
from math import ceil
from typing import Literal
from zoneinfo import ZoneInfo

from libs.directory.facts.view import View
from libs.events.contracts.directory import CalendarPublished
from libs.events.contracts.parts.rulebook import WorkClock
from libs.events.ids import UnitId

DAY = timedelta(days=1)
MICROSECOND = timedelta(microseconds=1)


Windows = tuple[tuple[timedelta, timedelta], ...]
"""Wall-clock times from midnight, ascending."""


@dataclass(frozen=True, slots=True)
class Season:
    """Days from `first` to `last`, both included, on which other windows are worked than else."""

    first: date
    last: date
    windows: Windows

    def __contains__(self, day: date) -> bool:
        return self.first <= day <= self.last


@dataclass(frozen=True, eq=False)  # Told apart by identity: what is remembered below need not hash its days.
class WorkCalendar:
    """Working windows and working days of one place; instants go in with their offset and come out in UTC.

    `windows` are those of every day outside the `seasons`, which do not overlap (CLK-06). `off_days` are weekdays
    without work, `make_up_days` weekend days with work (CLK-07). A year not in `published` is provisional (CLK-15).
    """

    zone: ZoneInfo
    windows: Windows
    off_days: frozenset[date] = frozenset()
    make_up_days: frozenset[date] = frozenset()
    published: frozenset[int] = frozenset()
    day_end: Literal["24:00", "COB"] = "24:00"
    hours_per_workday: Fraction = Fraction(8)
    seasons: tuple[Season, ...] = ()

    def __post_init__(self) -> None:
        for windows in (self.windows, *(season.windows for season in self.seasons)):
            edges = [edge for window in windows for edge in window]
            if not edges or edges != sorted(set(edges)):
                raise ValueError("working windows must not be empty or overlap, and must stand in the order of the day")

    def windows_on(self, day: date) -> Windows:
        """When work is done on a day, if it is a working day."""
        for season in self.seasons:
            if day in season:
                return season.windows
        return self.windows

    def hours_at(self, instant: datetime) -> Fraction:
        """How many working hours one working day stands for on the day of an instant (CLK-06)."""
        day = self.day_of(instant) if self.seasons else None
        if day is None or not any(day in season for season in self.seasons):
            return self.hours_per_workday
        return Fraction(length_of(self.windows_on(day)) // MICROSECOND, 3_600_000_000)

    def is_working_day(self, day: date) -> bool:
        return day not in self.off_days if day.weekday() < 5 else day in self.make_up_days

    def nth_working_day(self, day: date, count: int) -> date:
        """The `count`-th working day strictly after `day` (CLK-03)."""
        return _nth_working_day(self, day, count)

    def day_of(self, instant: datetime) -> date:
        """The civil day in which an event happened."""
        return self._wall(instant).date()

    def day_ended_by(self, due: datetime) -> date:
        """The civil day to which a due instant belongs: 24:00 is the end of a day, not the start (CLK-04)."""
        return self._wall(due - MICROSECOND).date()

    def end_of(self, day: date) -> datetime:
        """The instant at which a day limit ends on `day`: 24:00, or the close of business (CLK-04)."""
        return self.at(day, DAY if self.day_end == "24:00" else self.windows_on(day)[-1][1])

    def worked(self, day: date, share: Fraction) -> datetime:
        """The first instant of a working day at which `share` (0 < share ≤ 1) of its working time is over."""
        windows = self.windows_on(day)
        return self.at(day, open_until(windows, part(length_of(windows), share)))

    def after_work(self, instant: datetime, amount: timedelta) -> datetime:
        """The first instant at which `amount` of working time is over since `instant` (CLK-05)."""
        if not amount:
            return instant
        wall = self._wall(instant)
        total = self._worked_on(wall) + amount
        if self.seasons:
            return self._after_seasons(wall.date(), total)
        days = -(-total // self._day_length)
        rest = total - (days - 1) * self._day_length
        return self.at(self.nth_working_day(wall.date() - DAY, days), open_until(self.windows, rest))

    def _after_seasons(self, day: date, total: timedelta) -> datetime:
        """As long as days have one length their number follows by division; here the day is searched by halves."""
        before = day.toordinal() - 1
        goal = self._worked_until(before) + total
        reach = 8
        while self._worked_until(before + reach) < goal:
            reach *= 2
        found = bisect_left(range(before + 1, before + reach + 1), goal, key=self._worked_until) + before + 1
        last = date.fromordinal(found)
        return self.at(last, open_until(self.windows_on(last), goal - self._worked_until(found - 1)))

    def working_time(self, start: datetime, end: datetime) -> timedelta:
        """How much working time lies between two instants."""
        first, last = self._wall(start), self._wall(end)
        whole = self._worked_until(last.toordinal() - 1) - self._worked_until(first.toordinal() - 1)
        return whole + self._worked_on(last) - self._worked_on(first)

    def working_days_ended(self, start: datetime, end: datetime) -> int:
        """How many working days end after `start` and not after `end` (CLK-11)."""
        return self.working_days_until(self._last_ended(end)) - self.working_days_until(self._last_ended(start))

    def move(self, instant: datetime, days: int) -> datetime:
        """`days` working days later, at the same wall-clock time; 24:00 stays 24:00."""
        day = self.day_ended_by(instant)
        return self.at(self.nth_working_day(day, days), self._wall(instant) - _midnight(day)) if days else instant

    def is_provisional(self, start: datetime, due: datetime) -> bool:
        """Whether counting from `start` to `due` met a year whose calendar is not published (CLK-15)."""
        years = range(self.day_of(start).year, self.day_ended_by(due).year + 1)
        return not self.published.issuperset(years)

    def at(self, day: date, time: timedelta) -> datetime:
        """The instant of a wall-clock time on `day`; `time` counts from midnight and may be 24 hours."""
        return (_midnight(day) + time).replace(tzinfo=self.zone).astimezone(UTC)

    def _wall(self, instant: datetime) -> datetime:
        if instant.tzinfo is None:
            raise ValueError(f"an instant says its offset, {instant.isoformat()} does not")
        return instant.astimezone(self.zone).replace(tzinfo=None)

    def _worked_on(self, wall: datetime) -> timedelta:
        """Working time of the wall-clock day that is over at `wall`."""
        if not self.is_working_day(wall.date()):
            return timedelta()
        time = wall - _midnight(wall.date())
        windows = self.windows_on(wall.date())
        return sum((min(time, closes) - opens for opens, closes in windows if time > opens), timedelta())

    def _last_ended(self, instant: datetime) -> int:
        day = self.day_of(instant)
        return day.toordinal() - (self.end_of(day) > instant)

    def working_days_until(self, ordinal: int) -> int:
        """Working days from the beginning of the civil calendar to the day with this ordinal, included."""
        # Ordinal 1 is a Monday.
        weekdays = ordinal // 7 * 5 + min(ordinal % 7, 5)
        return weekdays - bisect_right(self._off, ordinal) + bisect_right(self._make_up, ordinal)

    def _worked_until(self, ordinal: int) -> timedelta:
        """Working time from the beginning of the civil calendar to the end of the day with this ordinal."""
        worked = self.working_days_until(ordinal) * self._day_length
        for season, before, more in self._longer:
            if ordinal > before:
                days = self.working_days_until(min(ordinal, season.last.toordinal())) - self.working_days_until(before)
                worked += days * more
        return worked

    @cached_property
    def _longer(self) -> list[tuple[Season, int, timedelta]]:
        """Of each season the day before it, and by how much its days are longer than others."""
        return [(one, one.first.toordinal() - 1, length_of(one.windows) - self._day_length) for one in self.seasons]

    @cached_property
    def _off(self) -> list[int]:
        return sorted(day.toordinal() for day in self.off_days if day.weekday() < 5)

    @cached_property
    def _make_up(self) -> list[int]:
        return sorted(day.toordinal() for day in self.make_up_days if day.weekday() >= 5)

    @cached_property
    def _day_length(self) -> timedelta:
        return length_of(self.windows)


def length_of(windows: Windows) -> timedelta:
    """How long a working day with these windows is."""
    return sum((closes - opens for opens, closes in windows), timedelta())


def open_until(windows: Windows, work: timedelta) -> timedelta:
    """Time of day at which `work` of a working day is over; a whole day's work ends with the last window."""
    for opens, closes in windows:
        if work <= closes - opens:
            return opens + work
        work -= closes - opens
    return windows[-1][1]


@lru_cache(maxsize=8192)
def _nth_working_day(calendar: WorkCalendar, day: date, count: int) -> date:
    """A few steps, however many years it spans; remembered, for thousands of clocks run through the same days."""
    ordinal = day.toordinal()
    target = calendar.working_days_until(ordinal) + count
    # No day counts more than once, so stepping by what is missing never passes the wanted day.
    while missing := target - calendar.working_days_until(ordinal):
        ordinal += missing
    return date.fromordinal(ordinal)


def calendar_of(clock: WorkClock, years: Iterable[CalendarPublished], whose: tuple[UnitId, ...] = ()) -> WorkCalendar:
    """The calendar that a version of the directory pins: the rulebook's clock and the published years.

    `whose`: a unit and those above it, for the unit's own windows; for none the centre's.
    """
    known = tuple(years)
    return WorkCalendar(
        zone=ZoneInfo(clock.tz),
        windows=windows_of(clock.windows),
        off_days=frozenset(day for year in known for day in year.off_days),
        make_up_days=frozenset(day for year in known for day in year.work_days),
        published=frozenset(year.year for year in known if not year.provisional),
        day_end=clock.day_end,
        hours_per_workday=clock.hours_per_workday + Fraction(clock.minutes_per_workday, 60),
        seasons=tuple(season for year in known if year.hours for season in _seasons(year, whose)),
    )


def _seasons(year: CalendarPublished, whose: tuple[UnitId, ...]) -> Iterator[Season]:
    """A year in parts: of each day what is said of it first, by the unit itself, by one above it, by the town.

    What is said of some days goes before what is said of the year.
    """
    said = [
        (first, last, windows_of(hours.windows))
        for unit in (*whose, None)
        for named in (True, False)
        for hours in year.hours
        if hours.unit == unit and (hours.first_day is not None) is named
        for first, last in [hours.days(year.year)]
    ]
    edges = sorted({edge for first, last, _ in said for edge in (first, last + DAY)})
    for first, after in pairwise(edges):
        found = next((windows for begins, ends, windows in said if begins <= first <= ends), None)
        if found:
            yield Season(first, after - DAY, found)


def calendar_at(view: View) -> WorkCalendar:
    """The centre's working calendar in a version of the directory."""
    return _calendars(view)[None]


def calendar_for(view: View, unit: UnitId | None) -> WorkCalendar:
    """The working calendar of a unit: the centre's, unless the unit or one above it has windows of its own (CLK-06)."""
    calendars = _calendars(view)
    return calendars.get(unit) or calendars[None]


@lru_cache(maxsize=32)
def _calendars(view: View) -> Mapping[UnitId | None, WorkCalendar]:
    """The centre's, and those of units that have another; units for whom the same is said have one in common."""
    clock, years = view.rulebook.clock, view.calendars
    saying = {hours.unit for year in years for hours in year.hours if hours.unit}
    known: dict[tuple[UnitId, ...], WorkCalendar] = {(): calendar_of(clock, years)}
    found: dict[UnitId | None, WorkCalendar] = {None: known[()]}
    for unit in view.units if saying else ():
        whose = tuple(one for one in (unit.id, *view.ancestors(unit.id)) if one in saying)
        if whose not in known:
            known[whose] = calendar_of(clock, years, whose)
        found[unit.id] = known[whose]
    return found


@lru_cache(maxsize=1024)
def changed_days(one: WorkCalendar, other: WorkCalendar) -> tuple[date, ...]:
    """The days that are worked by one of two calendars only, or in other windows of theirs, in their order.

    What a rulebook says of every day is not compared: a later one moves no clock that runs (rulebook.md c.4).
    """
    named = (one.off_days ^ other.off_days) | (one.make_up_days ^ other.make_up_days)
    differ = {day for day in named if one.is_working_day(day) != other.is_working_day(day)}
    for season in {*one.seasons} ^ {*other.seasons}:
        days = (season.first + number * DAY for number in range((season.last - season.first).days + 1))
        worked = (day for day in days if one.is_working_day(day) or other.is_working_day(day))
        differ.update(day for day in worked if one.windows_on(day) != other.windows_on(day))
    return tuple(sorted(differ))


def windows_of(texts: Iterable[str]) -> Windows:
    """`08:00-12:00`, … as they count."""
    return tuple(_window(text) for text in texts)


def part(span: timedelta, share: Fraction) -> timedelta:
    """A share of a span, rounded up to whole microseconds: exact where a float is not."""
    return ceil(span // MICROSECOND * share) * MICROSECOND


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day)  # noqa: DTZ001 - wall-clock time of the calendar's zone


def _window(text: str) -> tuple[timedelta, timedelta]:
    opens, closes = (timedelta(hours=int(time[:2]), minutes=int(time[3:])) for time in text.split("-"))
    return opens, closes
