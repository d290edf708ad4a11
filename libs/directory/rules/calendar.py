"""The working calendar and the arithmetic of limits (rulebook.md e.3). Pure; clocks live in supervision."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from fractions import Fraction
from functools import cached_property, lru_cache
from math import ceil
from typing import Literal, assert_never
from zoneinfo import ZoneInfo

from libs.directory.facts.view import View
from libs.events.contracts.directory import CalendarPublished
from libs.events.contracts.parts.rulebook import WorkClock

DAY = timedelta(days=1)
MICROSECOND = timedelta(microseconds=1)


class Unit(StrEnum):
    """What a limit counts (CLK-02). Minutes and hours run through nights and holidays."""

    MINUTE = "min"
    HOUR = "h"
    WORK_HOUR = "wh"
    WORK_DAY = "wd"
    DAY = "d"


@dataclass(frozen=True, slots=True)
class Limit:
    """An amount of time in one unit; `str()` gives what `parse` reads."""

    amount: int
    unit: Unit

    def __post_init__(self) -> None:
        if self.amount < 1:
            raise ValueError(f"a limit is at least 1 {self.unit}, not {self.amount}")

    @staticmethod
    @lru_cache(maxsize=256)
    def parse(text: str) -> Limit | None:
        """Read `15min`, `24h`, `4wh`, `5wd` or `30d`; `none` is no limit. Anything else raises ValueError."""
        if text == "none":
            return None
        if (found := re.fullmatch(r"([0-9]{1,5})(min|h|wh|wd|d)", text)) is None:
            raise ValueError(f"not a limit: {text!r} (15min, 24h, 4wh, 5wd, 30d or none)")
        return Limit(int(found[1]), Unit(found[2]))

    @property
    def span(self) -> timedelta:
        """The amount of a limit of minutes, hours or working hours as plain time."""
        return self.amount * (timedelta(minutes=1) if self.unit is Unit.MINUTE else timedelta(hours=1))

    def __str__(self) -> str:
        return f"{self.amount}{self.unit}"


@dataclass(frozen=True, eq=False)  # Told apart by identity: what is remembered below need not hash its days.
class WorkCalendar:
    """Working windows and working days of one place; instants go in with their offset and come out in UTC.

    `windows` are wall-clock times from midnight, ascending. `off_days` are weekdays without work, `make_up_days`
    weekend days with work (CLK-07). A year that is not in `published` is provisional (CLK-15).
    """

    zone: ZoneInfo
    windows: tuple[tuple[timedelta, timedelta], ...]
    off_days: frozenset[date] = frozenset()
    make_up_days: frozenset[date] = frozenset()
    published: frozenset[int] = frozenset()
    day_end: Literal["24:00", "COB"] = "24:00"
    hours_per_workday: Fraction = Fraction(8)

    def __post_init__(self) -> None:
        edges = [edge for window in self.windows for edge in window]
        if not edges or edges != sorted(set(edges)):
            raise ValueError("working windows must not be empty or overlap, and must stand in the order of the day")

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
        return self.at(day, DAY if self.day_end == "24:00" else self.windows[-1][1])

    def worked(self, day: date, share: Fraction) -> datetime:
        """The first instant of a working day at which `share` (0 < share ≤ 1) of its working time is over."""
        return self.at(day, self._open_until(part(self._day_length, share)))

    def after_work(self, instant: datetime, amount: timedelta) -> datetime:
        """The first instant at which `amount` of working time is over since `instant` (CLK-05)."""
        if not amount:
            return instant
        wall = self._wall(instant)
        total = self._worked_on(wall) + amount
        days = -(-total // self._day_length)
        rest = total - (days - 1) * self._day_length
        return self.at(self.nth_working_day(wall.date() - DAY, days), self._open_until(rest))

    def working_time(self, start: datetime, end: datetime) -> timedelta:
        """How much working time lies between two instants."""
        first, last = self._wall(start), self._wall(end)
        days = self.working_days_until(last.toordinal() - 1) - self.working_days_until(first.toordinal() - 1)
        return days * self._day_length + self._worked_on(last) - self._worked_on(first)

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
        return sum((min(time, closes) - opens for opens, closes in self.windows if time > opens), timedelta())

    def _open_until(self, work: timedelta) -> timedelta:
        """Time of day at which `work` of a working day is over; a whole day's work ends with the last window."""
        for opens, closes in self.windows:
            if work <= closes - opens:
                return opens + work
            work -= closes - opens
        return self.windows[-1][1]

    def _last_ended(self, instant: datetime) -> int:
        day = self.day_of(instant)
        return day.toordinal() - (self.end_of(day) > instant)

    def working_days_until(self, ordinal: int) -> int:
        """Working days from the beginning of the civil calendar to the day with this ordinal, included."""
        # Ordinal 1 is a Monday.
        weekdays = ordinal // 7 * 5 + min(ordinal % 7, 5)
        return weekdays - bisect_right(self._off, ordinal) + bisect_right(self._make_up, ordinal)

    @cached_property
    def _off(self) -> list[int]:
        return sorted(day.toordinal() for day in self.off_days if day.weekday() < 5)

    @cached_property
    def _make_up(self) -> list[int]:
        return sorted(day.toordinal() for day in self.make_up_days if day.weekday() >= 5)

    @cached_property
    def _day_length(self) -> timedelta:
        return sum((closes - opens for opens, closes in self.windows), timedelta())


@lru_cache(maxsize=8192)
def _nth_working_day(calendar: WorkCalendar, day: date, count: int) -> date:
    """A few steps, however many years it spans; remembered, for thousands of clocks run through the same days."""
    ordinal = day.toordinal()
    target = calendar.working_days_until(ordinal) + count
    # No day counts more than once, so stepping by what is missing never passes the wanted day.
    while missing := target - calendar.working_days_until(ordinal):
        ordinal += missing
    return date.fromordinal(ordinal)


def calendar_of(clock: WorkClock, years: Iterable[CalendarPublished]) -> WorkCalendar:
    """The calendar that a version of the directory pins: the rulebook's clock and the published years."""
    known = tuple(years)
    return WorkCalendar(
        zone=ZoneInfo(clock.tz),
        windows=tuple(_window(text) for text in clock.windows),
        off_days=frozenset(day for year in known for day in year.off_days),
        make_up_days=frozenset(day for year in known for day in year.work_days),
        published=frozenset(year.year for year in known if not year.provisional),
        day_end=clock.day_end,
        hours_per_workday=clock.hours_per_workday + Fraction(clock.minutes_per_workday, 60),
    )


@lru_cache(maxsize=32)
def calendar_at(view: View) -> WorkCalendar:
    """The working calendar of a version of the directory."""
    return calendar_of(view.rulebook.clock, view.calendars)


@lru_cache(maxsize=128)
def changed_days(one: WorkCalendar, other: WorkCalendar) -> tuple[date, ...]:
    """The days that are worked by one of two calendars only, in their order; nothing is said of their windows."""
    named = (one.off_days ^ other.off_days) | (one.make_up_days ^ other.make_up_days)
    return tuple(sorted(day for day in named if one.is_working_day(day) != other.is_working_day(day)))


def due(start: datetime, limit: Limit, calendar: WorkCalendar) -> datetime:
    """When a limit ends that starts at `start`. The day of the start is not counted (CLK-02 … CLK-05)."""
    return _end(calendar.day_of(start), start, limit, calendar)


@lru_cache(maxsize=8192)
def add(due: datetime, limit: Limit, calendar: WorkCalendar) -> datetime:
    """A due instant extended by a limit: days count on from the day that it ends (CLK-04, CLK-12)."""
    return _end(calendar.day_ended_by(due), due, limit, calendar)


def shift(due: datetime, start: datetime, end: datetime, unit: Unit, calendar: WorkCalendar) -> datetime:
    """A due instant moved by the pause from `start` to `end`, in the clock's own unit (CLK-11)."""
    match unit:
        case Unit.WORK_DAY:
            return calendar.move(due, calendar.working_days_ended(start, end))
        case Unit.WORK_HOUR:
            return calendar.after_work(due, calendar.working_time(start, end))
        case Unit.MINUTE | Unit.HOUR | Unit.DAY:
            return due + (end - start)
    assert_never(unit)


def used_at(start: datetime, limit: Limit, share: Fraction, calendar: WorkCalendar) -> datetime:
    """The first instant at which `share` (0 < share) of a limit that starts at `start` is used (rulebook.md f.1).

    A clock of working days has used its full counted days plus the worked share of the current one.
    """
    return _used(calendar.day_of(start), start, limit, share, calendar)


def used_after(due: datetime, limit: Limit, share: Fraction, calendar: WorkCalendar) -> datetime:
    """As `used_at`, for a limit that counts on from a due instant."""
    return _used(calendar.day_ended_by(due), due, limit, share, calendar)


def overdue_at(due: datetime, limit: Limit, share: Fraction, calendar: WorkCalendar) -> datetime:
    """The last instant at which a limit is overdue by no more than `share` (0 < share) of itself (rulebook.md f.1)."""
    amount = limit.amount * share
    if amount.denominator == 1:
        return add(due, Limit(int(amount), limit.unit), calendar)
    return used_after(due, limit, share, calendar)


def part(span: timedelta, share: Fraction) -> timedelta:
    """A share of a span, rounded up to whole microseconds: exact where a float is not."""
    return ceil(span // MICROSECOND * share) * MICROSECOND


def _end(day: date, instant: datetime, limit: Limit, calendar: WorkCalendar) -> datetime:
    match limit.unit:
        case Unit.MINUTE | Unit.HOUR:
            return (instant + limit.span).astimezone(UTC)
        case Unit.WORK_HOUR:
            return calendar.after_work(instant, limit.span)
        case Unit.WORK_DAY:
            return calendar.end_of(calendar.nth_working_day(day, limit.amount))
        case Unit.DAY:
            return calendar.end_of(day + limit.amount * DAY)
    assert_never(limit.unit)


def _used(day: date, instant: datetime, limit: Limit, share: Fraction, calendar: WorkCalendar) -> datetime:
    amount = limit.amount * share
    current = ceil(amount)
    match limit.unit:
        case Unit.MINUTE | Unit.HOUR:
            return (instant + part(limit.span, share)).astimezone(UTC)
        case Unit.WORK_HOUR:
            return calendar.after_work(instant, part(limit.span, share))
        case Unit.WORK_DAY:
            return calendar.worked(calendar.nth_working_day(day, current), amount - (current - 1))
        case Unit.DAY:
            return calendar.at(day + current * DAY, part(DAY, amount - (current - 1)))
    assert_never(limit.unit)


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day)  # noqa: DTZ001 - wall-clock time of the calendar's zone


def _window(text: str) -> tuple[timedelta, timedelta]:
    opens, closes = (timedelta(hours=int(time[:2]), minutes=int(time[3:])) for time in text.split("-"))
    return opens, closes
