"""What is true in the directory at one version: units, people, appointments, grids, classes, rules. Pure: no I/O."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import TypeVar

from libs.directory.facts.places import GridIndex
from libs.events.contracts.directory import (
    AppointmentPublished,
    CalendarPublished,
    CatalogueItemPublished,
    GridPublished,
    LogOpened,
    PersonPublished,
    Role,
    RulebookPublished,
    UnitPublished,
)
from libs.events.errors import NotFound
from libs.events.event import Event
from libs.events.ids import AppointmentId, ClassCode, EventId, GridCode, PersonId, UnitId

Key = tuple[type[Event], str]
"""Type of the fact and its id within the type."""
GRID_ROLES: tuple[Role, ...] = ("GRID_WORKER", "GRID_LEADER")
F = TypeVar("F", bound=Event)
Ending = UnitPublished | GridPublished | CatalogueItemPublished
"""What may end on a date, and be succeeded (rulebook.md d.8); appointments end by their own term."""
E = TypeVar("E", UnitPublished, GridPublished, CatalogueItemPublished)


@dataclass(frozen=True)
class Fact:
    """One event and the lane-64 `laneseq` at which it became true."""

    version: int
    event: Event
    event_id: EventId | None = None


@dataclass(frozen=True, eq=False)
class View:
    """The last fact per key at `version`. Lookups answer None for what is not known."""

    version: int
    facts: Mapping[Key, Fact]

    def unit(self, unit: str) -> UnitPublished | None:
        return self._fact(UnitPublished, unit)

    def person(self, person: str) -> PersonPublished | None:
        return self._fact(PersonPublished, person)

    def appointment(self, appointment: str) -> AppointmentPublished | None:
        return self._fact(AppointmentPublished, appointment)

    def grid(self, code: str) -> GridPublished | None:
        return self._fact(GridPublished, code)

    def catalogue(self, code: str) -> CatalogueItemPublished | None:
        """The class of matter with this code."""
        return self._fact(CatalogueItemPublished, code)

    def calendar(self, year: int) -> CalendarPublished | None:
        return self._fact(CalendarPublished, str(year))

    @property
    def rulebook(self) -> RulebookPublished:
        """The rulebook in force; raises `NotFound` before the first one is published."""
        if (rulebook := self._fact(RulebookPublished, "")) is None:
            raise NotFound(zh="规则库尚未发布", en="no rulebook has been published")
        return rulebook

    @property
    def log(self) -> LogOpened | None:
        """Mode and epoch of the log."""
        return self._fact(LogOpened, "")

    @cached_property
    def units(self) -> tuple[UnitPublished, ...]:
        return self._all(UnitPublished)

    @cached_property
    def people(self) -> tuple[PersonPublished, ...]:
        return self._all(PersonPublished)

    @cached_property
    def appointments(self) -> tuple[AppointmentPublished, ...]:
        return self._all(AppointmentPublished)

    @cached_property
    def grids(self) -> tuple[GridPublished, ...]:
        return self._all(GridPublished)

    @cached_property
    def classes(self) -> tuple[CatalogueItemPublished, ...]:
        return self._all(CatalogueItemPublished)

    @cached_property
    def calendars(self) -> tuple[CalendarPublished, ...]:
        """The calendar facts of all published years."""
        return self._all(CalendarPublished)

    @cached_property
    def newest_calendar(self) -> Fact | None:
        """The calendar fact that was published last, of whichever year."""
        known = [fact for (kind, _), fact in self.facts.items() if kind is CalendarPublished]
        return max(known, key=lambda fact: fact.version, default=None)

    def natural(self, person: PersonId) -> PersonId:
        """The natural person behind an account (SEP-14): two accounts of one person are one actor."""
        seen = {person}
        while (known := self.person(person)) and known.same_as and known.same_as not in seen:
            person = known.same_as
            seen.add(person)
        return person

    def appointments_of(self, person: PersonId, at: datetime) -> tuple[AppointmentPublished, ...]:
        """The appointments of a natural person that are active at `at`, through whichever account."""
        return self._active(self._by_person.get(self.natural(person), ()), at)

    def members(self, unit: UnitId, at: datetime) -> tuple[AppointmentPublished, ...]:
        """The active appointments in a unit, by id."""
        return self._active(self._by_unit.get(unit, ()), at)

    def holders(self, role: Role, unit: UnitId | None, at: datetime) -> tuple[PersonId, ...]:
        """Natural persons who hold a role, in one unit or (None) anywhere, by id."""
        held = self.members(unit, at) if unit else self._active(self.appointments, at)
        return tuple(sorted({self.natural(one.person) for one in held if one.role == role}))

    def units_of(self, person: PersonId, at: datetime) -> frozenset[UnitId]:
        """unit*(p, t): every unit in which the person holds any appointment."""
        return frozenset(one.unit for one in self.appointments_of(person, at))

    def grid_posts(self, person: PersonId, at: datetime) -> tuple[AppointmentPublished, ...]:
        """The grid appointments that the person holds at `at`, worker or leader."""
        return tuple(one for one in self.appointments_of(person, at) if one.role in GRID_ROLES)

    def grids_of(self, person: PersonId, at: datetime) -> frozenset[GridCode]:
        """grid(p): the grids of the person's grid appointments."""
        return frozenset(code for post in self.grid_posts(person, at) for code in self.grids_in(post, at))

    def grids_in(self, post: AppointmentPublished, at: datetime) -> frozenset[GridCode]:
        """The grids of a post, and what has succeeded them: a post goes on in the grid that its own one became."""
        return frozenset(post.grids) | {code for one in post.grids if (code := self.living_grid(one, at))}

    def is_grid_worker(self, person: PersonId, at: datetime) -> bool:
        """Whether the person is a 网格员 at `at`; a 网格长 alone is not one."""
        return any(post.role == "GRID_WORKER" for post in self.grid_posts(person, at))

    def grid_workers(self, grid: GridCode, at: datetime) -> tuple[PersonId, ...]:
        """The grid workers of one grid, by id."""
        posts = [post for post in self._active(self.appointments, at) if post.role == "GRID_WORKER"]
        return tuple(sorted({self.natural(post.person) for post in posts if grid in self.grids_in(post, at)}))

    def ancestors(self, unit: UnitId, at: datetime | None = None) -> tuple[UnitId, ...]:
        """The unit's superiors, nearest first; at an instant, in the place of one that has ended its successor."""
        chain: list[UnitId] = []
        known = self.unit(unit)
        while known and known.parent:
            parent = (self.living_unit(known.parent, at) if at else None) or known.parent
            if parent in chain:
                break
            chain.append(parent)
            known = self.unit(parent)
        return tuple(chain)

    def bodies_of(self, grid: str, at: datetime) -> tuple[UnitId, ...]:
        """The town of a grid and its superiors, nearest first."""
        known = self.grid(grid)
        if known is None:
            return ()
        town = self.living_unit(known.town, at) or known.town
        return (town, *self.ancestors(town, at))

    def grid_of(self, longitude: int, latitude: int, at: datetime) -> GridCode | None:
        """The general or dedicated grid at a place given in 1e-7 degrees; on a shared border the smaller code.

        A grid that is to end keeps its ground until then; from then on it is what is drawn there, or the successor's.
        """
        found = [grid for code in self._places.grids_at(longitude, latitude) if (grid := self.grid(code))]
        living = [grid for grid in found if not has_ended(grid, at)]
        leaving = [grid for grid in living if grid.until]
        followed = (self.living_grid(grid.code, at) for grid in found)
        return next((grid.code for grid in (*leaving, *living)), None) or min(filter(None, followed), default=None)

    def living_unit(self, unit: str, at: datetime) -> UnitId | None:
        """The unit while it is one, from its end on the one that has succeeded it; None where nobody has."""
        found = self._living(UnitPublished, unit, at)
        return found.id if found else None

    def living_grid(self, code: str, at: datetime) -> GridCode | None:
        """The same of a grid."""
        found = self._living(GridPublished, code, at)
        return found.code if found else None

    def living_class(self, code: str, at: datetime) -> ClassCode | None:
        """The same of a class of matter."""
        found = self._living(CatalogueItemPublished, code, at)
        return ClassCode(found.code) if found else None

    @cached_property
    def ends(self) -> tuple[datetime, ...]:
        """The instants at which a unit, a grid or a class ends, in order."""
        facts: tuple[Ending, ...] = (*self.units, *self.grids, *self.classes)
        return tuple(sorted({one.until for one in facts if one.until}))

    def published_by(self, kind: type[Event], key: str) -> EventId | None:
        """The event that made a fact true, as evidence."""
        fact = self.facts.get((kind, key))
        return fact.event_id if fact else None

    def _living(self, kind: type[E], key: str | None, at: datetime) -> E | None:
        seen = set()
        known = self._fact(kind, key) if key else None
        while known and has_ended(known, at):
            seen.add(key)
            key = known.succeeded_by
            known = self._fact(kind, key) if key and key not in seen else None
        return known

    def end_of(self, post: AppointmentPublished) -> datetime | None:
        """When the post ends: by its term, or with its unit."""
        ends = [one for one in (post.until, self._ends_of_units.get(post.unit)) if one]
        return min(ends, default=None)

    def _active(self, posts: Iterable[AppointmentPublished], at: datetime) -> tuple[AppointmentPublished, ...]:
        ends = self._ends_of_units
        return tuple(one for one in posts if is_active(one, at) and (one.unit not in ends or at < ends[one.unit]))

    @cached_property
    def _ends_of_units(self) -> Mapping[UnitId, datetime]:
        return {unit.id: unit.until for unit in self.units if unit.until}

    def _fact(self, kind: type[F], key: str) -> F | None:
        fact = self.facts.get((kind, key))
        return fact.event if fact and isinstance(fact.event, kind) else None

    def _all(self, kind: type[F]) -> tuple[F, ...]:
        of_kind = sorted((key, fact.event) for (type_, key), fact in self.facts.items() if type_ is kind)
        return tuple(event for _, event in of_kind if isinstance(event, kind))

    @cached_property
    def _by_person(self) -> Mapping[PersonId, list[AppointmentPublished]]:
        index: dict[PersonId, list[AppointmentPublished]] = defaultdict(list)
        for one in self.appointments:
            index[self.natural(one.person)].append(one)
        return index

    @cached_property
    def _by_unit(self) -> Mapping[UnitId, list[AppointmentPublished]]:
        index: dict[UnitId, list[AppointmentPublished]] = defaultdict(list)
        for one in self.appointments:
            index[one.unit].append(one)
        return index

    @cached_property
    def _places(self) -> GridIndex:
        return GridIndex(self.grids)


def is_active(appointment: AppointmentPublished, at: datetime) -> bool:
    """Expiry ends every power at that very instant (rulebook.md l, command 56)."""
    return appointment.since <= at and (appointment.until is None or at < appointment.until)


def has_ended(one: Ending, at: datetime) -> bool:
    """Whether the unit, grid or class is no more; what it was stays true of the time before."""
    return one.until is not None and one.until <= at


def appointment_evidence(view: View, appointment: AppointmentId) -> tuple[str, ...]:
    """The event that published the appointment, where it is known."""
    found = view.published_by(AppointmentPublished, appointment)
    return (found,) if found else ()
