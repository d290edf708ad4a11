"""Units, grids and classes that end: what a publication may say of it, and what else would hang in the air. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from libs.directory.facts.view import Ending, View, has_ended
from libs.directory.findings import Finding, notice, refused
from libs.directory.rules.limits import URGENCIES, UnknownClass, Urgency, handling_limit
from libs.directory.rules.naming import Naming
from libs.events.contracts.directory import CatalogueItemPublished, GridPublished, UnitPublished
from libs.events.contracts.parts.rulebook import Kind
from libs.events.ids import ClassCode


def end_findings(view: View) -> Iterator[Finding]:
    """Everything to say of what ends (SUC-1); names that lead nowhere or in a circle are references.py's."""
    for unit in view.units:
        yield from _followed(unit, f"units.{unit.id}", view.unit(unit.succeeded_by or ""))
        yield from _dependents(view, unit)
    for grid in view.grids:
        heir = view.grid(grid.succeeded_by or "")
        yield from _followed(grid, f"grids.{grid.code}", heir)
        yield from _ground(grid, heir)
    for item in view.classes:
        successor = view.catalogue(item.succeeded_by or "")
        yield from _followed(item, f"catalogue.{item.code}", successor)
        yield from _covered(view, item, successor)


def _followed(one: Ending, path: str, heir: Ending | None) -> Iterator[Finding]:
    """What succeeds it must outlast it."""
    if one.succeeded_by and one.until is None:
        zh, en = "写明了承接者, 却没有终止日期 until", "a successor is named, and no end: until is missing"
        yield refused("E-END", f"{path}.until", zh, en)
    elif one.until and heir and has_ended(heir, one.until):
        zh, en = f"承接者 {one.succeeded_by} 届时已终止", f"{one.succeeded_by} has ended by then itself"
        yield refused("E-END", f"{path}.succeeded_by", zh, en)


def _dependents(view: View, unit: UnitPublished) -> Iterator[Finding]:
    """Who stands below it, and who serves in it, longer than it lasts."""
    if unit.until is None:
        return
    path, until = f"units.{unit.id}", unit.until
    below = [str(one.id) for one in view.units if one.parent == unit.id and not has_ended(one, until)]
    below += [str(one.code) for one in view.grids if unit.id in (one.town, one.village) and not has_ended(one, until)]
    if below and view.living_unit(unit.id, until) is None:
        names = ", ".join(below)
        zh, en = f"仍有下属 {names}, 须写明承接单位", f"still above {names}: name a successor"
        yield refused("E-END", f"{path}.succeeded_by", zh, en)
    posts = [one.id for one in view.appointments if one.unit == unit.id and (one.until is None or one.until > until)]
    if posts:
        day, names = Naming(view).last_day(until), ", ".join(posts)
        yield notice("SUC-1", path, f"其任职随之止于 {day}: {names}", f"its posts end with it on {day}: {names}")
    led = [item.code for item in view.classes if _only_lead(item, unit) and not has_ended(item, until)]
    if led and view.living_unit(unit.id, until) is None:
        names = ", ".join(led)
        yield notice("SUC-1", path, f"此后无单位可主办: {names}", f"nobody leads these any more: {names}")


def _only_lead(item: CatalogueItemPublished, unit: UnitPublished) -> bool:
    return all(lead.unit == unit.id for lead in item.leads)


def _ground(grid: GridPublished, heir: GridPublished | None) -> Iterator[Finding]:
    """Reports are found by their place: what takes over the ground must be of the same layer."""
    path = f"grids.{grid.code}"
    if heir and (heir.kind == "MICRO") != (grid.kind == "MICRO"):
        zh, en = "微网格与其他网格不能互相承接", "a micro grid and another one do not succeed each other"
        yield refused("E-END", f"{path}.succeeded_by", zh, en)
    if grid.until and heir is None:
        zh, en = (
            "没有承接网格: 其中的地点此后须另属网格, 否则无法受理",
            "no successor: nothing is received from its ground",
        )
        yield notice("GRD-1", path, zh, en)


def _covered(view: View, item: CatalogueItemPublished, heir: CatalogueItemPublished | None) -> Iterator[Finding]:
    """Whatever is open under the class must be possible under its successor."""
    if heir is None:
        return
    lost = [kind for kind in item.kinds if _possible(view, item.code, kind) - _possible(view, heir.code, kind)]
    if lost:
        names = ", ".join(lost)
        zh, en = f"承接事项不含其全部案件: {names}", f"the successor does not take all cases of: {names}"
        yield refused("E-END", f"catalogue.{item.code}.succeeded_by", zh, en)


def _possible(view: View, code: str, kind: Kind) -> frozenset[Urgency]:
    """The urgencies in which a case of this kind may stand under the class."""
    return frozenset(urgency for urgency in URGENCIES if _stands(view, ClassCode(code), kind, urgency))


def _stands(view: View, code: ClassCode, kind: Kind, urgency: Urgency) -> bool:
    try:
        handling_limit(view, code, kind, urgency)
    except UnknownClass:
        return False
    return True
