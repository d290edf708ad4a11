"""The work list of a unit, by due time. Reading only; the dispatcher's queue stands in queue.py."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import orjson
from fastapi import APIRouter, Query
from fastapi.responses import Response

from libs.case.access import Sight
from libs.case.lamp import Lamp, lamp_of
from libs.case.state import TERMINAL, State
from libs.log.store.event_store import Connection
from libs.service.http.answers import DocumentAnswer
from libs.service.http.cases import MinPosition, decode_cursor, encode_cursor
from libs.service.http.csv_stream import AsCsv, Column, Wanted, csv_answer
from libs.service.http.dependencies import CallerDep, RuntimeDep
from libs.service.http.freshness import as_of, wait_for_position
from libs.service.http.headers import Instant
from libs.service.http.shapes import listed
from services.routing.api.answers import WorkList
from services.routing.api.clock_columns import due_times
from services.routing.api.lists import LISTED, Cursor, Limit, own_sight
from services.routing.readmodel.holdings import ALL_UNITS, Role

router = APIRouter(tags=["派遣·办理 routing"])

COUNTED = 5_000
"""What no counter knows is counted up to here, so that an answer costs the same in a small town and in a city."""
Code = Annotated[str | None, Query(max_length=64)]
IN_LAMP: Mapping[Lamp, str] = {
    "GREEN": "red_from >= {at} and yellow_from > {at}",
    "YELLOW": "red_from >= {at} and yellow_from <= {at}",
    "RED": "red_from < {at} and long_red_from >= {at}",
    "LONG_RED": "red_from < {at} and long_red_from < {at}",
}
PAGE = """
select o.*, p.unit as held_by, p.role, p.red_from from (
  select case_id, unit, role, red_from from held_order where {where} order by red_from, case_id, unit limit {limit}
) p join work_order o on o.case_id = p.case_id order by p.red_from, p.case_id, p.unit
"""
VERSIONS = """
    select case_id, coalesce((doc -> 'versions' ->> $2)::int, 0) as version from case_view where case_id = any($1)
"""
"""How many events of our own the lines show: what is newer than a line is not in its version."""
CSV_COLUMNS = (
    Column("case_id", "案件编号"),
    Column("state", "状态"),
    Column("held_by", "单位编号"),
    Column("role", "主办或协办"),
    Column("kind", "诉求类型"),
    Column("class_code", "事项类别"),
    Column("urgency", "紧急程度"),
    Column("grid", "网格"),
    Column("handler", "经办人"),
    Column("round", "轮次"),
    Column("lamp", "灯"),
    Column("dispatched_at", "派遣时间"),
    Column("signed_at", "签收时间"),
    Column("sign_due_at", "签收到期"),
    Column("due_at", "办理到期"),
    Column("overall_due_at", "总时限到期"),
    Column("provisional", "暂定日历"),
    Column("imported", "导入"),
)


@dataclass(frozen=True)
class WorkFilter:
    """What a work list is narrowed to; `role` is the unit's own part in the order."""

    unit: str | None = None
    role: Role | None = None
    state: str | None = None
    lamp: Lamp | None = None
    handler: str | None = None
    due_after: datetime | None = None
    due_before: datetime | None = None

    @property
    def counters_know(self) -> bool:
        """Whether the number is kept up to date per unit, role and state."""
        return not (self.lamp or self.handler or self.due_after or self.due_before)


@dataclass
class Conditions:
    """A `where` clause that holds only what is asked for, so that the planner sees no disjunctions."""

    texts: list[str] = field(default_factory=list)
    values: list[Any] = field(default_factory=list)

    def add(self, text: str, value: Any) -> None:
        """A condition on one value, which stands in it as `{}`; None asks for nothing."""
        if value is not None:
            self.values.append(value)
            self.texts.append(text.format(f"${len(self.values)}", at=f"${len(self.values)}"))

    def begin_after(self, key: list[Any] | None) -> None:
        """Go on after the last row of the page before."""
        if key:
            first = len(self.values) + 1
            self.values += key
            self.texts.append(f"(red_from, case_id, unit) > (${first}, ${first + 1}, ${first + 2})")

    def __str__(self) -> str:
        return " and ".join(self.texts)


@router.get("/work", summary="部门工单 / a department's work orders, by due time", responses=listed(WorkList))
async def work(  # noqa: PLR0917 - FastAPI passes them by name
    running: RuntimeDep,
    person: CallerDep,
    csv: AsCsv,
    unit: Code = None,
    role: Role | None = None,
    state: State | None = None,
    lamp: Lamp | None = None,
    handler: Code = None,
    due_after: Instant | None = None,
    due_before: Instant | None = None,
    limit: Limit = 50,
    cursor: Cursor = None,
    min_position: MinPosition = None,
) -> Response:
    """Open orders, or those in one state: what is due first, then what is due no more; a department sees its own.

    `role` is the unit's part: `lead` (主办) or `co` (协办). Due times are those of the work clock while it runs.
    `count` is exact unless `count_exact` says that it only is as many at least.
    """
    after = decode_cursor(cursor, datetime.fromisoformat, UUID, str)
    asked = WorkFilter(unit, role, state, lamp, handler, due_after, due_before)
    seen = own_sight(person, unit)
    await wait_for_position(running, min_position)
    async with running.pool.acquire() as conn:
        fresh = await as_of(conn, LISTED, running.settings.stale_after_seconds)
        where = conditions(asked, seen, fresh.at)
        if csv:
            everything = Wanted(
                PAGE.format(where=where, limit="all"), where.values, lambda row: csv_item(row, fresh.at)
            )
            return csv_answer(running.pool, "work", CSV_COLUMNS, everything, person=person, fresh=fresh)
        count, exact = await counted(conn, asked, seen, where)
        where.begin_after(after)
        rows = await conn.fetch(PAGE.format(where=where, limit=limit + 1), *where.values)
        versions = dict(await conn.fetch(VERSIONS, [row["case_id"] for row in rows], running.settings.source))
    items = [order_item(row, fresh.at) | {"version": versions[row["case_id"]]} for row in rows[:limit]]
    last = rows[limit - 1] if len(rows) > limit else None
    following = encode_cursor(last["red_from"].isoformat(), str(last["case_id"]), last["held_by"]) if last else None
    document = {"items": items, "count": count, "count_exact": exact, "next_cursor": following, **fresh.document()}
    return DocumentAnswer(document)


def conditions(asked: WorkFilter, seen: Sight, at: datetime) -> Conditions:
    """What is asked for, within what the caller may see."""
    where = Conditions()
    where.add("unit = {}", asked.unit or next(iter(seen.units), None))
    if not (seen.everything or seen.units):
        where.add("grid = any({})", sorted(seen.grids))
    if role := whose(asked, seen):
        where.texts.append(f"role = '{role}'")
    where.add("state = {}", asked.state)
    if asked.state is None:
        where.texts.append("open")
    where.add(IN_LAMP[asked.lamp] if asked.lamp else "", at if asked.lamp else None)
    where.add("handler = {}", asked.handler)
    where.add("red_from >= {}", asked.due_after)
    where.add("red_from < {}", asked.due_before)
    return where


def whose(asked: WorkFilter, seen: Sight) -> Role | None:
    """The role asked for; a list over units shows each order once, with the unit that leads."""
    return asked.role or (None if asked.unit or seen.units else "lead")


async def counted(conn: Connection, asked: WorkFilter, seen: Sight, where: Conditions) -> tuple[int, bool]:
    """How many there are, and whether that is all of them."""
    if asked.counters_know and (seen.everything or seen.units):
        unit = asked.unit or next(iter(seen.units), ALL_UNITS)
        rows = await conn.fetch("select counts from unit_lane where unit = $1", unit)
        return total([orjson.loads(row["counts"]) for row in rows], whose(asked, seen), asked.state), True
    found: int = await conn.fetchval(
        f"select count(*) from (select from held_order where {where} limit {COUNTED + 1}) f",  # noqa: S608 - values are bound
        *where.values,
    )
    return min(found, COUNTED), found <= COUNTED


def total(lanes: list[dict[str, int]], role: Role | None, state: str | None) -> int:
    """Orders of one role or both, in one state or in all open ones, over the lanes."""
    return sum(
        count
        for lane in lanes
        for (of_role, _, of_state), count in ((key.partition(" "), count) for key, count in lane.items())
        if of_role in ((role,) if role else ("lead", "co"))
        and (of_state == state if state else of_state not in TERMINAL)
    )


def order_item(row: Any, at: datetime) -> dict[str, Any]:
    """One line of the work list; nothing personal in it."""
    names = (
        "state",
        "unit",
        "held_by",
        "role",
        "kind",
        "class_code",
        "urgency",
        "grid",
        "handler",
        "round",
        "dual_hat",
        "imported",
    )
    return {
        "case_id": str(row["case_id"]),
        **{name: row[name] for name in names},
        "lead": row["role"] == "lead",
        "lamp": lamp_of(row, at),
        "signed": row["signed_at"] is not None,
        "deemed_signed": row["deemed_signed"],
        **due_times(row),
    }


def csv_item(row: Any, at: datetime) -> dict[str, Any]:
    """The same line with instants as instants, which a spreadsheet shows in civil time."""
    instants = ("dispatched_at", "signed_at", "sign_due_at", "due_at", "overall_due_at")
    return order_item(row, at) | {name: row[name] for name in instants}
