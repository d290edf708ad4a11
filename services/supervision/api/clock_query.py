"""What the lists over clocks are asked: when, what, and by whom – as SQL. Reading only; the lists stand beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from fastapi import Query

from libs.case.access import sight
from libs.case.lamp import Lamp
from libs.case.state import OPEN
from libs.events.contracts.parts.clock import Clock
from libs.events.errors import Malformed
from libs.log.store.event_store import Connection
from libs.log.watermarks.watermark import DECIDING_SOURCES
from libs.service.http import freshness
from libs.service.http.cases import MinPosition
from libs.service.http.dependencies import CallerDep, Person, RuntimeDep
from libs.service.http.freshness import AsOf
from libs.service.http.headers import Instant
from services.supervision.readmodel.tables import clock as clocks

SHOWN = DECIDING_SOURCES
Role = Literal["lead", "co"]
Code = Annotated[str | None, Query(max_length=64)]
Past = Annotated[
    Instant | None,
    Query(
        description="按截至该时刻已记录的事实 / as the facts recorded up to this instant say",
        examples=["2026-11-05T10:00:00+08:00"],
    ),
]
COUNTED = 10_000
"""A list counts up to here, so that its answer costs the same in a town and in a city; `/counts` counts everything."""
IN_LAMP: Mapping[Lamp, str] = {
    "GREEN": "c.yellow_at > {at}",
    "YELLOW": "c.due_at >= {at} and c.yellow_at <= {at}",
    "RED": "c.due_at < {at} and c.long_red_at >= {at}",
    "LONG_RED": "c.due_at < {at} and c.long_red_at < {at}",
}
NAMES = [column.name for column in clocks.columns]
COLUMNS = ", ".join(f"c.{name}" for name in NAMES)
KNOWN_THEN = ", ".join(
    f"case when {name} <= {{at}} then {name} end as {name}" if name == "breach_recorded_at" else name for name in NAMES
)
"""A breach was confirmed once it was recorded."""
VERSIONS = f"""
  (select {KNOWN_THEN} from clock where known_from <= {{at}}{{now}}
   union all
   select {KNOWN_THEN} from clock_past where known_from <= {{at}} and known_until > {{at}}{{then}})
"""  # noqa: S608 - our own names
OPEN_NOW = """
  (select case_id, unit, grid, doc ->> 'class_code' as class_code, doc ->> 'urgency' as urgency,
          (doc ->> 'supervision_level')::smallint as supervision_level
     from case_view where state = any({open}))
"""
OPEN_THEN = """
  (select * from (select distinct on (case_id) * from case_past where known_from <= {at}
                   order by case_id, known_from desc) p where state = any({open}))
"""
CO_HANDLED = """
c.case_id in (
  select case_id from case_past n where co_units <> '[]'{concerned} and exists (
    select from (select co_units from case_past p where p.case_id = n.case_id{known}
                  order by p.known_from desc limit 1) p where co_units <> '[]'{concerned}))
"""
RUNNING_NOW = "stopped_at is null and not exempt"
RUNNING_THEN = "(stopped_at is null or stopped_at > {at}) and not exempt"


class NotKnownYet(Malformed):
    """`as_of` is not before the instant up to which every fact is known."""

    code = "E-AS-OF"
    zh = "as_of 须早于数据完整的时刻, 见 allowed_actions"
    en = "as_of must lie before the instant up to which every fact is known, see allowed_actions"


@dataclass(frozen=True)
class AsOfInstant:
    """The instant at which a list is judged; `past`: by the facts recorded up to it, not by all that are known."""

    at: datetime
    fresh: AsOf
    past: bool = False

    def document(self) -> dict[str, object]:
        """The members that every list carries."""
        return {"at": self.at, **self.fresh.document()}


@dataclass(frozen=True)
class ClockFilter:
    """What every list over clocks can be narrowed to, and the past instant that it is asked for."""

    clock: Clock
    unit: str | None
    grid: str | None
    class_code: str | None
    as_of: datetime | None
    min_position: str | None
    role: Role = "lead"


async def get_filter(
    *,
    clock: Clock = "handling",
    unit: Code = None,
    grid: Code = None,
    class_code: Code = None,
    role: Annotated[Role, Query(description="co: 本单位协办的案件 / cases that the unit co-handles")] = "lead",
    as_of: Past = None,
    min_position: MinPosition = None,
) -> ClockFilter:
    """The parameters that all lists share."""
    return ClockFilter(clock, unit, grid, class_code, as_of, min_position, role)


async def moment(conn: Connection, running: RuntimeDep, person: CallerDep, asked: ClockFilter) -> AsOfInstant:
    """When the list is judged; raises `NotKnownYet`, and `Stale` as every list does."""
    fresh = await freshness.as_of(conn, SHOWN, running.settings.stale_after_seconds)
    if asked.as_of is None:
        return AsOfInstant(max(person.now, fresh.at), fresh)
    if asked.as_of >= fresh.at:
        raise NotKnownYet(allowed=[f"as_of < {fresh.at.isoformat()}"])
    at = asked.as_of.astimezone(UTC)
    return AsOfInstant(at, AsOf(at, fresh.lag), past=True)


@dataclass
class Conditions:
    """A `where` clause that holds only what is asked for, so that the planner sees no disjunctions."""

    texts: list[str] = field(default_factory=list)
    values: list[Any] = field(default_factory=list)
    at: str = ""
    """Placeholder of the instant that the list is judged at."""
    rows: str = "clock"
    """What is read: the clocks as they are, or their versions at a past instant."""
    known_at: str | None = None
    """Placeholder of that past instant."""

    @staticmethod
    def of(asked: ClockFilter, person: Person, when: AsOfInstant, *, running: bool = True) -> Conditions:
        """What is asked for within what the caller may see; only clocks that run, unless told otherwise."""
        where = Conditions()
        if when.past or running:
            where.at = where.bind(when.at)
        if when.past:
            where.known_at = where.at
            now, then = (f" and {RUNNING_NOW}", f" and {RUNNING_THEN}") if running else ("", "")
            where.rows = VERSIONS.format(at=where.at, now=now, then=then.format(at=where.at))
        elif running:
            where.texts.append("c.stopped_at is null and not c.exempt")
        where.equal(clock=asked.clock, grid=asked.grid, class_code=asked.class_code)
        where.of_units([asked.unit] if asked.unit else None, asked.role)
        where.visible(person, asked.role)
        return where

    def open_cases(self, asked: ClockFilter, person: Person) -> Conditions:
        """The same of the open cases themselves, whichever clock runs; in one statement with these."""
        where = Conditions(values=self.values, at=self.at, known_at=self.known_at)
        rows = OPEN_THEN if self.known_at else OPEN_NOW
        where.rows = rows.format(at=self.at, open=where.bind(sorted(OPEN)))
        where.equal(grid=asked.grid, class_code=asked.class_code)
        where.of_units([asked.unit] if asked.unit else None, asked.role)
        where.visible(person, asked.role)
        return where

    def bind(self, value: Any) -> str:
        """The placeholder of a value."""
        self.values.append(value)
        return f"${len(self.values)}"

    def add(self, text: str) -> None:
        """A condition in which `{at}` is the instant that the list is judged at."""
        self.texts.append(text.format(at=self.at))

    def equal(self, **columns: str | None) -> None:
        """Where a column has this value; None asks for nothing."""
        self.texts += [f"c.{name} = {self.bind(value)}" for name, value in columns.items() if value is not None]

    def of_units(self, units: Sequence[str] | None, role: Role) -> None:
        """Clocks of these units, or of cases that they co-handle; None asks for nothing, or for any co-unit."""
        if role == "co":
            self.texts.append(self.co_handled(units))
        elif units:
            # One unit by itself, so that its clocks come from the index in the order of the list.
            one = len(units) == 1
            self.texts.append(f"c.unit = {self.bind(units[0])}" if one else f"c.unit = any({self.bind(units)})")

    def co_handled(self, units: Sequence[str] | None) -> str:
        """That these units, or any, co-handle the case at the instant of the list, and have not reported yet."""
        known = f" and p.known_from <= {self.known_at}" if self.known_at else ""
        concerned = f" and co_units ?| {self.bind(units)}" if units else ""
        return CO_HANDLED.format(known=known, concerned=concerned)

    def visible(self, person: Person, role: Role) -> None:
        """What the caller may see (libs/case/access.py)."""
        seen = sight(person.actor, person.directory, person.now)
        if seen.everything:
            return
        if seen.units:
            self.of_units(sorted(seen.units), role)
        else:
            self.texts.append(f"c.grid = any({self.bind(sorted(seen.grids))})" if seen.grids else "false")

    def begin_after(self, columns: str, key: Sequence[Any] | None) -> None:
        """Go on after the last row of the page before."""
        if key:
            self.texts.append(f"({columns}) > ({', '.join(self.bind(part) for part in key)})")

    def __str__(self) -> str:
        return " and ".join(self.texts) or "true"

    @property
    def found(self) -> str:
        """`from … where …`."""
        return f"from {self.rows} c where {self}"

    async def count(self, conn: Connection) -> tuple[int, bool]:
        """How many there are, and whether that is all of them."""
        statement = f"select count(*) from (select {self.found} limit {COUNTED + 1}) f"  # noqa: S608 - values are bound
        number: int = await conn.fetchval(statement, *self.values)
        return min(number, COUNTED), number <= COUNTED
