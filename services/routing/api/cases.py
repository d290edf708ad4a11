"""HTTP of one case as routing sees it: its rule chain, due times, disputes and allowed actions. Reading only."""

from __future__ import annotations

from typing import Any

import orjson
from fastapi import APIRouter
from fastapi.responses import JSONResponse

from libs.case.lamp import lamp_of
from libs.case.state import Case
from libs.events.event import Sealed
from libs.service.http.cases import CaseRef, MinPosition, show_case
from libs.service.http.dependencies import CallerDep, RuntimeDep
from libs.service.http.freshness import wait_for_position
from libs.service.http.shapes import ETAG, told
from libs.service.runtime import Runtime
from services.routing.api.answers import RoutingCase
from services.routing.api.clock_columns import due_times, reasons
from services.routing.api.lists import LISTED
from services.routing.domain.allowed_actions import allowed

router = APIRouter(tags=["派遣·办理 routing"])


@router.get(
    "/cases/{case_id}",
    summary="案件的派遣与办理 / the order of one case",
    responses=told(RoutingCase, headers=ETAG),
)
async def read_case(
    case_id: CaseRef,
    running: RuntimeDep,
    person: CallerDep,
    min_position: MinPosition = None,
) -> JSONResponse:
    await wait_for_position(running, min_position)
    async with running.pool.acquire() as conn:
        shown = await show_case(running, conn, person, case_id, sources=LISTED)
        row = await conn.fetchrow("select * from work_order where case_id = $1", case_id)
        disputed = await conn.fetchrow("select * from dispute where case_id = $1", case_id)
        state, facts = await running.state_and_facts(conn, case_id)
    question, endorsement = await opened(running, shown.case, in_question(disputed)), row and row["endorsement"]
    draft = await opened(running, shown.case, orjson.loads(endorsement)) if endorsement else None
    order: dict[str, Any] = {
        "allowed_actions": allowed(state, person.actor, facts, person.now),
        "endorsement": draft,
        "co_units_outstanding": list(shown.case.co_units),
        "dispute": question,
    }
    if row:
        order |= reasons(row) | {
            "proposed": row["proposed"],
            "lamp": lamp_of(row, shown.fresh.at),
            "due": due_times(row),
        }
    return shown.answer(order)


async def opened(running: Runtime, case: Case, shown: dict[str, Any]) -> dict[str, Any]:
    """The same with its sealed texts opened, `***` where the key is destroyed."""
    if b'"sealed"' not in orjson.dumps(shown):
        return shown
    keys = (await running.vault.keys_of(case.case_id)).without(case.erased)

    def plain(value: Any) -> Any:
        match value:
            case {"sealed": _, "data": _}:
                return keys.open(Sealed.model_validate(value))
            case dict():
                return {name: plain(part) for name, part in value.items()}
            case list():
                return [plain(part) for part in value]
            case _:
                return value

    return {name: plain(part) for name, part in shown.items()}


UNQUESTIONED: dict[str, Any] = {
    "no_return": False,
    "because": None,
    "returns": [],
    "parties": [],
    "return_until": None,
    "decision_due_at": None,
}


def in_question(row: Any) -> dict[str, Any]:
    """Whose the case is, where that was asked: until when the unit may return it, its returns, its arbitration."""
    if row is None:
        return UNQUESTIONED
    instants = {name: row[name].isoformat() if row[name] else None for name in ("return_until", "decision_due_at")}
    return {
        "no_return": row["no_return"],
        "because": row["because"],
        "returns": orjson.loads(row["returns"]),
        "parties": orjson.loads(row["parties"]),
        **instants,
    }
