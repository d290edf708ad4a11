"""What follows on what was published before: versions rise; days off that vanish, settings in vain are named. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date

from libs.directory.facts.view import View
from libs.directory.findings import Finding, notice, refused
from libs.directory.rules.no_effect import stated_in_vain
from libs.events.contracts.directory import CalendarPublished, CatalogueItemPublished, RulebookPublished


def succession_findings(before: View, after: View) -> Iterator[Finding]:
    """Everything to say of the directory as it would be then, compared with the one in force."""
    yield from _rulebook(before, after)
    yield from _in_vain(before, after)
    for calendar in after.calendars:
        earlier = before.calendar(calendar.year)
        if earlier and earlier != calendar:
            yield from _days(earlier, calendar)


def _rulebook(before: View, after: View) -> Iterator[Finding]:
    if (RulebookPublished, "") not in before.facts:
        return
    old, new = before.rulebook, after.rulebook
    if new != old and new.version <= old.version:
        zh = f"已发布第 {old.version} 版, 内容有变须用更高的版本号"
        en = f"version {old.version} is published; other content needs a higher one"
        yield refused("E-RULEBOOK", "rulebook.version", zh, en)


def _in_vain(before: View, after: View) -> Iterator[Finding]:
    """One notice for the rulebook and one for all classes: what is stated there and changes nothing yet."""
    for kind, place in ((RulebookPublished, "rulebook"), (CatalogueItemPublished, "catalogue")):
        stated: dict[str, None] = {}
        for key, fact in after.facts.items():
            earlier = before.facts.get(key)
            if key[0] is kind and fact.event != (earlier.event if earlier else None):
                stated |= dict.fromkeys(stated_in_vain(fact.event, earlier.event if earlier else None))
        if names := ", ".join(stated):
            yield notice("NO-EFFECT", place, f"尚未生效: {names}", f"no effect yet: {names}")


def _days(earlier: CalendarPublished, now: CalendarPublished) -> Iterator[Finding]:
    lost = (rests(earlier) - rests(now)) | (set(now.work_days) - set(earlier.work_days))
    if lost:
        zh, en = f"较上次发布少休: {named(lost)}", f"no longer off: {named(lost)}"
        yield notice("CLK-07", f"years.{now.year}", zh, en)


def rests(calendar: CalendarPublished) -> set[date]:
    """The days off that are days off: a weekend is so without being named."""
    return {day for day in calendar.off_days if day.weekday() < 5}


def named(days: Iterable[date]) -> str:
    """`01-01, 10-02`."""
    return ", ".join(f"{day:%m-%d}" for day in sorted(days))
