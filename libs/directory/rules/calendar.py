"""The arithmetic of limits over the working calendar (rulebook.md e.3). Pure; clocks live in supervision."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from fractions import Fraction
from functools import lru_cache
from math import ceil
from typing import assert_never

from libs.directory.rules.work_calendar import DAY, WorkCalendar, part


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
