"""HTTP of intake: request → command → handle; query → read model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import orjson
from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse, Response

from libs.case.access import sight
from libs.case.refusals import NotInThisState
from libs.case.state import Case, State
from libs.events.decider import Actor
from libs.events.errors import Forbidden
from libs.events.event import Sealed
from libs.events.ids import ExternalId, new_id
from libs.log.store.event_store import Connection
from libs.log.watermarks.watermark import DECIDING_SOURCES
from libs.log.write.command import CommandContext
from libs.log.write.idempotency import Outcome
from libs.service.callers import MACHINE
from libs.service.http.answers import answer
from libs.service.http.cases import (
    CaseRef,
    MinPosition,
    carry_out,
    decode_cursor,
    encode_cursor,
    show_case,
)
from libs.service.http.commands import post_command
from libs.service.http.csv_stream import AsCsv, Column, Wanted, csv_answer
from libs.service.http.dependencies import CallerDep, CommandDep, Person, RuntimeDep
from libs.service.http.freshness import as_of, wait_for_position
from libs.service.http.shapes import ETAG, Done, listed, told
from libs.service.runtime import Runtime
from services.intake import config
from services.intake.api import files, numbers
from services.intake.api.answers import AddedTo, CaseList, IntakeCase, Opened
from services.intake.api.bodies import AppealBody, EraseBody, GridReportBody, RegisterBody, RejectBody, VoidBody
from services.intake.api.known_callers import Called, open_cases_of
from services.intake.api.same_matter import Again, attach
from services.intake.domain import receipts, reception
from services.intake.domain.allowed_actions import allowed
from services.intake.domain.duplicates import meant, words

router = APIRouter(tags=["受理 intake"])

LISTED = DECIDING_SOURCES
CASES = """
select case_id::text, doc from case_view
 where ($1::text is null or state = $1) and ($2 or unit = any($3) or grid = any($4))
   and ($5::text is null or case_id in (select case_id from receipt where number = $5))
   and ($6::uuid is null or case_id > $6)
 order by case_view.case_id limit $7
"""
CSV_COLUMNS = (
    Column("case_id", "案件编号"),
    Column("state", "状态"),
    Column("channel", "渠道"),
    Column("kind", "诉求类型"),
    Column("class_code", "事项类别"),
    Column("urgency", "紧急程度"),
    Column("grid", "网格"),
    Column("unit", "单位编号"),
    Column("round", "轮次"),
    Column("received_at", "受理时间"),
    Column("imported_from", "导入来源"),
)


async def opening(
    running: Runtime, wanted: str | None, number: ExternalId | None, call: CommandContext
) -> tuple[str, CommandContext]:
    """The id of a new case, and the call on it.

    Importers may choose case ids, so that the lane is known beforehand (architecture.md §5). Everybody else may name
    the id that his first attachment made. A number of another system makes the id of its case.
    """
    if not wanted and number:
        async with running.pool.acquire() as conn:
            made = await numbers.case_of(conn, call.actor, number)
        return made, replace(call, prefetched=None)
    if not wanted:
        made = new_id()
        return made, call.on_new(made)
    if not chooses_ids(call.actor):
        async with running.pool.acquire() as conn:
            if not await files.is_reserved(conn, wanted, call.actor.person):
                raise Forbidden(zh="只有导入程序可以指定案件编号", en="only importers choose case ids")
    return wanted, call


def chooses_ids(by: Actor) -> bool:
    """Importers: the id that they choose follows from mapping and number, so that a number of theirs has one case."""
    return bool(by.scopes & {"import", "clock"})


async def opened(
    body: AppealBody | GridReportBody,
    running: Runtime,
    person: Person,
    call: CommandContext,
    note: Mapping[str, Any] | None = None,
) -> Outcome:
    """The case that the report opens; its photos were sent before, and are the case's from now on."""
    number = body.external_id if isinstance(body, AppealBody) else None
    number = None if body.case_id and chooses_ids(call.actor) else number
    case_id, first = await opening(running, body.case_id, number, call)

    async def may_open(conn: Connection) -> None:
        if number:
            await numbers.take(conn, call.actor, number, case_id, person)
        if body.photos:
            await files.hold(conn, case_id, call.actor.person, body.photos, person.now)

    check = may_open if body.photos or number else None
    outcome = await carry_out(
        running,
        case_id,
        first,
        lambda now: body.command(now, call.actor),
        opens=True,
        whole=number is not None,
        check=check,
        note=note,
    )
    if body.photos and outcome.status < 400:
        await files.settle(running.pool, case_id, body.photos)
    return outcome


@router.post(
    "/appeals",
    status_code=201,
    summary="接收群众诉求 / receive an appeal",
    responses={**told(Opened, 201, may=(404, 409)), **told(AddedTo)},
)
async def submit_appeal(body: AppealBody, running: RuntimeDep, person: CallerDep, call: CommandDep) -> JSONResponse:
    """200 `attached`: the same caller on the same matter, added to his open case. 201: a case is opened.

    409 E-MATTER: his open cases there are about something else, as it seems; `same_case` or `new_case` says which.
    """
    outcome = await attached(body, running, person, call)
    if outcome is None:
        outcome = await opened(body, running, person, call, note={"attached": False})
    # Whoever knows a telephone number is not yet the caller: the receipt stays with the first contact.
    return answer(outcome) if outcome.document.get("attached") else answer(with_receipt(running, outcome), 201)


async def attached(body: AppealBody, running: Runtime, person: Person, call: CommandContext) -> Outcome | None:
    """The caller's open case takes the call, unless the caller is not known or the operator says it is another.

    Nobody hears of a case that is not shown to him, and a machine joins nothing: it has nobody whom it could ask.
    What another system numbers is a case of its own.
    Raises `MatterUnclear` where the operator is asked – but never of a request that was answered already.
    """
    reception.require_receiver(call.actor)
    if call.prefetched and (before := call.prefetched.answer(call.key, running.handler.service)):
        return before
    if body.new_case or body.case_id or body.external_id or body.photos or call.actor.role == MACHINE:
        return None
    called = Called(body.reporter_phone, body.kind, body.place.place(), body.content)
    his = await open_cases_of(running, person, called)
    now = words(body.content, config.of(running).search_key)
    case_id = meant([(one.case, one.words) for one in his], body.same_case, now)
    if case_id is None:
        return None
    try:
        return await attach(running, case_id, call, Again(body.channel, body.content))
    except NotInThisState:
        if body.same_case:
            raise
        return None  # It has ended since.


def with_receipt(running: Runtime, outcome: Outcome) -> Outcome:
    """The answer and the citizen's receipt; its secret follows from the case id, so that no stored answer holds it."""
    if outcome.status >= 400:
        return outcome
    case_id = outcome.document["case_id"]
    receipt = {
        "receipt": receipts.number_of(case_id),
        "secret": receipts.secret_of(config.of(running).receipt_key, case_id),
    }
    return replace(outcome, document=outcome.document | receipt)


@router.post(
    "/grid-reports",
    status_code=201,
    summary="网格上报 / a grid worker reports",
    responses=told(Done, 201, may=(409,)),
)
async def report_grid_event(
    body: GridReportBody, running: RuntimeDep, person: CallerDep, call: CommandDep
) -> JSONResponse:
    call.actor.must_be("GRID_WORKER")
    return answer(await opened(body, running, person, call), 201)


post_command(router, "/cases/{case_id}/register", RegisterBody, summary="立案 / register")
post_command(router, "/cases/{case_id}/void", VoidBody, summary="作废 / void")
post_command(router, "/cases/{case_id}/reject", RejectBody, summary="不予受理 / do not accept")
post_command(router, "/cases/{case_id}/erase", EraseBody, summary="清除个人信息 / erase personal data")


@router.get("/cases/{case_id}", summary="案件 / one case", responses=told(IntakeCase, headers=ETAG))
async def read_case(
    case_id: CaseRef,
    running: RuntimeDep,
    person: CallerDep,
    min_position: MinPosition = None,
) -> JSONResponse:
    await wait_for_position(running, min_position)
    async with running.pool.acquire() as conn:
        shown = await show_case(running, conn, person, case_id, sources=LISTED)
        row = await conn.fetchrow("select sealed, external_id from report where case_id = $1", case_id)
        attachments = await files.shown(conn, shown.case)
        state, facts = await running.state_and_facts(conn, case_id)
    keys = (await running.vault.keys_of(case_id)).without(shown.case.erased)
    sealed = orjson.loads(row["sealed"]) if row else {}
    # Who reported is read for a purpose only (rulebook.md c.3 #14); the matter itself is what everybody works on.
    texts = {
        name: keys.open(Sealed.model_validate(sealed[name]))
        for name in ("content", "address", "location")
        if name in sealed
    }
    external_id = row["external_id"] if row else None
    receipt = receipts.number_of(case_id) if shown.case.found == "APPEAL" else None
    own = {
        "external_id": external_id,
        "receipt": receipt,
        "attachments": attachments,
        "allowed_actions": allowed(state, person.actor, facts, person.now),
    }
    return shown.answer(texts | own)


@router.get("/cases", summary="案件列表 / cases", responses=listed(CaseList))
async def list_cases(  # noqa: PLR0917 - FastAPI passes them by name
    running: RuntimeDep,
    person: CallerDep,
    csv: AsCsv,
    state: State | None = None,
    receipt: Annotated[str | None, Query(max_length=24, description="回执号 / number of a receipt")] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[str | None, Query(max_length=300)] = None,
    min_position: MinPosition = None,
) -> Response:
    after = decode_cursor(cursor, UUID)
    number = receipts.read_number(receipt) if receipt else None
    seen = sight(person.actor, person.directory, person.now)
    wanted = (state, seen.everything, list(seen.units), list(seen.grids), number)
    await wait_for_position(running, min_position)
    async with running.pool.acquire() as conn:
        fresh = await as_of(conn, LISTED, running.settings.stale_after_seconds)
        if csv:
            everything = Wanted(CASES, (*wanted, None, None), lambda row: _csv_item(orjson.loads(row["doc"])))
            return csv_answer(running.pool, "cases", CSV_COLUMNS, everything, person=person, fresh=fresh)
        rows = await conn.fetch(CASES, *wanted, after[0] if after else None, limit + 1)
    more = len(rows) > limit
    items = [_item(orjson.loads(row["doc"])) for row in rows[:limit]]
    following = encode_cursor(rows[limit - 1]["case_id"]) if more else None
    return JSONResponse(_json({"items": items, "next_cursor": following, **fresh.document()}))


def _item(doc: dict[str, Any]) -> dict[str, Any]:
    """What is as it is in a new case, the read model leaves out."""
    names = ("case_id", "state", "channel", "kind", "class_code", "urgency", "grid", "unit", "round", "received_at")
    return {name: doc.get(name, Case.model_fields[name].default) for name in (*names, "imported_from")}


def _csv_item(doc: dict[str, Any]) -> dict[str, Any]:
    return _item(doc) | {"received_at": datetime.fromisoformat(doc["received_at"])}


def _json(document: dict[str, Any]) -> Any:
    return orjson.loads(orjson.dumps(document))
