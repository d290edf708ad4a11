"""Every rule of a directory carried out once before it is published, as its readers will. Pure: no I/O."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from fractions import Fraction
from functools import partial, reduce
from typing import TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from libs.directory.facts.view import View
from libs.directory.findings import Finding, refused
from libs.directory.rules.calendar import Limit, add, due
from libs.directory.rules.ladder import Levels, levels_of
from libs.directory.rules.lamps import Counted, LampRule, lamp_turns
from libs.directory.rules.limits import URGENCIES, Urgency
from libs.directory.rules.work_calendar import WorkCalendar, calendar_at, calendar_for
from libs.events.contracts.directory import CatalogueItemPublished
from libs.events.contracts.parts.rulebook import PerUrgency

T = TypeVar("T")
CANNOT = (ValueError, ArithmeticError, ZoneInfoNotFoundError, OSError)
"""What calendar, lamps and ladder raise where a rule leads nowhere; of a zone, what its name may raise."""
COUNTS: Mapping[str, tuple[int, int]] = {
    "version": (1, 1_000_000),
    "returns.per_unit": (0, 1_000),
    "returns.per_case": (0, 1_000),
    "extension.U1": (0, 1_000),
    "extension.U2": (0, 1_000),
    "extension.U3": (0, 1_000),
    "extension.U4": (0, 1_000),
    "suspension.max_times": (0, 1_000),
    "callback.attempts": (1, 1_000),
    "auto_supervise_at_round": (1, 1_000),
    "ladder_wd.L2": (0, 10_000),
    "ladder_wd.L3": (0, 10_000),
    "ladder_wd.L4": (0, 10_000),
    "ladder_wd.L5": (0, 10_000),
    "ladder_h.L2": (0, 10_000),
    "ladder_h.L3": (0, 10_000),
    "ladder_h.L4": (0, 10_000),
    "ladder_h.L5": (0, 10_000),
    "cluster.watch": (1, 1_000_000),
    "cluster.cluster": (1, 1_000_000),
    "cluster.mass": (1, 1_000_000),
    "cluster.leader_brief": (1, 1_000_000),
    "cluster.radius_m": (0, 10_000),
    "messages.late_after_minutes": (1, 100_000),
    "clock.hours_per_workday": (0, 24),
    "clock.minutes_per_workday": (0, 59),
}
"""Setting → the least and the most that it may be."""
SHARES = (
    "separation.self_handle_sample",
    "separation.closing_sample",
    "three_rates.response",
    "three_rates.solved",
    "three_rates.satisfied",
    "three_rates.basically_satisfied",
)
"""Settings that are a part of a whole; the ratios of the lamp are judged by the lamp."""
LIMITS = ("reopen_window", "restore_window", "callback.within", "extension.total_max", "extension.apply_before")
"""Single limits, which no urgency tells apart."""
SPANS = ("separation.dual_hat_max", "suspension.max_length")
"""Natural days or years: `90d`, `1y`."""
SPAN = re.compile(r"0*[1-9][0-9]{0,3}[dy]")
FIRST_YEAR, LAST_YEAR = 1900, 2999
"""Instants outside are mistakes, and those at the ends of the civil calendar cannot be shown in every zone."""
TIMES = ((1, 1, timedelta()), (7, 2, timedelta(hours=9, minutes=30)), (12, 31, timedelta(hours=23, minutes=59)))
"""Month, day and time of day at which every limit is started: the first and the last of a year, and between."""
YEARS_ON = 100


def trial_findings(view: View) -> Iterator[Finding]:
    """What of the rules cannot be carried out, each with its place; a broken setting is named once."""
    singles = [*_counts(view), *_shares(view), *_spans(view), *_instants_stated(view), *_levels_of_government(view)]
    yield from singles
    lamps = _done(lambda: {urgency: LampRule.of(view.rulebook.lamp, urgency) for urgency in URGENCIES})
    if lamps is None:
        zh, en = "须为 0 < 黄灯 ≤ 1 < 长红", "yellow within the limit, long red beyond it: 0 < yellow ≤ 1 < long red"
        yield refused("E-RULEBOOK", "rulebook.lamp", zh, en)
    calendar = _done(lambda: calendar_at(view))
    if calendar is None or not _done(lambda: ZoneInfo(view.rulebook.clock.tz)):
        yield _impossible("rulebook.clock")
    elif lamps and not singles:
        # The centre's first: where every calendar is like it, each place is blamed once.
        units = (None, *dict.fromkeys(hours.unit for year in view.calendars for hours in year.hours if hours.unit))
        for one in dict.fromkeys(calendar_for(view, unit) for unit in units):
            if found := tuple(_limits(view, one, lamps)):
                yield from found
                return


def setting(view: View, path: str) -> object:
    """The value of the rulebook's setting `callback.within`; raises AttributeError where there is none."""
    return reduce(getattr, path.split("."), view.rulebook)


def _counts(view: View) -> Iterator[Finding]:
    for path, (least, most) in COUNTS.items():
        if not least <= int(str(setting(view, path))) <= most:
            zh, en = f"须在 {least} 至 {most} 之间", f"must be from {least} to {most}"
            yield refused("E-RULEBOOK", f"rulebook.{path}", zh, en)


def _shares(view: View) -> Iterator[Finding]:
    for path in SHARES:
        share = _done(partial(Fraction, str(setting(view, path))))
        if share is None or share > 1:
            yield refused("E-RULEBOOK", f"rulebook.{path}", "须为不大于 1 的份额", "must be a share of at most 1")


def _spans(view: View) -> Iterator[Finding]:
    for path in SPANS:
        text = str(setting(view, path))
        amount = text[:-1]
        if not (
            text.endswith(("d", "y")) and amount.isascii() and amount.isdigit() and 1 <= len(amount.lstrip("0")) <= 4
        ):
            yield refused("E-RULEBOOK", f"rulebook.{path}", "须为 1 至 9999 天或年", "must be 1 to 9999 days or years")


def _levels_of_government(view: View) -> Iterator[Finding]:
    levels = view.rulebook.levels
    if not levels or len(set(levels)) < len(levels):
        yield refused("E-RULEBOOK", "rulebook.levels", "层级不得为空或重复", "levels must be named, each once")


def _instants_stated(view: View) -> Iterator[Finding]:
    stated = [(f"appointments.{one.id}", at) for one in view.appointments for at in (one.since, one.until)]
    stated += [(f"units.{unit.id}", unit.until) for unit in view.units]
    stated += [(f"grids.{grid.code}", grid.until) for grid in view.grids]
    stated += [(f"catalogue.{item.code}", item.until) for item in view.classes]
    for item in view.classes:
        stated += [(f"catalogue.{item.code}.powers", at) for power in item.powers for at in (power.since, power.until)]
    for path in dict.fromkeys(path for path, at in stated if at and not FIRST_YEAR < at.year < LAST_YEAR):
        yield refused("E-APPT-TERM", path, f"起止须在 {FIRST_YEAR} 至 {LAST_YEAR} 年之间", "not a date of these times")
    for year in (one.year for one in view.calendars):
        if year >= LAST_YEAR:
            yield refused("E-CALENDAR", f"years.{year}", "年份过远", "the year is too far ahead")


# Limits


@dataclass(frozen=True)
class Stated:
    """A limit where it stands, for which urgency; `dispatch` is the one from whose end the overall clock counts on."""

    path: str
    text: str
    urgency: Urgency
    dispatch: str = "none"


def _limits(view: View, calendar: WorkCalendar, lamps: Mapping[Urgency, LampRule]) -> Iterator[Finding]:
    book, starts = view.rulebook, _starts(view, calendar)
    levels = {urgency: levels_of(book.ladder_wd, book.ladder_h, urgency) for urgency in URGENCIES}
    judged: dict[tuple[str, bool, str], bool] = {}
    told: set[str] = set()
    for one in _stated(view):
        # Lamp and ladder tell U1 and U2 from U3 and U4, and no more. A dispatch that is judged already is blamed once.
        urgent = one.urgency in ("U1", "U2")
        key = one.text, urgent, one.dispatch if judged.get((one.dispatch, urgent, "none")) else "none"
        if key not in judged:
            work = _Run(calendar, lamps[one.urgency], levels[one.urgency], starts)
            judged[key] = _done(partial(work.through, key[0], key[2])) is not None
        if not judged[key] and one.path not in told:
            told.add(one.path)
            yield _impossible(one.path)


@dataclass(frozen=True)
class _Run:
    """A clock from its start to the last level of its ladder, by the functions that supervision counts with."""

    calendar: WorkCalendar
    lamp: LampRule
    levels: Levels
    starts: tuple[datetime, ...]

    def through(self, text: str, dispatch: str) -> bool:
        """Raises one of `CANNOT`."""
        limit, before = _parsed(text), _parsed(dispatch)
        if limit is None:
            return True
        for at in self.starts:
            self._count(at, limit, due(at, limit, self.calendar), after_due=False)
            if before:
                origin = due(at, before, self.calendar)
                self._count(origin, limit, add(origin, limit, self.calendar), after_due=True)
        return True

    def _count(self, origin: datetime, limit: Limit, due_at: datetime, *, after_due: bool) -> None:
        lamp_turns(Counted(origin, after_due, due_at, limit, ()), self.calendar, self.lamp)
        for after in self.levels.values():
            if after:
                add(due_at, after, self.calendar)


def _starts(view: View, calendar: WorkCalendar) -> tuple[datetime, ...]:
    years = [one.year for one in view.calendars] or [2000]
    tried = max(years), max(years) + YEARS_ON
    return tuple(calendar.at(date(year, month, day), time) for year in tried for month, day, time in TIMES)


def _stated(view: View) -> Iterator[Stated]:
    book = view.rulebook
    for stage, row in book.limits.items():
        yield from _of_row(f"rulebook.limits.{stage}", row)
    for kind, row in book.handling.items():
        yield from _of_row(f"rulebook.handling.{kind}", row, book.limits.get("dispatch"))
    for path in LIMITS:
        yield Stated(f"rulebook.{path}", str(setting(view, path)), "U3")
    for item in view.classes:
        yield from _of_class(item, item.limits.get("dispatch") or book.limits.get("dispatch"))


def _of_class(item: CatalogueItemPublished, dispatch: PerUrgency | None) -> Iterator[Stated]:
    path = f"catalogue.{item.code}"
    for stage, row in item.limits.items():
        yield from _of_row(f"{path}.limits.{stage}", row)
    for kind, row in item.handling.items():
        yield from _of_row(f"{path}.handling.{kind}", row, dispatch)
    for condition in item.filing_conditions:
        for urgency in URGENCIES:
            place = f"{path}.filing_conditions.{condition.id}.limit"
            yield Stated(place, condition.limit, urgency, getattr(dispatch, urgency) if dispatch else "none")


def _of_row(path: str, row: PerUrgency, dispatch: PerUrgency | None = None) -> Iterator[Stated]:
    for urgency in URGENCIES:
        before = getattr(dispatch, urgency) if dispatch else "none"
        yield Stated(f"{path}.{urgency}", getattr(row, urgency), urgency, before)


def _parsed(text: str) -> Limit | None:
    """No limit, and no such combination, are no clock."""
    return None if text == "refused" else Limit.parse(text)


def _done(work: Callable[[], T]) -> T | None:
    """What came of it; None where it cannot be carried out."""
    try:
        return work()
    except CANNOT:
        return None


def _impossible(path: str) -> Finding:
    return refused("E-RULEBOOK", path, "无法据此计算时限", "no limit can be counted by this")
