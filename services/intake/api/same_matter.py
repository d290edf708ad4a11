"""HTTP of the same matter again: by the same caller it is attached, by another it is only hinted at."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fastapi import APIRouter
from fastapi.responses import JSONResponse
from pydantic import Field

from libs.case.access import sight
from libs.events.contracts.intake import Kind
from libs.events.errors import Forbidden, NotFound
from libs.events.ids import ClassCode
from libs.log.store.event_store import Connection
from libs.log.watermarks.watermark import DECIDING_SOURCES
from libs.log.write.command import CommandContext
from libs.log.write.idempotency import Outcome
from libs.service.http.answers import DocumentAnswer, answer
from libs.service.http.cases import Body, CaseRef, MinPosition, carry_out
from libs.service.http.dependencies import CallerDep, CommandDep, RuntimeDep
from libs.service.http.freshness import as_of, wait_for_position
from libs.service.http.shapes import told
from libs.service.runtime import Runtime
from services.intake import config
from services.intake.api.answers import AddedTo, Hints
from services.intake.api.bodies import Channel, PlaceBody
from services.intake.api.known_callers import Earlier, keys_of, located
from services.intake.domain import duplicates, identity

router = APIRouter(tags=["重复件 same matter"])

SHOWN = 20
ASKING = ("OPERATOR", "REVIEWER", "GRID_WORKER")
LISTED = DECIDING_SOURCES
CANDIDATES = """
    select v.doc, r.sealed, r.kind, l.words
      from likeness l join case_view v using (case_id) join report r using (case_id)
     where l.open and l.grid = any($1)
       and (v.doc ->> 'class_code' = $2 or v.doc ->> 'kind' = $3 or r.kind = $3)
     order by l.received_at desc, l.case_id limit 200
"""


class RepeatBody(Body):
    """What the caller says this time, where it adds anything."""

    channel: Channel = Field(examples=["phone"])
    content: str | None = Field(default=None, min_length=1, max_length=4000, examples=["还是没有人来修"])


class MatterBody(Body):
    """A matter before it is received."""

    kind: Kind = Field(examples=["help"])
    class_code: ClassCode | None = Field(default=None, max_length=64, examples=["street-light"])
    place: PlaceBody
    content: str = Field(min_length=1, max_length=4000, examples=["小区门口路灯不亮"])


@router.post(
    "/cases/{case_id}/repeat-contacts",
    summary="重复来电 / the same caller again",
    responses=told(AddedTo, may=(409,)),
)
async def receive_repeat_contact(
    case_id: CaseRef, body: RepeatBody, running: RuntimeDep, person: CallerDep, call: CommandDep
) -> JSONResponse:
    async def visible(conn: Connection) -> None:
        case = (await running.facts(conn, case_id)).case
        if case is None or not sight(call.actor, person.directory, person.now).sees(case):
            raise NotFound()

    again = Again(body.channel, body.content)
    return answer(await attach(running, case_id, call, again, visible))


@dataclass(frozen=True)
class Again:
    """What the same caller says this time, and how it came."""

    channel: str
    content: str | None


async def attach(
    running: Runtime,
    case_id: str,
    call: CommandContext,
    again: Again,
    check: Callable[[Connection], Awaitable[object]] | None = None,
) -> Outcome:
    """Append the repetition to the open case; raises `NotInThisState` where it has ended meanwhile."""

    def build(now: datetime) -> identity.ReceiveRepeatContact:
        return identity.ReceiveRepeatContact(now, call.actor, again.channel, again.content)

    return await carry_out(running, case_id, call, build, check=check, note={"attached": True})


@router.post("/duplicates", summary="疑似重复件 / open cases that may be the same matter", responses=told(Hints))
async def find_duplicates(
    body: MatterBody, running: RuntimeDep, person: CallerDep, call: CommandDep, min_position: MinPosition = None
) -> JSONResponse:
    if not (call.actor.role in ASKING or "intake" in call.actor.scopes):
        raise Forbidden(allowed=ASKING)
    place = located(body.place.place(), person.directory, person.now)
    radius = person.directory.rulebook.cluster.radius_m
    grids = duplicates.grids_near(place, person.directory, person.now)
    await wait_for_position(running, min_position)
    async with running.pool.acquire() as conn:
        fresh = await as_of(conn, LISTED, running.settings.stale_after_seconds)
        rows = await conn.fetch(CANDIDATES, list(grids), body.class_code, body.kind)
    seen = sight(call.actor, person.directory, person.now)
    known = [(one, row["words"]) for row in rows if seen.sees((one := Earlier.of(row)).case)]
    keys = await keys_of(running, [one for one, _ in known])
    new = duplicates.Matter(
        place, body.kind, body.class_code, duplicates.words(body.content, config.of(running).search_key)
    )
    hints = [
        duplicates.hint(
            new,
            one.case,
            duplicates.Matter(one.place(keys[one.case.case_id]), one.kind, one.case.class_code, words),
            radius,
        )
        for one, words in known
    ]
    items = [_hint(one) for one in duplicates.ranked(hints, SHOWN)]
    return DocumentAnswer({"items": items, **fresh.document()})


def _hint(one: duplicates.Hint) -> dict[str, Any]:
    zh, en = one.reasons()
    names = ("case_id", "received_at", "kind", "class_code", "grid", "state", "unit", "contacts")
    said = {"distance_m": one.distance_m, "same_address": one.same_address, "same_class": one.same_class}
    shown = {name: getattr(one.case, name) for name in names}
    return {**shown, **said, "likeness": one.likeness, "reason_zh": zh, "reason_en": en}
