"""Cases that nobody answers for and that no clock watches: the list. Reading only; jobs/alarm_watch.py alarms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

import structlog
from fastapi import APIRouter, Query
from fastapi.responses import Response

from libs.case.access import sight
from libs.directory.facts.view import View
from libs.directory.rules.calendar import Limit, calendar_at, due
from libs.directory.rules.limits import stage_limit
from libs.directory.rules.naming import Bilingual
from libs.service.http.answers import DocumentAnswer
from libs.service.http.cases import MinPosition, decode_cursor, encode_cursor
from libs.service.http.csv_stream import AsCsv, Column, Wanted, csv_answer
from libs.service.http.dependencies import CallerDep, RuntimeDep
from libs.service.http.freshness import as_of, wait_for_position
from libs.service.http.shapes import listed
from services.supervision.api.answers import AlarmKind as Kind
from services.supervision.api.answers import Alarms
from services.supervision.api.clock_query import SHOWN
from services.supervision.readmodel.tables import RUNNING
from services.supervision.readmodel.unattended import CLOCKED

router = APIRouter(tags=["督办 supervision"])
log = structlog.get_logger()

FOLLOWS_WITHIN = timedelta(minutes=1)
"""Clocks follow a fact when supervision reads it: a moment without one is no alarm."""
LONGEST_WAIT = timedelta(days=366)
REASONS: Mapping[Kind, Bilingual] = {
    "NO_UNIT": Bilingual("无承办单位, 且派遣或裁定已超时", "no unit has it, and dispatch or ruling is late"),
    "UNIT_VACANT": Bilingual("承办单位现无人任职", "nobody holds a post in its unit"),
    "NO_CLOCK": Bilingual("依规则应有办理时限, 现无时限在走", "by the rulebook a limit should run, and none does"),
    "NOT_REGISTERED": Bilingual(
        "接收后超过立案时限仍未立案", "received, and not registered within the screening limit"
    ),
}
FOUND = f"""
select * from (
  select case_id, lane, state, unit, grid, class_code, last_step, last_step_at,
         case
           when state = 'RECEIVED' and received_at < $1 then 'NOT_REGISTERED'
           when state = 'RECEIVED' or last_step_at >= $2 then null
           when unit is null and (decide_by is null or decide_by < $3) then 'NO_UNIT'
           when unit = any($4) then 'UNIT_VACANT'
           when clockless then 'NO_CLOCK'
         end as kind
    from unattended
  union all
  select v.case_id, v.lane, v.state, v.unit, v.grid, v.doc ->> 'class_code', v.doc ->> 'last_step',
         (v.doc ->> 'last_step_at')::timestamptz, 'UNIT_VACANT'
    from (select distinct case_id from clock where unit = any($4) and {RUNNING}) c
         -- One by one: there are as many cases as vacant units have, however many the city has.
         cross join lateral (select * from case_view one where one.case_id = c.case_id offset 0) v
   where v.unit = any($4) and v.state = any($5) and (v.doc ->> 'last_step_at')::timestamptz < $2
     and not exists (select from unattended u where u.case_id = v.case_id)
) a where kind is not null
"""  # noqa: S608 - our own names
OF_CALLER = """
 and ($6 or unit = any($7) or grid = any($8)) and ($9::text is null or kind = $9)
"""
CSV_COLUMNS = (
    Column("case_id", "案件编号"),
    Column("kind", "告警"),
    Column("reason.zh", "原因"),
    Column("state", "状态"),
    Column("unit", "单位编号"),
    Column("grid", "网格"),
    Column("class_code", "事项类别"),
    Column("last_step.type", "最近节点"),
    Column("last_step.at", "最近节点时间"),
)


@router.get(
    "/alarms", summary="无主、无时限案件 / open cases without an owner or without a clock", responses=listed(Alarms)
)
async def list_alarms(  # noqa: PLR0917 - FastAPI passes them by name
    running: RuntimeDep,
    person: CallerDep,
    csv: AsCsv,
    kind: Kind | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[str | None, Query(max_length=300)] = None,
    min_position: MinPosition = None,
) -> Response:
    """`NO_UNIT`: with no unit, and its dispatch no more in time. `UNIT_VACANT`: nobody holds a post in its unit.

    `NO_CLOCK`: a unit or the dispatcher must act and no clock watches. `NOT_REGISTERED`: received, and not registered
    within the screening limit of the rulebook.
    """
    after = decode_cursor(cursor, UUID)
    seen = sight(person.actor, person.directory)
    await wait_for_position(running, min_position)
    async with running.pool.acquire() as conn:
        fresh = await as_of(conn, SHOWN, running.settings.stale_after_seconds)
        at = max(person.now, fresh.at)
        sees = (seen.everything, sorted(seen.units), sorted(seen.grids))
        values = (*judged_by(at, person.directory), *sees, kind)
        if csv:
            wanted = Wanted(f"{FOUND} {OF_CALLER} order by case_id", values, alarm_item)
            return csv_answer(running.pool, "alarms", CSV_COLUMNS, wanted, person=person, fresh=fresh)
        total = await conn.fetchval(f"select count(*) from ({FOUND} {OF_CALLER}) f", *values)  # noqa: S608 - values are bound
        rows = await conn.fetch(
            f"{FOUND} {OF_CALLER} and ($10::uuid is null or case_id > $10) order by case_id limit {limit + 1}",
            *values,
            after[0] if after else None,
        )
    following = encode_cursor(str(rows[limit - 1]["case_id"])) if len(rows) > limit else None
    items = [alarm_item(row) for row in rows[:limit]]
    document = {"items": items, "total": total, "next_cursor": following, "at": at, **fresh.document()}
    return DocumentAnswer(document)


def judged_by(at: datetime, directory: View) -> tuple[datetime, datetime, datetime, Sequence[str], Sequence[str]]:
    """What tells an alarm: instants, the units in which nobody holds a post at `at`, the states that count."""
    vacant = [unit.id for unit in directory.units if not directory.members(unit.id, at)]
    return received_by(at, directory), at - FOLLOWS_WITHIN, at, vacant, CLOCKED


def received_by(at: datetime, directory: View) -> datetime:
    """What was received before this instant has waited longer than the rulebook lets anything wait for screening.

    How urgent it is, only screening will tell: the limit of the least urgent counts. To the second.
    """
    late, in_time = at - LONGEST_WAIT, at
    text = stage_limit(directory, "screening", "U4")
    limit, calendar = None if text == "refused" else Limit.parse(text), calendar_at(directory)
    if limit is None:
        return late
    while in_time - late > timedelta(seconds=1):
        half = late + (in_time - late) / 2
        late, in_time = (half, in_time) if due(half, limit, calendar) < at else (late, half)
    return late


def alarm_item(row: Mapping[str, Any]) -> dict[str, Any]:
    """One case, and what is wrong with it."""
    names = ("kind", "state", "unit", "grid", "class_code")
    last_step = {"type": row["last_step"], "at": row["last_step_at"]}
    shown = {name: row[name] for name in names}
    return {"case_id": str(row["case_id"]), **shown, "reason": REASONS[row["kind"]]._asdict(), "last_step": last_step}
