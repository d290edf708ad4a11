"""Lists of work orders: a department's work, the dispatcher's queue. Reading only."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import orjson
from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse

from libs.events.errors import Forbidden
from libs.events.lifecycle import TERMINAL
from libs.service.access import SEES_UNIT, Sight, sight
from libs.service.cases import MinPosition, decode_cursor, encode_cursor
from libs.service.freshness import as_of, wait_for_position
from libs.service.http import Calling, Person, Running
from services.routing.work_order import NotYourUnit

router = APIRouter(tags=["派遣·办理 routing"])

LISTED = ("/xunban/intake", "/xunban/routing", "/xunban/supervision")
Lamp = Literal["GREEN", "YELLOW", "RED", "LONG_RED"]
Limit = Annotated[int, Query(ge=1, le=200)]
Cursor = Annotated[str | None, Query(max_length=300)]

SEEN = "($1 or unit = any($2) or grid = any($3))"
WORK = f"""
  from work_order where {SEEN} and unit is not null and ($4::text is null or unit = $4)
   and case when $5::text is null then state <> all($6) else state = $5 end
"""
WORK_PAGE = f"""
select * {WORK}
   and ($7::uuid is null or (coalesce(due_at, 'infinity'), case_id) > (coalesce($8::timestamptz, 'infinity'), $7))
 order by coalesce(due_at, 'infinity'), case_id limit $9
"""
QUEUE_PAGE = """
select * from work_order where state = 'REGISTERED'
   and ($1::uuid is null or (urgency, registered_at, case_id) > ($2, $3::timestamptz, $1))
 order by urgency, registered_at, case_id limit $4
"""


@router.get("/work", summary="部门工单 / a department's work orders, by due time")
async def work(  # noqa: PLR0917 - FastAPI passes them by name
    running: Running,
    person: Calling,
    unit: Annotated[str | None, Query(max_length=64)] = None,
    state: Annotated[str | None, Query(max_length=20)] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
    min_position: MinPosition = None,
) -> JSONResponse:
    """Open orders, or those in one state; a department sees its own."""
    due_at, case_id = decode_cursor(cursor, instant_or_none, UUID) or (None, None)
    seen = own_sight(person, unit)
    wanted = (seen.everything, list(seen.units), list(seen.grids), unit, state, sorted(TERMINAL))
    async with running.pool.acquire() as conn:
        await wait_for_position(conn, min_position)
        fresh = await as_of(conn, LISTED, running.settings.stale_after_seconds)
        count = await conn.fetchval(f"select count(*) {WORK}", *wanted)
        rows = await conn.fetch(WORK_PAGE, *wanted, case_id, due_at, limit + 1)
    items = [order_item(row, fresh.at) for row in rows[:limit]]
    last = rows[limit - 1] if len(rows) > limit else None
    following = encode_cursor(last["due_at"], str(last["case_id"])) if last else None
    return JSONResponse({"items": items, "count": count, "next_cursor": following, **fresh.document()})


@router.get("/queue", summary="待派案件 / registered cases that wait for dispatch")
async def queue(
    running: Running, person: Calling, limit: Limit = 50, cursor: Cursor = None, min_position: MinPosition = None
) -> JSONResponse:
    """The proposal, why, and why the other candidates were skipped; the most urgent and oldest first."""
    urgency, registered_at, case_id = decode_cursor(cursor, str, instant_or_none, UUID) or (None, None, None)
    if not sight(person.actor, person.directory).everything:
        raise Forbidden(allowed=["DISPATCHER"])
    async with running.pool.acquire() as conn:
        await wait_for_position(conn, min_position)
        fresh = await as_of(conn, LISTED, running.settings.stale_after_seconds)
        count = await conn.fetchval("select count(*) from work_order where state = 'REGISTERED'")
        rows = await conn.fetch(QUEUE_PAGE, case_id, urgency, registered_at, limit + 1)
    items = [queue_item(row) for row in rows[:limit]]
    last = rows[limit - 1] if len(rows) > limit else None
    following = encode_cursor(last["urgency"], last["registered_at"], str(last["case_id"])) if last else None
    return JSONResponse({"items": items, "count": count, "next_cursor": following, **fresh.document()})


def own_sight(person: Person, unit: str | None) -> Sight:
    """What the caller may list; raises `NotYourUnit` where a department asks for another one's work."""
    if person.actor.role in SEES_UNIT and unit not in (None, person.actor.unit):
        raise NotYourUnit()
    return sight(person.actor, person.directory)


def instant_or_none(text: Any) -> datetime | None:
    """A part of a sort key that may be missing."""
    return None if text is None else datetime.fromisoformat(text)


def lamp(row: Any, at: datetime) -> Lamp | None:
    """红黄绿灯 of the work clock at an instant, or at its stop (domain.md f.1); None without a clock."""
    if row["due_at"] is None:
        return None
    until = min(row["stopped_at"] or at, at)
    if row["long_red_at"] and until > row["long_red_at"]:
        return "LONG_RED"
    if until > row["due_at"]:
        return "RED"
    return "YELLOW" if row["yellow_at"] and until >= row["yellow_at"] else "GREEN"


def order_item(row: Any, at: datetime) -> dict[str, Any]:
    """One line of the work list; nothing personal in it."""
    names = ("state", "unit", "kind", "class_code", "urgency", "grid", "handler", "round", "dual_hat")
    return {
        "case_id": str(row["case_id"]),
        **{name: row[name] for name in names},
        "lead": True,
        "lamp": lamp(row, at),
        "signed": row["signed_at"] is not None,
        "deemed_signed": row["deemed_signed"],
        **due_times(row),
    }


def due_times(row: Any) -> dict[str, Any]:
    """When what is due, as supervision's clocks say; null where there is no clock."""
    names = ("dispatched_at", "signed_at", "sign_due_at", "due_at", "yellow_at", "stopped_at", "overall_due_at")
    return {name: _text(row[name]) for name in names} | {"provisional": row["provisional"]}


def queue_item(row: Any) -> dict[str, Any]:
    """One case that waits for dispatch."""
    names = ("kind", "class_code", "urgency", "grid", "proposed", "dispatch")
    return {
        "case_id": str(row["case_id"]),
        **{name: row[name] for name in names},
        "registered_at": _text(row["registered_at"]),
        "dispatch_due_at": _text(row["dispatch_due_at"]),
        **reasons(row),
    }


def reasons(row: Any) -> dict[str, Any]:
    """Why the case goes where it goes, and why not elsewhere."""
    return {"rule_chain": orjson.loads(row["chain"]), "rejected": orjson.loads(row["rejected"])}


def _text(at: datetime | None) -> str | None:
    return at.isoformat() if at else None
