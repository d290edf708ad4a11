"""HTTP around the caller: his earlier cases, and who he is. Every answer that shows an identity is an event."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from fastapi import APIRouter
from fastapi.responses import JSONResponse
from pydantic import Field

from libs.case.access import sight
from libs.case.facts import Facts
from libs.case.state import Case
from libs.events.envelope import draft
from libs.events.errors import Forbidden, NotFound
from libs.events.event import Event, Sealed
from libs.log.store import event_store
from libs.log.store.event_store import Appended, Connection
from libs.log.watermarks.watermark import DECIDING_SOURCES
from libs.log.write.command import CommandContext, provenance
from libs.log.write.idempotency import Outcome
from libs.log.write.seal import plain_body
from libs.service.http.answers import answer
from libs.service.http.cases import Body, CaseRef, MinPosition
from libs.service.http.dependencies import CallerDep, CommandDep, RuntimeDep
from libs.service.http.freshness import as_of, wait_for_position
from libs.service.http.shapes import NO_STORE, told
from services.intake import config
from services.intake.api.answers import EarlierCases, Identity
from services.intake.api.bodies import TelephoneText
from services.intake.api.known_callers import earlier_cases
from services.intake.domain import identity as callers

router = APIRouter(tags=["来电 callers"])

SHOWN = 20
LISTED = DECIDING_SOURCES
SOURCE = "/xunban/intake"


class PurposeBody(Body):
    """What the identity is read for."""

    purpose: callers.Purpose = Field(
        examples=["CALL_BACK"],
        description="受话识别 TAKE_CALL, 回访 CALL_BACK, 补充了解 ASK_DETAILS, 紧急救助 EMERGENCY, 依法查询 LAW;"
        " 承办: 办理联系 CONTACT",
    )


class LookUpBody(PurposeBody):
    """The telephone of the caller, in the body and never in a URL."""

    phone: TelephoneText


@router.post("/callers/lookup", summary="来电人以往诉求 / earlier cases of a caller", responses=told(EarlierCases))
async def look_up(
    body: LookUpBody, running: RuntimeDep, call: CommandDep, min_position: MinPosition = None
) -> JSONResponse:
    """Each look-up is looked up and recorded anew, whatever its key: an answer kept would outlive what was erased."""
    call.actor.must_be("OPERATOR")
    entries = callers.sought_entries(body.phone, config.of(running).search_key)
    await wait_for_position(running, min_position)
    async with running.pool.acquire() as conn:
        fresh = await as_of(conn, LISTED, running.settings.stale_after_seconds)
        command = callers.ReadIdentity(call.given or await event_store.business_now(conn), call.actor, body.purpose)
        events = callers.look_up(command)
        facts = Facts(None, await running.directory.latest(conn))

        async with conn.transaction():
            found = [one.case for one in await earlier_cases(conn, entries, SHOWN + 1)]
            shown = found[:SHOWN]
            # Lanes ascending, as everywhere (architecture.md §2).
            for case in sorted(shown, key=lambda one: (one.lane, one.case_id)):
                await _record(conn, call, Facts(case, facts.directory), command.at, events)
    items = [_item(case) for case in shown]
    return answer(Outcome(200, {"items": items, "more": len(found) > SHOWN, **fresh.document()}))


@router.post(
    "/cases/{case_id}/identity",
    summary="查看诉求人身份 / read who the reporter is",
    responses=told(Identity, headers=NO_STORE),
)
async def read_identity(
    case_id: CaseRef, body: PurposeBody, running: RuntimeDep, person: CallerDep, call: CommandDep
) -> JSONResponse:
    """Each showing, and each that was refused, is an event, whatever its key: shown a second time is read twice."""
    command = callers.ReadIdentity(person.now, call.actor, body.purpose)
    async with running.pool.acquire() as conn:
        facts = await running.facts(conn, case_id)
        seen = facts.case if facts.case and sight(call.actor, person.directory, person.now).sees(facts.case) else None
        try:
            callers.require_reader(call.actor, body.purpose, seen)
        except Forbidden:
            if facts.case:
                async with conn.transaction():
                    await _record(conn, call, facts, person.now, callers.not_shown(command))
            raise
        if seen is None:
            raise NotFound()
        keys = (await running.vault.keys_of(case_id)).without(seen.erased)
        sealed = await _reporter(conn, case_id)
        readable = [name for name in callers.IDENTITY if name in sealed and "reporter" in keys.keys]
        events = callers.read_identity(command, readable)

        document: dict[str, Any] = {"case_id": case_id, "events": [], "position": None}
        if events:
            async with conn.transaction():
                at = await _record(conn, call, facts, person.now, events)
            document |= {"events": list(at.event_ids), "position": running.handler.position(at)}
    # Opened after the fact is stored.
    identity = {name: keys.open(sealed.get(name)) for name in callers.IDENTITY}
    return JSONResponse(document | identity, headers={"Cache-Control": "no-store"})


async def _record(
    conn: Connection, call: CommandContext, known: Facts, at: datetime, events: Sequence[Event]
) -> Appended:
    """Append what was read to the case's access stream, in the caller's transaction."""
    case_id = known.known_case().case_id
    stream = f"access-{case_id}"
    by = provenance(call.actor, known, (), call.traceparent)
    drafts = [
        draft(event, plain_body(event), source=SOURCE, subject=case_id, stream=stream, at=at, by=by) for event in events
    ]
    return await event_store.append(conn, stream, drafts, expected=None, cause=by.cause_recorded_at, given=call.given)


async def _reporter(conn: Connection, case_id: str) -> dict[str, Sealed]:
    """What the case's own log says of who reported it, still sealed."""
    own = await event_store.load(conn, f"case-{case_id}")
    told = callers.reporter_of(event.data for event in own)
    return {name: value for name, value in told.items() if isinstance(value, Sealed)}


def _item(case: Case) -> dict[str, Any]:
    names = ("case_id", "received_at", "kind", "class_code", "grid", "state", "unit", "contacts")
    document = case.model_dump(mode="json", include=set(names))
    return {name: document[name] for name in names} | {"open": not case.ended}
