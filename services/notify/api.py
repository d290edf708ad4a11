"""HTTP of notify: the ledger of messages. Reading only; messages follow from events."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse

from libs.service.access import sight
from libs.service.cases import CASE_ID, CaseRef, MinPosition, decode_cursor, encode_cursor, show_case
from libs.service.freshness import as_of, wait_for_position
from libs.service.http import Calling, Running

router = APIRouter(tags=["告知 notify"])

LISTED = ("/xunban/intake", "/xunban/routing", "/xunban/supervision", "/xunban/notify")

WANTED = """
  from message m join case_view c using (case_id)
 where ($1 or c.unit = any($2) or c.grid = any($3) or c.doc ->> 'verifier' = $4)
   and ($5::uuid is null or m.case_id = $5) and ($6::text is null or m.recipient = $6)
   and ($7::text is null or m.state = $7)
"""
PAGE = f"""
select m.* {WANTED} and ($8::timestamptz is null or (m.due_at, m.message_id) > ($8, $9))
 order by m.due_at, m.message_id limit $10
"""
OF_CASE = "select * from message where case_id = $1 order by due_at, message_id"
DUES = "select clock, due_at from due where case_id = $1 and due_at is not null order by due_at"


@router.get("/messages", summary="告知台账 / messages and what became of them")
async def list_messages(  # noqa: PLR0917 - FastAPI passes them by name
    running: Running,
    person: Calling,
    case_id: Annotated[str | None, Query(pattern=CASE_ID)] = None,
    recipient: Annotated[str | None, Query(max_length=80, examples=["person:fang-yun"])] = None,
    state: Literal["DUE", "FAILED", "SENT", "DROPPED"] | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[str | None, Query(max_length=300)] = None,
    min_position: MinPosition = None,
) -> JSONResponse:
    """Of the cases that the caller may see, oldest first; counted."""
    seen = sight(person.actor, person.directory)
    due_at, message_id = decode_cursor(cursor, datetime.fromisoformat, str) or (None, None)
    wanted = (
        *(seen.everything, list(seen.units), list(seen.grids), seen.verifier),
        *(case_id, recipient, state),
    )
    async with running.pool.acquire() as conn:
        await wait_for_position(conn, min_position)
        fresh = await as_of(conn, LISTED, running.settings.stale_after_seconds)
        count = await conn.fetchval(f"select count(*) {WANTED}", *wanted)
        rows = await conn.fetch(PAGE, *wanted, due_at, message_id, limit + 1)
    last = rows[limit - 1] if len(rows) > limit else None
    following = encode_cursor(last["due_at"], last["message_id"]) if last else None
    items = [item(row) for row in rows[:limit]]
    return JSONResponse({"items": items, "count": count, "next_cursor": following, **fresh.document()})


@router.get("/cases/{case_id}", summary="案件的告知情况 / a case and everybody who was told of it")
async def read_case(
    case_id: CaseRef, running: Running, person: Calling, min_position: MinPosition = None
) -> JSONResponse:
    """The case, its running clocks, and its messages in order."""
    async with running.pool.acquire() as conn:
        shown = await show_case(running, conn, person, case_id, sources=LISTED, position=min_position)
        rows = await conn.fetch(OF_CASE, case_id)
        dues = await conn.fetch(DUES, case_id)
    due = {row["clock"]: row["due_at"] for row in dues}
    return shown.answer({"messages": [item(row) for row in rows], "due": due, "allowed_actions": []})


def item(row: Any) -> dict[str, Any]:
    """One message: which event, to whom, and its fate. Never its text."""
    names = ("message_id", "event_type", "template", "recipient", "channel", "state", "reason", "attempts", "receipt")
    instants = {name: row[name] and row[name].isoformat() for name in ("due_at", "sent_at")}
    return {
        "case_id": str(row["case_id"]),
        "event_id": str(row["event_id"]),
        **{name: row[name] for name in names},
        **instants,
    }
