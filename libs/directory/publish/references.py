"""Whether everything that facts name exists, and trees have no cycle. Pure: no I/O."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet

from libs.directory.facts.view import View
from libs.directory.findings import Finding, refused
from libs.events.contracts.directory import AppointmentPublished, CatalogueItemPublished, UnitPublished


def reference_findings(view: View) -> Iterator[Finding]:
    """Every name that leads nowhere."""
    for unit in view.units:
        yield from _unit(view, unit)
    for person in view.people:
        yield from _missing(f"people.{person.id}.same_as", (person.same_as,), {one.id for one in view.people})
        if person.same_as and view.natural(person.same_as) == person.id:
            yield refused("E-REF", f"people.{person.id}.same_as", "账号互相指向", "accounts name each other")
    units = {one.id for one in view.units}
    for grid in view.grids:
        yield from _missing(f"grids.{grid.code}", (grid.village, grid.town), units)
        yield from _succession(f"grids.{grid.code}", grid.code, {one.code: one.succeeded_by for one in view.grids})
    for appointment in view.appointments:
        yield from _appointment(view, appointment, units)
    for item in view.classes:
        yield from _item(item, units)
        yield from _succession(
            f"catalogue.{item.code}", item.code, {one.code: one.succeeded_by for one in view.classes}
        )
    for year in view.calendars:
        for number, hours in enumerate(year.hours):
            yield from _missing(f"years.{year.year}.hours.{number}.unit", (hours.unit,), units)
    whitelist = view.rulebook.separation.self_handle_whitelist
    yield from _missing("rulebook.separation.self_handle_whitelist", whitelist, {one.code for one in view.classes})


def _unit(view: View, unit: UnitPublished) -> Iterator[Finding]:
    yield from _missing(f"units.{unit.id}.parent", (unit.parent,), {one.id for one in view.units})
    if unit.id in view.ancestors(unit.id):
        yield refused("E-REF", f"units.{unit.id}.parent", "上级关系成环", "the unit is its own superior")
    yield from _succession(f"units.{unit.id}", unit.id, {one.id: one.succeeded_by for one in view.units})
    yield from _missing(f"units.{unit.id}.level", (unit.level,), set(view.rulebook.levels))


def _appointment(view: View, one: AppointmentPublished, units: AbstractSet[str]) -> Iterator[Finding]:
    path = f"appointments.{one.id}"
    yield from _missing(path, (one.person,), {person.id for person in view.people})
    yield from _missing(path, (one.unit, one.appointed_by, one.managed_by), units)
    yield from _missing(path, one.grids, {grid.code for grid in view.grids})


def _item(item: CatalogueItemPublished, units: AbstractSet[str]) -> Iterator[Finding]:
    named = [lead.unit for lead in item.leads] + [power.unit for power in item.powers]
    yield from _missing(f"catalogue.{item.code}", named, units)


def _succession(path: str, key: str, heirs: Mapping[str, str | None]) -> Iterator[Finding]:
    """What succeeds it exists, and does not lead back to it."""
    yield from _missing(f"{path}.succeeded_by", (heirs[key],), heirs.keys())
    seen, following = set[str](), heirs[key]
    while following and following != key and following not in seen:
        seen.add(following)
        following = heirs.get(following)
    if following == key:
        yield refused("E-REF", f"{path}.succeeded_by", "承接关系成环", "it would succeed itself")


def _missing(path: str, names: Iterable[str | None], known: AbstractSet[str]) -> Iterator[Finding]:
    for name in names:
        if name is not None and name not in known:
            yield refused("E-REF", path, f"引用的 {name} 不存在", f"{name} does not exist")
