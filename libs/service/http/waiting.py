"""The cases that a service cannot judge by the rules in force: the same list in each that reacts. Reading only."""

from __future__ import annotations

import orjson
from fastapi import APIRouter
from fastapi.responses import JSONResponse

from libs.case.access import sight
from libs.service.http.answers import DocumentAnswer
from libs.service.http.cases import MinPosition
from libs.service.http.dependencies import CallerDep, RuntimeDep
from libs.service.http.freshness import wait_for_position
from libs.service.http.shapes import WaitingCases, told

router = APIRouter(tags=["process"])
MOST = 1000
FOUND = """
    select w.case_id::text as case_id, v.state, v.unit, v.grid, w.event_id::text as event_id, w.event, w.recorded_at,
           w.why, w.events
      from (select distinct on (case_id) *, count(body) over (partition by case_id) as events
              from log.waiting order by case_id, number) w
      join case_view v on v.case_id = w.case_id
     where $1 or v.unit = any($2) or v.grid = any($3) order by w.recorded_at, w.case_id limit $4
"""


@router.get(
    "/waiting",
    summary="依现行规则无法判定的案件 / cases that cannot be judged by the rules in force",
    responses=told(WaitingCases),
)
async def list_waiting(running: RuntimeDep, person: CallerDep, min_position: MinPosition = None) -> JSONResponse:
    """Since which event each waits, the kind of the error that it met, and how many events wait with it, oldest first.

    None waits yet where a look of the service's own, a timer's for example, met the error.

    A case goes on by itself, in its order, once the directory changes or the worker starts again and the rules hold.
    """
    await wait_for_position(running, min_position)
    seen = sight(person.actor, person.directory, person.now)
    async with running.pool.acquire() as conn:
        rows = await conn.fetch(FOUND, seen.everything, sorted(seen.units), sorted(seen.grids), MOST)
    items = [
        {
            "case_id": row["case_id"],
            "state": row["state"],
            "unit": row["unit"],
            "grid": row["grid"],
            "event_id": row["event_id"],
            "event_type": orjson.loads(row["event"])["headers"]["ce_type"],
            "since": row["recorded_at"],
            "why": row["why"],
            "events": row["events"],
        }
        for row in rows
    ]
    return DocumentAnswer({"items": items})
