"""Lists over clocks: what is overdue or about to be, and the verdict of every clock. Reading only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import orjson
from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse

from libs.events.contracts.supervision import Clock
from libs.events.store import Connection
from libs.service.access import sight
from libs.service.cases import MinPosition, decode_cursor, encode_cursor
from libs.service.freshness import as_of, wait_for_position
from libs.service.http import Calling, Instant, Person, Running
from services.supervision.tables import clock as clocks

router = APIRouter(tags=["督办 supervision"])

SHOWN = ("/xunban/intake", "/xunban/routing", "/xunban/supervision")
LampCode = Literal["GREEN", "YELLOW", "RED", "LONG_RED"]
Verdict = Literal["ON_TIME", "OVERDUE", "RUNNING", "EXEMPT"]
Code = Annotated[str | None, Query(max_length=64)]
IN_LAMP: Mapping[LampCode, str] = {
    "GREEN": "c.due_at >= {at} and c.yellow_at > {at}",
    "YELLOW": "c.due_at >= {at} and c.yellow_at <= {at}",
    "RED": "c.due_at < {at} and c.long_red_at >= {at}",
    "LONG_RED": "c.due_at < {at} and c.long_red_at < {at}",
}
VERDICT = """case when c.breach_at < {at} then 'OVERDUE' when c.exempt then 'EXEMPT'
             when c.stopped_at <= {at} then 'ON_TIME' else 'RUNNING' end"""


COLUMNS = ", ".join(
    "c.case_id::text as case_id" if column.name == "case_id" else f"c.{column.name}" for column in clocks.columns
)


@dataclass
class Conditions:
    """A `where` clause that grows with what is asked for, so that the planner sees no disjunctions."""

    texts: list[str] = field(default_factory=list)
    values: list[Any] = field(default_factory=list)

    def bind(self, value: Any) -> str:
        """The placeholder of a value."""
        self.values.append(value)
        return f"${len(self.values)}"

    def equal(self, **columns: str | None) -> None:
        """Where a column has this value; None asks for nothing."""
        self.texts += [f"c.{name} = {self.bind(value)}" for name, value in columns.items() if value is not None]

    def visible(self, person: Person) -> None:
        """What the caller may see (libs/service/access.py)."""
        seen = sight(person.actor, person.directory)
        if not seen.everything:
            units, grids = self.bind(sorted(seen.units)), self.bind(sorted(seen.grids))
            self.texts.append(f"(c.unit = any({units}) or c.grid = any({grids}))")

    def begin_after(self, columns: str, key: list[Any] | None) -> None:
        """Go on after the last row of the page before."""
        if key:
            self.texts.append(f"({columns}) > ({', '.join(self.bind(part) for part in key)})")

    def __str__(self) -> str:
        return " and ".join(self.texts)


def lamp_of(row: Mapping[str, Any], at: datetime) -> LampCode:
    """The lamp of a clock at an instant; once stopped it stays as it was."""
    seen = min(at, row["stopped_at"]) if row["stopped_at"] else at
    if seen > row["due_at"]:
        return "LONG_RED" if seen > row["long_red_at"] else "RED"
    return "YELLOW" if seen >= row["yellow_at"] else "GREEN"


def verdict_of(row: Mapping[str, Any], at: datetime) -> Verdict:
    """What the fold says of a clock at an instant; on time iff stopped no later than due (CLK-04)."""
    if row["breach_at"] and row["breach_at"] < at:
        return "OVERDUE"
    if row["exempt"]:
        return "EXEMPT"
    return "ON_TIME" if row["stopped_at"] and row["stopped_at"] <= at else "RUNNING"


def clock_document(row: Mapping[str, Any], at: datetime) -> dict[str, Any]:
    """A clock as a case shows it."""
    names = ("clock_id", "clock", "round", "unit", "started_at", "due_at", "yellow_at", "stopped_at", "provisional")
    return {name: row[name] for name in names} | {
        "lamp": lamp_of(row, at),
        "verdict": verdict_of(row, at),
        "confirmed": row["breach_recorded_at"] is not None,
    }


@router.get("/overdue", summary="超期看板 / what is overdue, or in the lamp asked for")
async def list_overdue(
    running: Running,
    person: Calling,
    *,
    clock: Clock = "handling",
    unit: Code = None,
    lamp: LampCode | None = None,
    grid: Code = None,
    class_code: Code = None,
    confirmed: bool | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[str | None, Query(max_length=400)] = None,
    min_position: MinPosition = None,
) -> JSONResponse:
    """Running clocks past their due instant, longest overdue first; `confirmed` once every fact up to it is known."""
    after = decode_cursor(cursor, datetime.fromisoformat, UUID, str)
    async with running.pool.acquire() as conn:
        await wait_for_position(conn, min_position)
        fresh = await as_of(conn, SHOWN, running.settings.stale_after_seconds)
        at = max(person.now, fresh.at)
        where = Conditions(["c.stopped_at is null", "not c.exempt"])
        where.equal(clock=clock, unit=unit, grid=grid, class_code=class_code)
        where.visible(person)
        now = where.bind(at)
        where.texts.append(IN_LAMP[lamp].format(at=now) if lamp else f"c.due_at < {now}")
        if confirmed is not None:
            where.texts.append(f"c.breach_recorded_at is {'not ' if confirmed else ''}null")
        total = await conn.fetchval(f"select count(*) from clock c where {where}", *where.values)  # noqa: S608
        rows = await _page(conn, where, after, limit)
    page = rows[:limit]
    last = page[-1] if len(rows) > limit else None
    following = encode_cursor(last["due_at"].isoformat(), last["case_id"], last["clock_id"]) if last else None
    items = [overdue_item(row, at) for row in page]
    document = {"items": items, "total": total, "next_cursor": following, "at": at, **fresh.document()}
    return JSONResponse(orjson.loads(orjson.dumps(document)))


async def _page(conn: Connection, where: Conditions, after: list[Any] | None, limit: int) -> list[Any]:
    where.begin_after("c.due_at, c.case_id, c.clock_id", after)
    # The page first, its cases afterwards: a join below the limit would read every case.
    rows: list[Any] = await conn.fetch(
        f"select p.*, v.doc from (select {COLUMNS} from clock c where {where}"  # noqa: S608 - values are bound
        f" order by c.due_at, c.case_id, c.clock_id limit {limit + 1}) p"
        " join case_view v on v.case_id = p.case_id::uuid order by p.due_at, p.case_id, p.clock_id",
        *where.values,
    )
    return rows


def overdue_item(row: Mapping[str, Any], at: datetime) -> dict[str, Any]:
    """One row: who is responsible, what happened last, how late it is, and whether that is certain."""
    case = orjson.loads(row["doc"])
    late = (at - row["due_at"]).total_seconds()
    names = ("case_id", "clock_id", "clock", "round", "unit", "grid", "class_code", "urgency", "started_at", "due_at")
    return {name: row[name] for name in names} | {
        "state": case["state"],
        "handler": case["handler"],
        "supervision_level": case["supervision_level"],
        "last_step": {"type": case["last_step"], "at": case["last_step_at"]},
        "lamp": lamp_of(row, at),
        "overdue_seconds": max(int(late), 0),
        "confirmed": row["breach_recorded_at"] is not None,
        "provisional": row["provisional"],
    }


@router.get("/verdicts", summary="时限判定 / the verdict of every clock at one instant")
async def list_verdicts(
    running: Running,
    person: Calling,
    *,
    clock: Clock = "handling",
    at: Instant | None = None,
    verdict: Verdict | None = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
    cursor: Annotated[str | None, Query(max_length=400)] = None,
    min_position: MinPosition = None,
) -> JSONResponse:
    """Judged by the fold at `at` (default: now); `confirmed` says that the breach itself is recorded in the log."""
    after = decode_cursor(cursor, UUID, str)
    async with running.pool.acquire() as conn:
        await wait_for_position(conn, min_position)
        fresh = await as_of(conn, SHOWN, running.settings.stale_after_seconds)
        judged = at or max(person.now, fresh.at)
        where = Conditions()
        where.equal(clock=clock)
        where.visible(person)
        now = where.bind(judged)
        where.texts.append(f"c.started_at <= {now}")
        if verdict:
            where.texts.append(f"{VERDICT.format(at=now)} = {where.bind(verdict)}")
        total = await conn.fetchval(f"select count(*) from clock c where {where}", *where.values)  # noqa: S608
        where.begin_after("c.case_id, c.clock_id", after)
        rows = await conn.fetch(
            f"select {COLUMNS} from clock c where {where} order by c.case_id, c.clock_id limit {limit + 1}",  # noqa: S608
            *where.values,
        )
    page = rows[:limit]
    following = encode_cursor(page[-1]["case_id"], page[-1]["clock_id"]) if len(rows) > limit else None
    items = [{"case_id": row["case_id"], **clock_document(row, judged)} for row in page]
    document = {"items": items, "total": total, "next_cursor": following, "at": judged, **fresh.document()}
    return JSONResponse(orjson.loads(orjson.dumps(document)))
