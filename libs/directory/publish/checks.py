"""Static checks of a whole directory before it is published: appointments, grids, catalogue, rulebook. Pure: no I/O."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from fractions import Fraction
from typing import get_args

from libs.directory.facts import places
from libs.directory.facts.view import View
from libs.directory.findings import Finding, notice, refused
from libs.directory.publish.conflicts import conflict_findings
from libs.directory.publish.ends import end_findings
from libs.directory.publish.holes import hole_findings
from libs.directory.publish.hours import hours_findings
from libs.directory.publish.references import reference_findings
from libs.directory.publish.succession import named, rests
from libs.directory.publish.trial import trial_findings
from libs.directory.rules.contacts import contact_findings
from libs.events.contracts.directory import (
    AppointmentPublished,
    CalendarPublished,
    CatalogueItemPublished,
    GridPublished,
    Lead,
)
from libs.events.contracts.parts.rulebook import Kind, Stage, WorkClock

CHINA = ("Asia/Shanghai", "Asia/Urumqi", "Asia/Chongqing", "Asia/Harbin", "PRC")
FIXED = ((1, 1), (5, 1), (10, 1), (10, 2), (10, 3))
STATUTORY: tuple[tuple[int, int, tuple[tuple[int, int], ...]], ...] = ((2025, 13, (*FIXED, (5, 2))), (2008, 11, FIXED))
"""Since which year how many days off in all, and those that lie on a fixed date (全国年节及纪念日放假办法)."""


def findings_of(view: View) -> tuple[Finding, ...]:
    """Everything to say about a directory; names that lead nowhere, and rules that nobody can carry out, alone."""
    if broken := tuple(reference_findings(view)):
        return broken
    hours = tuple(hours_findings(view))
    if wrong := tuple(one for one in hours if one.severity == "refused"):
        return wrong
    if impossible := tuple(trial_findings(view)):
        return impossible
    return (
        *hours,
        *_rulebook(view),
        *_calendars(view),
        *_grids(view),
        *(finding for one in view.appointments for finding in _appointment(view, one)),
        *conflict_findings(view),
        *contact_findings(view),
        *(finding for item in view.classes for finding in _item(view, item)),
        *end_findings(view),
        *hole_findings(view),
    )


def _rulebook(view: View) -> Iterator[Finding]:
    book = view.rulebook
    for stage in set(get_args(Stage)) - set(book.limits):
        yield refused("E-RULEBOOK", f"rulebook.limits.{stage}", "缺少该环节的时限", "the stage has no limits")
    for kind in set(get_args(Kind)) - set(book.handling):
        yield refused("E-RULEBOOK", f"rulebook.handling.{kind}", "缺少该类型的时限", "the kind has no limits")
    rates = book.three_rates
    if Fraction(rates.response) + Fraction(rates.solved) + Fraction(rates.satisfied) != 1:
        yield refused("E-RULEBOOK", "rulebook.three_rates", "三率权重之和须为 1", "the weights must sum to 1")
    if _window_minutes(book.clock) != book.clock.hours_per_workday * 60 + book.clock.minutes_per_workday:
        yield refused("E-RULEBOOK", "rulebook.clock", "工作时段与每日工时不符", "windows and hours per day differ")


def _window_minutes(clock: WorkClock) -> int | None:
    """Minutes of all windows together; None where they overlap or are out of order."""
    minutes, last = 0, 0
    for window in clock.windows:
        opens, closes = (int(text[:2]) * 60 + int(text[3:]) for text in window.split("-"))
        if not last <= opens < closes:
            return None
        minutes, last = minutes + closes - opens, closes
    return minutes


def _calendars(view: View) -> Iterator[Finding]:
    for calendar in view.calendars:
        path = f"years.{calendar.year}"
        if set(calendar.off_days) & set(calendar.work_days):
            yield refused("E-CALENDAR", path, "同一天既休息又上班", "one day is both off and a work day")
        if calendar.provisional:
            yield notice("CLK-15", path, "该年放假通知尚未公布, 时限为暂定", "provisional: the notice is not out yet")
        if idle := {day for day in calendar.off_days if day.weekday() > 4} - set(calendar.work_days):
            yield notice("CLK-07", path, f"本为周末, 不必列为休息日: {named(idle)}", f"off anyway: {named(idle)}")
        if idle := {day for day in calendar.work_days if day.weekday() < 5} - set(calendar.off_days):
            yield notice("CLK-07", path, f"本为工作日, 不必列为上班日: {named(idle)}", f"worked anyway: {named(idle)}")
        if view.rulebook.clock.tz in CHINA:
            yield from _statutory(calendar)


def _statutory(calendar: CalendarPublished) -> Iterator[Finding]:
    """全年国定假日: fixed ones by name, those of the lunar year by their number; weekends are made up for."""
    least, fixed = next(((days, fixed) for since, days, fixed in STATUTORY if calendar.year >= since), (0, ()))
    off = rests(calendar)
    missing = {day for month, of in fixed if (day := date(calendar.year, month, of)).weekday() < 5} - off
    given = len(off) - len([day for day in calendar.work_days if day.weekday() > 4])
    # A bridge to New Year's Day may be charged to either year.
    if missing or given < least - 1:
        zh = f"少于法定节假日: 净休 {given} 天, 法定 {least} 天" + (f", 缺 {named(missing)}" if missing else "")
        en = f"fewer than the statutory days: {given} of {least}" + (f", without {named(missing)}" if missing else "")
        yield notice("CLK-07", f"years.{calendar.year}", zh, en)


def _grids(view: View) -> Iterator[Finding]:
    china = view.rulebook.clock.tz in CHINA
    turned = places.swapped(view.grids, china=china)
    for code in turned:
        zh, en = "经纬度似乎写反, 须先经度后纬度", "longitude and latitude seem to be swapped: longitude first"
        yield refused("E-GRID-SHAPE", f"grids.{code}.polygon", zh, en)
    broken = [code for code in places.broken(view.grids) if code not in turned]
    for code in broken:
        yield refused("E-GRID-SHAPE", f"grids.{code}.polygon", "边界自相交或面积为零", "the boundary is not valid")
    sound = [grid for grid in view.grids if grid.code not in (*broken, *turned)]
    # A grid that ends has its ground until then, whatever is drawn there for afterwards.
    lasting = [grid for grid in sound if grid.until is None]
    for one in places.overlaps(lasting):
        yield _overlap(one)
    for gap in places.gaps(sound):
        beside = ", ".join(gap.beside)
        zh = f"网格 {beside} 之间约 {gap.square_metres} 平方米不属任何网格, 其中的地点无法受理"
        en = f"about {gap.square_metres} m² between {beside} are in no grid: nothing is received from there"
        yield notice("GRD-1", f"grids.{gap.beside[0]}.polygon", zh, en)
    worked = {code for one in view.appointments if one.role == "GRID_WORKER" for code in one.grids}
    for grid in view.grids:
        if grid.kind == "GENERAL" and grid.until is None and grid.code not in worked:
            yield notice("GRD-1", f"grids.{grid.code}", "网格没有网格员", "the grid has no worker")
        yield from _size(grid)


def _overlap(one: places.Overlap) -> Finding:
    """What is drawn twice is refused; the edge of a survey is a remark that says whose it is."""
    path = f"grids.{one.first}.polygon"
    if one.share > places.DRAWN_TWICE:
        return refused("E-GRID-OVERLAP", path, f"与网格 {one.second} 重叠", f"overlaps grid {one.second}")
    owner = min(one.first, one.second)
    zh = f"与网格 {one.second} 重叠约 {one.square_metres} 平方米, 其中的地点归 {owner}"
    en = f"overlaps grid {one.second} by about {one.square_metres} m²; what lies there is in {owner}"
    return notice("GRD-1", path, zh, en)


def _size(grid: GridPublished) -> Iterator[Finding]:
    path = f"grids.{grid.code}"
    if grid.people is not None and grid.people > 2000:
        yield notice("GRD-1", path, "网格超过 2000 人", "the grid has more than 2000 people")
    least, most = (300, 500) if grid.setting == "URBAN" else (200, 300)
    if grid.kind == "GENERAL" and grid.households is not None and not least <= grid.households <= most:
        yield notice("GRD-1", path, f"户数不在 {least}–{most} 户之内", f"not {least}–{most} households")


def _appointment(view: View, one: AppointmentPublished) -> Iterator[Finding]:
    path = f"appointments.{one.id}"
    if one.until is not None and one.until <= one.since:
        yield refused("E-APPT-TERM", path, "任期结束不晚于开始", "the term ends before it begins")
    if (one.role in ("GRID_WORKER", "GRID_LEADER")) != bool(one.grids):
        yield refused("E-APPT-GRIDS", path, "网格岗位须有网格, 其他岗位不得有", "grid posts, and no others, name grids")
    if one.dual_hat:
        yield from _dual_hat(view, one)
    elif one.role == "GRID_WORKER":
        yield from _issuer(view, one)


def _dual_hat(view: View, one: AppointmentPublished) -> Iterator[Finding]:
    longest = timedelta(days=int(view.rulebook.separation.dual_hat_max.removesuffix("d")))
    if one.role != "GRID_WORKER" or one.basis != "imported":
        yield refused(
            "E-APPT-CONFLICT",
            f"appointments.{one.id}",
            "兼任标志只用于历史导入的网格员岗位",
            "only an imported grid post may be dual-hatted",
        )
    if one.until is None or one.until - one.since > longest:
        yield refused(
            "E-APPT-TERM",
            f"appointments.{one.id}",
            f"兼任岗位最长 {longest.days} 天",
            f"a dual-hatted post ends after {longest.days} days",
        )


def _issuer(view: View, one: AppointmentPublished) -> Iterator[Finding]:
    """网格员由县区统一招聘并分配: the issuer stands above the town of every grid (command 55)."""
    towns = {grid.town for code in one.grids if (grid := view.grid(code))}
    if any(one.appointed_by not in view.ancestors(town) for town in towns):
        yield refused(
            "E-APPT-ISSUER",
            f"appointments.{one.id}.appointed_by",
            "网格员须由县区统一招聘",
            "grid workers are appointed by the county",
        )


def _item(view: View, item: CatalogueItemPublished) -> Iterator[Finding]:
    path = f"catalogue.{item.code}"
    conditions = [condition.id for condition in item.filing_conditions]
    if len(set(conditions)) < len(conditions):
        yield refused("E-DUPLICATE", f"{path}.filing_conditions", "立案条件编号重复", "a condition appears twice")
    for lead in item.leads:
        yield from _lead(view, item, lead)


def _lead(view: View, item: CatalogueItemPublished, lead: Lead) -> Iterator[Finding]:
    path = f"catalogue.{item.code}.leads"
    if (lead.unit is None) == (lead.of_grid is None):
        yield refused("E-INPUT", path, "须且只须写明 unit 或 of_grid", "name either unit or of_grid")
    if lead.unit and item.powers and lead.unit not in {power.unit for power in item.powers}:
        yield refused("E-POWER", path, f"{lead.unit} 没有此项职权", f"{lead.unit} does not hold the power")
    unit = view.unit(lead.unit) if lead.unit else None
    village = lead.of_grid == "village" or (unit is not None and unit.kind == "VILLAGE_COMMITTEE")
    if village and not item.self_governance and view.rulebook.separation.strength != "compatible":
        yield refused("E-SEP-07", path, "村委会只能主办自治事项", "a village committee leads self-governance only")
