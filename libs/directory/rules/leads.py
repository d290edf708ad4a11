"""Which units the catalogue names to lead a case, and whether they hold the power (POW-1, R5–R7). Pure: no I/O."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from libs.directory.facts.view import View
from libs.events.contracts.directory import CatalogueItemPublished, GridPublished, Lead, Power, UnitPublished
from libs.events.ids import UnitId


@dataclass(frozen=True)
class LeadCandidate:
    """A unit that the catalogue names. `powers` are those it holds now, `expired` those it holds no more."""

    unit: UnitId
    area: str
    level: str
    needs_power: bool
    instead_of: UnitId | None = None
    """The unit that the catalogue names; it has ended, and this one has succeeded it."""
    ended: bool = False
    """It is no more, and nobody has succeeded it."""
    powers: tuple[Power, ...] = ()
    expired: tuple[Power, ...] = ()

    @property
    def holds_power(self) -> bool:
        """Whether the unit may lead: no power is needed, or it holds one."""
        return not self.needs_power or bool(self.powers)


def lead_candidates(
    view: View, item: CatalogueItemPublished, grid: GridPublished, at: datetime
) -> tuple[LeadCandidate, ...]:
    """The units named for this class and grid, best first: more specific area, lower level, smaller unit code."""
    best: dict[UnitId, LeadCandidate] = {}
    for lead in item.leads:
        unit = _unit_of(lead, grid)
        known = view.unit(unit) if unit else None
        if known is None or not grid.area.startswith(lead.area):
            continue
        found = _candidate(view, item, known, lead.area, at)
        if found.unit not in best or _place(found) < _place(best[found.unit]):
            best[found.unit] = found
    rank = {level: position for position, level in enumerate(view.rulebook.levels)}
    return tuple(sorted(best.values(), key=lambda one: (-len(one.area), -rank.get(one.level, -1), one.unit)))


def holds_power(item: CatalogueItemPublished, unit: UnitId, at: datetime, view: View) -> bool:
    """Whether the unit may lead cases of the class at `at` (POW-1): by its own power, or one of a unit it succeeded."""
    return not item.powers or any(_holds(one, at) for one in _powers_of(view, item, unit, at))


def _place(candidate: LeadCandidate) -> tuple[int, bool]:
    """Named for the more specific area first, and by its own name before that of another."""
    return -len(candidate.area), candidate.instead_of is not None


def _powers_of(view: View, item: CatalogueItemPublished, unit: UnitId, at: datetime) -> list[Power]:
    return [power for power in item.powers if unit in (power.unit, view.living_unit(power.unit, at))]


def _unit_of(lead: Lead, grid: GridPublished) -> UnitId | None:
    match lead.of_grid:
        case "village":
            return grid.village
        case "town":
            return grid.town
        case None:
            return lead.unit


def _candidate(
    view: View, item: CatalogueItemPublished, named: UnitPublished, area: str, at: datetime
) -> LeadCandidate:
    heir = view.living_unit(named.id, at)
    unit = (view.unit(heir) if heir else None) or named
    own = _powers_of(view, item, unit.id, at)
    return LeadCandidate(
        unit=unit.id,
        area=area,
        level=unit.level,
        needs_power=bool(item.powers),
        instead_of=named.id if unit != named else None,
        ended=heir is None,
        powers=tuple(power for power in own if _holds(power, at)),
        expired=tuple(power for power in own if power.until is not None and power.until <= at),
    )


def _holds(power: Power, at: datetime) -> bool:
    return (power.since is None or power.since <= at) and (power.until is None or at < power.until)
