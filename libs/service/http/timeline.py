"""What one service recorded of a case, in plain words: the same endpoint in every service. Reading only."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from libs.case.words import sentence
from libs.directory.rules.naming import Naming
from libs.events.envelope import Recorded
from libs.events.event import Event
from libs.log.store import event_store
from libs.log.write.seal import CaseKeys
from libs.service.http.answers import DocumentAnswer
from libs.service.http.cases import CaseRef, MinPosition, show_case
from libs.service.http.dependencies import CallerDep, RuntimeDep
from libs.service.http.freshness import wait_for_position
from libs.service.http.shapes import Timeline, told

router = APIRouter(tags=["经过 timeline"])


@router.get(
    "/cases/{case_id}/timeline",
    summary="本服务记录的经过 / what this service recorded of the case, in words",
    responses=told(Timeline),
)
async def timeline(
    case_id: CaseRef, running: RuntimeDep, person: CallerDep, min_position: MinPosition = None
) -> JSONResponse:
    """The service's own events of the case, oldest first, straight from its log.

    What people wrote about the matter stands in `texts`, opened for who may see the case; who reported it never does.
    An auditor is told of what was refused and of who read an identity, too.
    """
    await wait_for_position(running, min_position)
    async with running.pool.acquire() as conn:
        sources = [running.settings.source]
        shown = await show_case(running, conn, person, case_id, sources=sources)
        kinds = ("case", "access") if person.actor.role == "AUDITOR" else ("case",)
        streams = await event_store.load_all(conn, [f"{kind}-{case_id}" for kind in kinds])
    own = sorted((event for some in streams.values() for event in some), key=lambda one: one.position.seq)
    keys = (await running.vault.keys_of(case_id)).without(shown.case.erased)
    naming = Naming(person.directory)
    items = [item(event, naming, running.parts.service) | {"texts": texts(event.data, keys)} for event in own]
    return DocumentAnswer({"items": items, **shown.fresh.document()})


def item(event: Recorded, naming: Naming, service: str) -> dict[str, Any]:
    """One fact: what, when, and the sentence in both languages."""
    zh, en = sentence(event.data, naming)
    return {
        "event_id": event.id,
        "event_type": event.type,
        "service": service,
        "recorded_at": event.recorded_at,
        "zh": zh,
        "en": en,
    }


def texts(fact: Event, keys: CaseKeys) -> dict[str, str]:
    """The texts of the matter in one fact, by their field; never the reporter's."""
    marked = fact.personal_fields().items()
    opened = {name: keys.open(getattr(fact, name)) for name, mark in marked if mark.key == "case"}
    return {name: text for name, text in opened.items() if text is not None}
