"""The verdict of every clock at one instant. Reading only."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from fastapi.responses import Response

from libs.service.http.answers import DocumentAnswer
from libs.service.http.cases import decode_cursor, encode_cursor
from libs.service.http.csv_stream import AsCsv, Column, Wanted, csv_answer
from libs.service.http.dependencies import CallerDep, RuntimeDep
from libs.service.http.freshness import wait_for_position
from libs.service.http.headers import Instant
from libs.service.http.shapes import listed
from services.supervision.api.answers import Verdicts
from services.supervision.api.clock_columns import Verdict, clock_document
from services.supervision.api.clock_query import COLUMNS, ClockFilter, Conditions, get_filter, moment

router = APIRouter(tags=["督办 supervision"])

VERDICT = """case when c.breach_at < {at} then 'OVERDUE' when c.exempt then 'EXEMPT'
             when c.stopped_at <= {at} then 'ON_TIME' else 'RUNNING' end"""
CSV_COLUMNS = (
    Column("case_id", "案件编号"),
    Column("clock", "时限"),
    Column("round", "轮次"),
    Column("unit", "单位编号"),
    Column("started_at", "开始时间"),
    Column("due_at", "到期时间"),
    Column("stopped_at", "停止时间"),
    Column("lamp", "灯"),
    Column("verdict", "判定"),
    Column("confirmed", "已确认"),
    Column("provisional", "暂定日历"),
    Column("imported", "导入"),
)


@router.get("/verdicts", summary="时限判定 / the verdict of every clock at one instant", responses=listed(Verdicts))
async def list_verdicts(
    running: RuntimeDep,
    person: CallerDep,
    asked: Annotated[ClockFilter, Depends(get_filter)],
    csv: AsCsv,
    *,
    at: Instant | None = None,
    verdict: Verdict | None = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
    cursor: Annotated[str | None, Query(max_length=400)] = None,
) -> Response:
    """Judged by the fold at `at` (default: now); `confirmed` says that the breach itself is recorded in the log.

    `at` judges by all that is known; with `as_of` only the facts recorded up to that instant count.
    """
    after = decode_cursor(cursor, UUID, str)
    await wait_for_position(running, asked.min_position)
    async with running.pool.acquire() as conn:
        when = await moment(conn, running, person, asked)
        judged = at or when.at
        where = Conditions.of(asked, person, when, running=False)
        now = where.bind(judged)
        where.texts.append(f"c.started_at <= {now}")
        if verdict:
            where.texts.append(f"{VERDICT.format(at=now)} = {where.bind(verdict)}")
        rows_in_order = f"select {COLUMNS} {{found}} order by c.case_id, c.clock_id"
        if csv:
            everything = Wanted(
                rows_in_order.format(found=where.found), tuple(where.values), lambda row: verdict_item(row, judged)
            )
            return csv_answer(running.pool, "verdicts", CSV_COLUMNS, everything, person=person, fresh=when.fresh)
        total = await conn.fetchval(f"select count(*) {where.found}", *where.values)
        where.begin_after("c.case_id, c.clock_id", after)
        rows = await conn.fetch(f"{rows_in_order.format(found=where.found)} limit {limit + 1}", *where.values)
    last = rows[limit - 1] if len(rows) > limit else None
    following = encode_cursor(str(last["case_id"]), last["clock_id"]) if last else None
    items = [verdict_item(row, judged) for row in rows[:limit]]
    document = {"items": items, "total": total, "next_cursor": following, **when.document(), "at": judged}
    return DocumentAnswer(document)


def verdict_item(row: Mapping[str, Any], judged: datetime) -> dict[str, Any]:
    """One clock and its verdict."""
    return {"case_id": str(row["case_id"]), **clock_document(row, judged)}
