"""The board: what is overdue, and what is about to be. Reading only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import orjson
from fastapi import APIRouter, Depends, Query
from fastapi.responses import Response

from libs.case.lamp import Lamp, lamp_of
from libs.directory.rules.naming import Naming
from libs.service.http.answers import DocumentAnswer
from libs.service.http.cases import decode_cursor, encode_cursor
from libs.service.http.csv_stream import AsCsv, Column, Wanted, csv_answer
from libs.service.http.dependencies import CallerDep, Person, RuntimeDep
from libs.service.http.freshness import wait_for_position
from libs.service.http.shapes import listed
from libs.service.runtime import Runtime
from services.supervision.api.answers import Board
from services.supervision.api.clock_query import COLUMNS, IN_LAMP, ClockFilter, Conditions, get_filter, moment

router = APIRouter(tags=["督办 supervision"])

Turn = Literal["due_at", "yellow_at"]
"""The instant that a list is ordered by: the next one at which the lamp turns."""
FilterDep = Annotated[ClockFilter, Depends(get_filter)]
ROW = """
select c.*, v.state, v.handler, v.last_step, v.last_step_at, v.co_units from ({rows}) c
  left join lateral (select * from case_past p where p.case_id = c.case_id{known}
                      order by p.known_from desc limit 1) v on true
"""
# The page first, from the index alone; its rows and cases afterwards.
PAGE = f"""
select {COLUMNS} from (select c.case_id, c.clock_id {{found}} {{order}} limit {{limit}}) k
  join clock c on c.case_id = k.case_id and c.clock_id = k.clock_id
"""  # noqa: S608 - our own names
CSV_COLUMNS = (
    Column("case_id", "案件编号"),
    Column("clock", "时限"),
    Column("round", "轮次"),
    Column("unit", "单位编号"),
    Column("unit_name", "责任单位"),
    Column("co_units", "协办单位"),
    Column("grid", "网格"),
    Column("class_code", "事项类别"),
    Column("urgency", "紧急程度"),
    Column("state", "状态"),
    Column("handler", "经办人"),
    Column("supervision_level", "督办级别"),
    Column("last_step.type", "最近节点"),
    Column("last_step.at", "最近节点时间"),
    Column("started_at", "开始时间"),
    Column("due_at", "到期时间"),
    Column("lamp", "灯"),
    Column("overdue_seconds", "超期秒数"),
    Column("remaining_seconds", "剩余秒数"),
    Column("confirmed", "已确认"),
    Column("provisional", "暂定日历"),
)


@dataclass(frozen=True)
class Page:
    """How much of a list is wanted, and from where; or the whole of it as CSV."""

    limit: int
    cursor: str | None
    csv: bool


async def get_page(
    csv: AsCsv,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[str | None, Query(max_length=400)] = None,
) -> Page:
    """The parameters of a page."""
    return Page(limit, cursor, csv)


Paging = Annotated[Page, Depends(get_page)]


@router.get("/overdue", summary="超期看板 / what is overdue, or in the lamp asked for", responses=listed(Board))
async def list_overdue(
    running: RuntimeDep,
    person: CallerDep,
    asked: FilterDep,
    page: Paging,
    *,
    lamp: Lamp | None = None,
    confirmed: bool | None = None,
) -> Response:
    """Running clocks past their due instant, longest overdue first; `confirmed` once every fact up to it is known.

    Green ones by the instant at which they turn yellow. `total` is exact unless `total_exact` says that it only is as
    many at least.
    """
    wanted = [IN_LAMP[lamp] if lamp else "c.due_at < {at}"]
    if confirmed is not None:
        wanted.append(f"c.breach_recorded_at is {'not ' if confirmed else ''}null")
    by: Turn = "yellow_at" if lamp == "GREEN" else "due_at"
    return await answer_board(running, person, asked, page, name="overdue", wanted=wanted, by=by)


@router.get("/due-soon", summary="即将超期 / what is about to be overdue", responses=listed(Board))
async def list_due_soon(
    running: RuntimeDep,
    person: CallerDep,
    asked: FilterDep,
    page: Paging,
    *,
    within: Annotated[
        str | None,
        Query(pattern=r"^[1-9]\d{0,3}[hd]$", description="几小时或几天内 / due within hours or days", examples=["24h"]),
    ] = None,
) -> Response:
    """Running clocks that are due next: those whose lamp is yellow, or whatever is due `within` some hours or days."""
    wanted = [IN_LAMP["YELLOW"]]
    if within:
        hours = int(within[:-1]) * (24 if within.endswith("d") else 1)
        wanted = ["c.due_at >= {at}", f"c.due_at <= {{at}} + interval '{hours} hours'"]
    return await answer_board(running, person, asked, page, name="due-soon", wanted=wanted)


async def answer_board(
    running: Runtime,
    person: Person,
    asked: ClockFilter,
    page: Page,
    *,
    name: str,
    wanted: list[str],
    by: Turn = "due_at",
) -> Response:
    """Clocks that run and are as `wanted`, what turns first first: a page of them, or all as CSV."""
    after = decode_cursor(page.cursor, datetime.fromisoformat, UUID, str)
    naming = Naming(person.directory)
    await wait_for_position(running, asked.min_position)
    async with running.pool.acquire() as conn:
        when = await moment(conn, running, person, asked)
        where = Conditions.of(asked, person, when)
        for text in wanted:
            where.add(text)
        if page.csv:
            all_rows = Wanted(statement(where, by), tuple(where.values), lambda row: board_item(row, when.at, naming))
            return csv_answer(running.pool, name, CSV_COLUMNS, all_rows, person=person, fresh=when.fresh)
        total, exact = await where.count(conn)
        where.begin_after(f"c.{by}, c.case_id, c.clock_id", after)
        rows = await conn.fetch(statement(where, by, page.limit + 1), *where.values)
    last = rows[page.limit - 1] if len(rows) > page.limit else None
    following = encode_cursor(last[by].isoformat(), str(last["case_id"]), last["clock_id"]) if last else None
    items = [board_item(row, when.at, naming) for row in rows[: page.limit]]
    counted = {"total": total, "total_exact": exact}
    document = {"items": items, **counted, "next_cursor": following, **when.document()}
    return DocumentAnswer(document)


def statement(where: Conditions, by: Turn, limit: int | None = None) -> str:
    """The rows of the board; all of them where no limit is given."""
    order = f"order by c.{by}, c.case_id, c.clock_id"
    if limit and where.known_at is None:
        rows = PAGE.format(found=where.found, order=order, limit=limit)
    else:
        rows = f"select {COLUMNS} {where.found} {order} {f'limit {limit}' if limit else ''}"
    known = f" and p.known_from <= {where.known_at}" if where.known_at else ""
    return ROW.format(rows=rows, known=known) + order


def board_item(row: Mapping[str, Any], at: datetime, naming: Naming) -> dict[str, Any]:
    """One row: who is responsible, what happened last, how late it is, and whether that is certain."""
    left = int((row["due_at"] - at).total_seconds())
    names = ("clock_id", "clock", "round", "unit", "grid", "class_code", "urgency", "started_at", "due_at")
    shown = ("state", "handler", "supervision_level", "provisional", "imported")
    return {
        "case_id": str(row["case_id"]),
        **{name: row[name] for name in names},
        "unit_name": naming.unit(row["unit"]).zh if row["unit"] else None,
        **{name: row[name] for name in shown},
        "co_units": orjson.loads(row["co_units"] or "[]"),
        "last_step": {"type": row["last_step"], "at": row["last_step_at"]},
        "lamp": lamp_of(row, at),
        "overdue_seconds": max(-left, 0),
        "remaining_seconds": max(left, 0),
        "confirmed": row["breach_recorded_at"] is not None,
    }
