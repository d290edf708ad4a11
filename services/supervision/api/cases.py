"""HTTP of one case as supervision sees it: its clocks, its verification, its call-back, its orders. Reading only."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from libs.service.http.cases import CaseRef, MinPosition, show_case
from libs.service.http.dependencies import CallerDep, RuntimeDep
from libs.service.http.freshness import wait_for_position
from libs.service.http.shapes import ETAG, told
from services.supervision.api.answers import SupervisionCase
from services.supervision.api.clock_columns import clock_document
from services.supervision.api.clock_query import SHOWN
from services.supervision.domain.allowed_actions import allowed
from services.supervision.domain.decider import State

router = APIRouter(tags=["督办 supervision"])


@router.get(
    "/cases/{case_id}",
    summary="案件的时钟、核实、回访与督办 / one case as supervision sees it",
    responses=told(SupervisionCase, headers=ETAG),
)
async def read_case(
    case_id: CaseRef,
    running: RuntimeDep,
    person: CallerDep,
    min_position: MinPosition = None,
) -> JSONResponse:
    await wait_for_position(running, min_position)
    async with running.pool.acquire() as conn:
        shown = await show_case(running, conn, person, case_id, sources=SHOWN)
        rows = await conn.fetch("select * from clock where case_id = $1 order by started_at, clock_id", case_id)
        state, facts = await running.state_and_facts(conn, case_id)
    at = max(person.now, shown.fresh.at)
    clocks = [clock_document(row, at) for row in rows]
    offered = allowed(state, person.actor, facts, person.now)
    return shown.answer({"clocks": clocks, **_progress(state), "allowed_actions": offered})


def _progress(state: State) -> dict[str, Any]:
    own = state.completion
    return {
        "accepted": own.accepted,
        "verification": {"verifier": own.verifier, "passed": own.verified, "needed": own.needs_verification},
        "callback": {"state": own.callback, "attempts": len(own.attempts)},
        "unanswered_orders": [{"level": level, "unit": unit} for level, unit in state.orders.unanswered],
    }
