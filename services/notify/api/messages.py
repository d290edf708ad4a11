"""HTTP of notify: the ledger of messages, and the one command: to have an undelivered one sent again."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query
from fastapi.responses import JSONResponse, Response

from libs.case.access import sight
from libs.events.errors import NotFound
from libs.events.ids import MessageId
from libs.log.store.event_store import Connection
from libs.log.watermarks.watermark import SOURCES
from libs.service.http.answers import answer
from libs.service.http.cases import CASE_ID, CaseRef, MinPosition, carry_out, decode_cursor, encode_cursor, show_case
from libs.service.http.csv_stream import AsCsv, Column, Wanted, csv_answer
from libs.service.http.dependencies import CallerDep, CommandDep, Person, RuntimeDep
from libs.service.http.freshness import as_of, wait_for_position
from libs.service.http.shapes import ETAG, Done, listed, told
from libs.service.runtime import Runtime
from services.notify.api.answers import Messages, NotifyCase
from services.notify.domain.allowed_actions import allowed
from services.notify.domain.fates import UNTOLD
from services.notify.domain.resending import RequeueMessage
from services.notify.readmodel.tables import tells_of

router = APIRouter(tags=["告知 notify"])

LISTED = SOURCES

WANTED = """
  from message m left join case_view c using (case_id)
 where ($1 or c.unit = any($2) or c.grid = any($3) or c.doc ->> 'verifier' = $4)
   and ($5::uuid is null or m.case_id = $5) and ($6::text is null or m.recipient = $6)
   and ($7::text is null or m.state = $7) and ($8::text is null or m.reason = $8)
"""
NOBODY_TOLD = """
  from message m left join case_view c using (case_id)
 where ($1 or c.unit = any($2) or c.grid = any($3) or c.doc ->> 'verifier' = $4)
   and m.state = 'DROPPED' and m.reason = any($5)
   and not exists (select 1 from message o where o.case_id = m.case_id and o.event_id = m.event_id
                      and (o.state <> 'DROPPED' or o.reason = 'COVERED'))
"""
CSV_COLUMNS = (
    Column("case_id", "案件编号"),
    Column("template", "告知事项"),
    Column("recipient", "告知对象"),
    Column("channel", "渠道"),
    Column("state", "结果"),
    Column("reason", "原因"),
    Column("attempts", "已试次数"),
    Column("due_at", "应告知时间"),
    Column("sent_at", "送达时间"),
    Column("late", "迟到"),
    Column("message_id", "告知编号"),
)
OF_CASE = "select * from message where case_id = $1 order by due_at, message_id"
DUES = "select clock, due_at from due where case_id = $1 and due_at is not null order by due_at"


@router.get("/messages", summary="告知台账 / messages and what became of them", responses=listed(Messages))
async def list_messages(  # noqa: PLR0917 - FastAPI passes them by name
    running: RuntimeDep,
    person: CallerDep,
    csv: AsCsv,
    case_id: Annotated[str | None, Query(pattern=CASE_ID)] = None,
    recipient: Annotated[str | None, Query(max_length=80, examples=["person:fang-yun"])] = None,
    state: Literal["DUE", "FAILED", "SENT", "DROPPED"] | None = None,
    reason: Annotated[str | None, Query(max_length=40, examples=["UNDELIVERABLE"])] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[str | None, Query(max_length=300)] = None,
    min_position: MinPosition = None,
) -> Response:
    """Of the cases that the caller may see, oldest first; counted."""
    await wait_for_position(running, min_position)
    async with running.pool.acquire() as conn:
        query = (WANTED, case_id, recipient, state, reason)
        return await _page(running, conn, person, query, (limit, cursor), file="messages" if csv else None)


@router.get(
    "/untold",
    summary="无人知悉 / events of which nobody was told though somebody should have been",
    responses=listed(Messages),
)
async def list_untold(
    running: RuntimeDep,
    person: CallerDep,
    csv: AsCsv,
    *,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[str | None, Query(max_length=300)] = None,
    min_position: MinPosition = None,
) -> Response:
    """Of the cases that the caller may see: the post that nobody holds, the address that is missing, the last try that
    failed – where nobody else was told of the same event either; oldest first, counted."""
    await wait_for_position(running, min_position)
    async with running.pool.acquire() as conn:
        query = (NOBODY_TOLD, sorted(UNTOLD))
        return await _page(running, conn, person, query, (limit, cursor), file="untold" if csv else None)


async def _page(
    running: Runtime,
    conn: Connection,
    person: Person,
    query: tuple[Any, ...],
    page: tuple[int, str | None],
    *,
    file: str | None,
) -> Response:
    """One page of messages, or all of them as `file`.csv; `query` is what is wanted and its values, after the four of
    the caller's sight."""
    wanted, *values = query
    limit, cursor = page
    seen = sight(person.actor, person.directory, person.now)
    due_at, message_id = decode_cursor(cursor, datetime.fromisoformat, str) or (None, None)
    values = [seen.everything, list(seen.units), list(seen.grids), seen.verifier, *values]
    fresh = await as_of(conn, LISTED, running.settings.stale_after_seconds)
    if file:
        everything = Wanted(f"select m.* {wanted} order by m.due_at, m.message_id", values, csv_item)
        return csv_answer(running.pool, file, CSV_COLUMNS, everything, person=person, fresh=fresh)
    count = await conn.fetchval(f"select count(*) {wanted}", *values)
    n = len(values)
    rows = await conn.fetch(
        f"select m.* {wanted} and (${n + 1}::timestamptz is null or (m.due_at, m.message_id) > (${n + 1}, ${n + 2}))"
        f" order by m.due_at, m.message_id limit ${n + 3}",
        *(*values, due_at, message_id, limit + 1),
    )
    last = rows[limit - 1] if len(rows) > limit else None
    following = encode_cursor(last["due_at"], last["message_id"]) if last else None
    items = [item(row) for row in rows[:limit]]
    return JSONResponse({"items": items, "count": count, "next_cursor": following, **fresh.document()})


@router.get(
    "/cases/{case_id}",
    summary="案件的告知情况 / a case and everybody who was told of it",
    responses=told(NotifyCase, headers=ETAG),
)
async def read_case(
    case_id: CaseRef, running: RuntimeDep, person: CallerDep, min_position: MinPosition = None
) -> JSONResponse:
    """The case, its running clocks, and its messages in order."""
    await wait_for_position(running, min_position)
    async with running.pool.acquire() as conn:
        shown = await show_case(running, conn, person, case_id, sources=LISTED)
        rows = await conn.fetch(OF_CASE, case_id)
        dues = await conn.fetch(DUES, case_id)
        state, facts = await running.state_and_facts(conn, case_id)
    due = {row["clock"]: row["due_at"] for row in dues}
    dead = [row["message_id"] for row in rows if row["state"] == "DROPPED" and row["reason"] == "UNDELIVERABLE"]
    messages, offered = [item(row) for row in rows], allowed(state, person.actor, facts, person.now)
    return shown.answer({"messages": messages, "undelivered": dead, "due": due, "allowed_actions": offered})


@router.post(
    "/cases/{case_id}/messages/{message_id}/resend",
    summary="重新发送 / send an undelivered message again",
    responses=told(Done, may=(409,)),
)
async def resend(
    case_id: CaseRef,
    message_id: Annotated[str, Path(pattern=r"^[0-9a-f]{32}$", description="告知编号 / message id")],
    running: RuntimeDep,
    person: CallerDep,
    call: CommandDep,
) -> JSONResponse:
    """By a supervisor or an administrator, under the same id; refused for what was dropped for another reason."""

    async def check(conn: Connection) -> None:
        case = await running.case(conn, case_id)
        if case is None or not sight(person.actor, person.directory, person.now).sees(case):
            raise NotFound()

    def build(now: datetime) -> RequeueMessage:
        return RequeueMessage(now, person.actor, MessageId(message_id))

    return answer(await carry_out(running, case_id, call, build, check=check))


def item(row: Any) -> dict[str, Any]:
    """One message: which event, to whom, and its fate. Never its text."""
    names = (
        *("message_id", "event_type", "template", "recipient", "channel", "state", "reason", "attempts", "receipt"),
        *("digest", "late", "mass", "covered_by"),
    )
    instants = {name: row[name] and row[name].isoformat() for name in ("due_at", "send_at", "retry_at", "sent_at")}
    return {
        "about": tells_of(row),
        "case_id": str(row["case_id"]),
        "event_id": str(row["event_id"]),
        **{name: row[name] for name in names},
        **instants,
    }


def csv_item(row: Any) -> dict[str, Any]:
    """The same with instants as instants, which a spreadsheet shows in civil time."""
    return item(row) | {name: row[name] for name in ("due_at", "sent_at")}
