"""Which units the catalogue names to lead a case, and whether they hold the power (POW-1, R5–R7). Pure: no I/O."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from libs.directory.facts.view import View
from libs.events.contracts.directory import CatalogueItemPublished, GridPublished, Lead, Power
from libs.events.ids import UnitId


@dataclass(frozen=True)
class LeadCandidate:
    """A unit that the catalogue names. `powers` are those it holds now, `expired` those it holds no more."""

    unit: UnitId
    area: str
    level: str
    needs_power: bool
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
        if known.id not in best or len(lead.area) > len(best[known.id].area):
            best[known.id] = _candidate(item, known.id, known.level, lead.area, at)
    rank = {level: position for position, level in enumerate(view.rulebook.levels)}
    return tuple(sorted(best.values(), key=lambda one: (-len(one.area), -rank.get(one.level, -1), one.unit)))


def holds_power(item: CatalogueItemPublished, unit: UnitId, at: datetime) -> bool:
    """Whether the unit may lead cases of the class at `at` (POW-1)."""
    return not item.powers or any(one.unit == unit and _holds(one, at) for one in item.powers)


def _unit_of(lead: Lead, grid: GridPublished) -> UnitId | None:
    match lead.of_grid:
        case "village":
            return grid.village
        case "town":
            return grid.town
        case None:
            return lead.unit


def _candidate(item: CatalogueItemPublished, unit: UnitId, level: str, area: str, at: datetime) -> LeadCandidate:
    own = [power for power in item.powers if power.unit == unit]
    return LeadCandidate(
        unit=unit,
        area=area,
        level=level,
        needs_power=bool(item.powers),
        powers=tuple(power for power in own if _holds(power, at)),
        expired=tuple(power for power in own if power.until is not None and power.until <= at),
    )


def _holds(power: Power, at: datetime) -> bool:
    return (power.since is None or power.since <= at) and (power.until is None or at < power.until)
