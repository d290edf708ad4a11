"""Working hours by season and unit (CLK-06): what cannot be worked so, or is said twice, with its line. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from itertools import combinations, pairwise

from libs.directory.facts.view import View
from libs.directory.findings import Finding, notice, refused
from libs.events.contracts.directory import CalendarPublished, WorkingHours

DAY = timedelta(days=1)
Line = tuple[str, WorkingHours]
"""Its place in the document, and what stands there."""


def hours_findings(view: View) -> Iterator[Finding]:
    """Of every published year; what they name exists (references.py)."""
    for year in view.calendars:
        lines = [(f"years.{year.year}.hours.{number}", one) for number, one in enumerate(year.hours)]
        yield from (finding for line in lines for finding in (*_windows(line), *_days(year, line)))
        if all(_is_of(year, one) for one in year.hours):
            yield from _twice(year, lines)
            yield from _gaps(year, lines)


def _windows(line: Line) -> Iterator[Finding]:
    path, hours = line
    last = ""
    for number, window in enumerate(hours.windows):
        opens, closes = window.split("-")
        place = f"{path}.windows.{number}"
        if closes <= opens:
            zh, en = "时段不得跨越零点, 须先开后收", "a window ends on its own day, after it begins"
            yield refused("E-CALENDAR", place, zh, en)
        elif opens < last or (last and opens == last):
            yield refused("E-CALENDAR", place, "时段重叠、相接或次序颠倒", "windows overlap, touch or are out of order")
        last = closes


def _days(year: CalendarPublished, line: Line) -> Iterator[Finding]:
    path, hours = line
    if not _is_of(year, hours):
        zh = f"起止须同时写明, 均在 {year.year} 年内且先起后止; 跨年的分写两条"
        en = f"first and last day stand together, in {year.year}, in this order; over New Year write two"
        yield refused("E-CALENDAR", f"{path}.first_day", zh, en)


def _is_of(year: CalendarPublished, hours: WorkingHours) -> bool:
    if (hours.first_day is None) is not (hours.last_day is None):
        return False
    first, last = hours.days(year.year)
    return first.year == last.year == year.year and first <= last


def _twice(year: CalendarPublished, lines: list[Line]) -> Iterator[Finding]:
    """Of one unit (or the town) each day belongs to one season, and one line speaks of the whole year."""
    for (path, one), (other_path, other) in combinations(lines, 2):
        if one.unit != other.unit or (one.first_day is None) is not (other.first_day is None):
            continue
        (first, last), (begins, ends) = one.days(year.year), other.days(year.year)
        if first <= ends and begins <= last:
            zh = f"与 {path} 的日期重叠: {max(first, begins):%m-%d} 起"
            en = f"its days overlap those of {path} from {max(first, begins):%m-%d} on"
            yield refused("E-CALENDAR", other_path, zh, en)


def _gaps(year: CalendarPublished, lines: list[Line]) -> Iterator[Finding]:
    """Between two seasons of one unit something else is worked; whoever writes seasons may not have meant that."""
    for unit in dict.fromkeys(one.unit for _, one in lines):
        own = [(path, one) for path, one in lines if one.unit == unit]
        if any(one.first_day is None for _, one in own):
            continue
        spans = sorted((*one.days(year.year), path) for path, one in own)
        for (_, ended, _), (begins, _, path) in pairwise(spans):
            if begins > ended + DAY:
                days = _span(ended + DAY, begins - DAY)
                whose_zh, whose_en = ("上级或全镇", "others above it") if unit else ("规则库", "the rulebook")
                zh = f"其前 {days} 不在任何时令内, 按{whose_zh}的时段计"
                yield notice("CLK-06", path, zh, f"{days} before it lie in no season: the windows of {whose_en} count")


def _span(first: date, last: date) -> str:
    return f"{first:%m-%d}" if first == last else f"{first:%m-%d} – {last:%m-%d}"
