"""The dispatcher's queue: what waits for dispatch, which units were tried, and why each was skipped. Reading only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import orjson
from fastapi import APIRouter
from fastapi.responses import Response

from libs.case.access import sight
from libs.case.lamp import lamp_of
from libs.events.errors import Forbidden
from libs.log.store.event_store import Connection
from libs.service.http.answers import DocumentAnswer
from libs.service.http.cases import MinPosition, decode_cursor, encode_cursor
from libs.service.http.csv_stream import AsCsv, Column, Wanted, csv_answer
from libs.service.http.dependencies import CallerDep, RuntimeDep
from libs.service.http.freshness import as_of, wait_for_position
from libs.service.http.shapes import listed
from services.routing.api.answers import Queue
from services.routing.api.clock_columns import reasons, text_or_none
from services.routing.api.lists import LISTED, Cursor, Limit
from services.routing.readmodel.holdings import ALL_UNITS
from services.routing.readmodel.tables import WAITING

router = APIRouter(tags=["派遣·办理 routing"])

State = Literal["REGISTERED", "ARBITRATION"]
ROUTED, UNROUTED, DISPUTED = "queue routed", "queue unrouted", "queue disputed"
COUNTED: Mapping[State | None, tuple[str, ...]] = {
    None: (ROUTED, UNROUTED, DISPUTED),
    "REGISTERED": (ROUTED, UNROUTED),
    "ARBITRATION": (DISPUTED,),
}
NOBODY_FOUND = "proposed is null and dispatch is not null"
WHERE: Mapping[str, str] = {
    ROUTED: f"state = 'REGISTERED' and not ({NOBODY_FOUND})",
    UNROUTED: f"state = 'REGISTERED' and {NOBODY_FOUND}",
    DISPUTED: "state = 'ARBITRATION' and unit is null",
}
IN_STATE: Mapping[State | None, str] = {
    None: f"({WAITING})",
    "REGISTERED": "state = 'REGISTERED'",
    "ARBITRATION": WHERE[DISPUTED],
}
PAGE = """
select w.*, d.decision_due_at, d.parties, d.because from (
  select * from work_order where {where}
     and ($1::uuid is null or (urgency, registered_at, case_id) > ($2, $3::timestamptz, $1))
   order by urgency, registered_at, case_id limit $4
) w left join dispute d using (case_id) order by urgency, registered_at, case_id
"""

CSV_COLUMNS = (
    Column("case_id", "案件编号"),
    Column("state", "状态"),
    Column("kind", "诉求类型"),
    Column("class_code", "事项类别"),
    Column("urgency", "紧急程度"),
    Column("grid", "网格"),
    Column("registered_at", "立案时间"),
    Column("dispatch_due_at", "派遣到期"),
    Column("lamp", "灯"),
    Column("proposed", "建议单位编号"),
    Column("unrouted", "没有规则适用"),
    Column("imported", "导入"),
    Column("arbitration.because", "裁定原因"),
    Column("arbitration.parties", "争议单位编号"),
)


@router.get(
    "/queue",
    summary="待派、待裁案件 / cases that wait for dispatch, or for a ruling before anybody has them",
    responses=listed(Queue),
)
async def queue(
    running: RuntimeDep,
    person: CallerDep,
    csv: AsCsv,
    *,
    unrouted: bool | None = None,
    state: State | None = None,
    limit: Limit = 50,
    cursor: Cursor = None,
    min_position: MinPosition = None,
) -> Response:
    """The most urgent and oldest first; `unrouted=true`: only those for which the rules found no unit.

    `state=ARBITRATION`: disputed before any unit had the case; what a unit has meanwhile stands in its work list.
    """
    urgency, registered_at, case_id = decode_cursor(cursor, str, datetime.fromisoformat, UUID) or (None, None, None)
    if not sight(person.actor, person.directory, person.now).everything:
        raise Forbidden(allowed=["DISPATCHER"])
    await wait_for_position(running, min_position)
    async with running.pool.acquire() as conn:
        fresh = await as_of(conn, LISTED, running.settings.stale_after_seconds)
        part = None if unrouted is None else UNROUTED if unrouted else ROUTED
        page = PAGE.format(where=WHERE[part] if part else IN_STATE[state])
        if csv:
            everything = Wanted(page, (None,) * 4, lambda row: csv_item(row, fresh.at))
            return csv_answer(running.pool, "queue", CSV_COLUMNS, everything, person=person, fresh=fresh)
        count = await waiting(conn, (part,) if part else COUNTED[state])
        rows = await conn.fetch(page, case_id, urgency, registered_at, limit + 1)
    items = [queue_item(row, fresh.at) for row in rows[:limit]]
    last = rows[limit - 1] if len(rows) > limit else None
    following = None
    if last:
        following = encode_cursor(last["urgency"], last["registered_at"].isoformat(), str(last["case_id"]))
    return DocumentAnswer({"items": items, "count": count, "next_cursor": following, **fresh.document()})


async def waiting(conn: Connection, parts: Sequence[str]) -> int:
    """How many cases wait in these parts of the queue."""
    rows = await conn.fetch("select counts from unit_lane where unit = $1", ALL_UNITS)
    return sum(orjson.loads(row["counts"]).get(part, 0) for row in rows for part in parts)


def queue_item(row: Any, at: datetime) -> dict[str, Any]:
    """One case that waits for its dispatch, or for the ruling that comes in its place."""
    names = ("state", "kind", "class_code", "urgency", "grid", "proposed", "dispatch", "imported")
    disputed = row["state"] == "ARBITRATION"
    return {
        "case_id": str(row["case_id"]),
        **{name: row[name] for name in names},
        "unrouted": row["proposed"] is None and row["dispatch"] is not None and not disputed,
        "registered_at": text_or_none(row["registered_at"]),
        "dispatch_due_at": text_or_none(row["dispatch_due_at"]),
        "arbitration": dispute(row) if disputed else None,
        "lamp": None if disputed else lamp_of(row, at, "dispatch_"),
        "candidates": candidates(row),
        **reasons(row),
    }


def csv_item(row: Any, at: datetime) -> dict[str, Any]:
    """The same with instants as instants, which a spreadsheet shows in civil time."""
    return queue_item(row, at) | {name: row[name] for name in ("registered_at", "dispatch_due_at")}


def dispute(row: Any) -> dict[str, Any]:
    """Between whom, why, and until when the arbiter has time."""
    parties = orjson.loads(row["parties"] or "[]")
    return {"parties": parties, "because": row["because"], "due_at": text_or_none(row["decision_due_at"])}


def candidates(row: Any) -> list[dict[str, Any]]:
    """The units that the rules named, in the order in which they were tried, each with why it was skipped or not."""
    why = {skipped["unit"]: skipped for skipped in orjson.loads(row["rejected"])}
    return [
        {"unit": unit, "proposed": unit == row["proposed"], "rejected": why.get(unit)}
        for unit in orjson.loads(row["candidates"])
    ]
