"""When the lamp of a clock turns 黄 and 长红 (rulebook.md f.1). Pure; the levels of the ladder are in ladder.py."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction

from libs.directory.rules.calendar import Limit, Unit, overdue_at, shift, used_after, used_at
from libs.directory.rules.limits import Urgency
from libs.directory.rules.work_calendar import WorkCalendar, part
from libs.events.contracts.parts.rulebook import Lamp as Ratios

Gap = tuple[datetime, datetime]
MICROSECONDS_OF_AN_HOUR = 3_600_000_000
DAY_AND_NIGHT = Fraction(24)


@dataclass(frozen=True, slots=True)
class LampRule:
    """Shares of the limit at which the lamp turns. Raises ValueError unless 0 < yellow ≤ 1 < long_red."""

    urgency: Urgency
    yellow: Fraction = Fraction(2, 3)
    long_red: Fraction = Fraction(2)

    def __post_init__(self) -> None:
        if not 0 < self.yellow <= 1 < self.long_red:
            raise ValueError("the lamp turns yellow within the limit and long red beyond it")

    @staticmethod
    def of(ratios: Ratios, urgency: Urgency) -> LampRule:
        """The rule that the rulebook states for cases of this urgency."""
        return LampRule(urgency, Fraction(ratios.yellow_ratio), Fraction(ratios.long_red_ratio))


@dataclass(frozen=True, slots=True)
class Counted:
    """How a due instant came about: counted from `origin`, `gaps` not charged.

    `limit` is None when only an instant was given or units were mixed: then elapsed time is the measure.
    `after_due`: the origin is itself a due instant, days count on from the day that it ends (CLK-04).
    """

    origin: datetime
    after_due: bool
    due_at: datetime
    limit: Limit | None
    gaps: tuple[Gap, ...]


def lamp_turns(counted: Counted, calendar: WorkCalendar, rule: LampRule) -> tuple[datetime, datetime]:
    """(the first instant of 黄, the last instant before 长红); 红 lies between, from just after the due instant."""
    if (limit := counted.limit) is None:
        return _turns_of_elapsed_time(counted, rule)
    used = used_after if counted.after_due else used_at
    hours_of_a_day = _hours_of_a_day(limit.unit, counted.origin, calendar)
    share = yellow_share(_hours(limit, hours_of_a_day), hours_of_a_day, rule)
    yellow = used(counted.origin, limit, share, calendar)
    for start, end in counted.gaps:
        if start < yellow:
            yellow = shift(yellow, start, end, limit.unit, calendar)
    return min(yellow, counted.due_at), overdue_at(counted.due_at, limit, rule.long_red - 1, calendar)


def yellow_share(hours: Fraction, hours_of_a_day: Fraction, rule: LampRule) -> Fraction:
    """The used share at which a limit of `hours` turns yellow: the ratio, or earlier when little is left.

    U3/U4: one day is left, of limits longer than a day; U1/U2: half an hour, of limits longer than an hour.
    """
    left, longer_than = (
        (Fraction(1, 2), Fraction(1)) if rule.urgency in ("U1", "U2") else (hours_of_a_day, hours_of_a_day)
    )
    return min(rule.yellow, 1 - left / hours) if hours > longer_than else rule.yellow


def _turns_of_elapsed_time(counted: Counted, rule: LampRule) -> tuple[datetime, datetime]:
    free = sum((end - start for start, end in counted.gaps), timedelta())
    # A deadline may be earlier than the start; then there is nothing to use.
    span = max(counted.due_at - counted.origin - free, timedelta())
    hours = Fraction(span // timedelta(microseconds=1), MICROSECONDS_OF_AN_HOUR)
    yellow = counted.origin + part(span, yellow_share(hours, DAY_AND_NIGHT, rule))
    for start, end in counted.gaps:
        if start < yellow:
            yellow += end - start
    return min(yellow, counted.due_at), counted.due_at + part(span, rule.long_red - 1)


def _hours(limit: Limit, hours_of_a_day: Fraction) -> Fraction:
    """A limit in hours of its own kind: working hours or hours of the day (CLK-06)."""
    if limit.unit in (Unit.DAY, Unit.WORK_DAY):
        return Fraction(limit.amount * hours_of_a_day)
    return Fraction(limit.amount, 60 if limit.unit is Unit.MINUTE else 1)


def _hours_of_a_day(unit: Unit, origin: datetime, calendar: WorkCalendar) -> Fraction:
    return calendar.hours_at(origin) if unit in (Unit.WORK_HOUR, Unit.WORK_DAY) else DAY_AND_NIGHT
