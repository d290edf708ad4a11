"""Cases that nobody answers for and that no clock watches: the list. Reading only; jobs/alarm_watch.py alarms and says
so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any, get_args
from uuid import UUID

import orjson
import structlog
from fastapi import APIRouter, Query
from fastapi.responses import Response

from libs.case.access import sight
from libs.directory.facts.view import View
from libs.directory.rules.calendar import Limit, due
from libs.directory.rules.limits import Urgency, stage_limit
from libs.directory.rules.naming import Bilingual
from libs.directory.rules.work_calendar import calendar_at
from libs.events.contracts.parts.rulebook import Stage
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
from services.supervision.readmodel.unattended import UNTIL_FEEDBACK

router = APIRouter(tags=["督办 supervision"])
log = structlog.get_logger()

FOLLOWS_WITHIN = timedelta(minutes=1)
"""Clocks follow a fact when supervision reads it: a moment without one is no alarm."""
LEFT_ALONE = timedelta(days=7)
"""Without a clock and without a step for so long, a case is an alarm whatever the rulebook says (rulebook.md e.3)."""
LONGEST_WAIT = timedelta(days=366)
STAGES: Mapping[str, tuple[Stage, ...]] = {
    "FEEDBACK": ("review", "close"),
    "VERIFYING": ("verification", "close"),
    "CALLBACK": ("callback", "close"),
}
"""State after the feedback → the stages whose limits make its clocks."""
REASONS: Mapping[Kind, Bilingual] = {
    "NOT_JUDGED": Bilingual(
        "依现行规则无法判定, 正在等待; 规则更正后自动继续",
        "cannot be judged by the rules in force; it waits, and goes on by itself once they are right",
    ),
    "NO_UNIT": Bilingual("无承办单位, 且派遣或裁定已超时", "no unit has it, and dispatch or ruling is late"),
    "UNIT_ENDED": Bilingual(
        "承办单位已撤并, 没有单位承接, 待重新派遣", "its unit has ended and nobody has taken over: dispatch it again"
    ),
    "UNIT_VACANT": Bilingual("承办单位现无人任职", "nobody holds a post in its unit"),
    "NO_CLOCK": Bilingual("依规则应有时限, 现无时限在走", "by the rulebook a limit should run, and none does"),
    "NO_STEP": Bilingual("依规则无时限, 且七天无人处理", "by the rulebook no limit runs, and no step for seven days"),
    "NOT_REGISTERED": Bilingual(
        "接收后超过立案时限仍未立案", "received, and not registered within the screening limit"
    ),
}
WITHOUT_A_CLOCK = """
  select case_id, lane, state, unit, grid, class_code, last_step, last_step_at, told, null::jsonb as waits,
         case
           when state = 'RECEIVED' and received_at < $1 then 'NOT_REGISTERED'
           when last_step_at >= $2 then null
           when state = any($5) and unit is null and left_by is not null then 'UNIT_ENDED'
           when state = any($5) and unit is null and (decide_by is null or decide_by < $3) then 'NO_UNIT'
           when state = any($5) and unit = any($4) then 'UNIT_VACANT'
           when clockless and state = any($6) then 'NO_CLOCK'
           when decide_by is null and last_step_at < $7 then 'NO_STEP'
         end as kind
    from unattended
"""
FOUND = f"""
select * from (
  {WITHOUT_A_CLOCK}
  union all
  select v.case_id, v.lane, v.state, v.unit, v.grid, v.doc ->> 'class_code', v.doc ->> 'last_step',
         (v.doc ->> 'last_step_at')::timestamptz, true, null, 'UNIT_VACANT'
    from (select distinct case_id from clock where unit = any($4) and {RUNNING}) c
         -- One by one: there are as many cases as vacant units have, however many the city has.
         cross join lateral (select * from case_view one where one.case_id = c.case_id offset 0) v
   where v.unit = any($4) and v.state = any($5) and (v.doc ->> 'last_step_at')::timestamptz < $2
     and not exists (select from unattended u where u.case_id = v.case_id)
  union all
  select v.case_id, v.lane, v.state, v.unit, v.grid, v.doc ->> 'class_code', v.doc ->> 'last_step',
         (v.doc ->> 'last_step_at')::timestamptz, true,
         jsonb_build_object('event_id', w.event_id, 'since', w.recorded_at, 'why', w.why), 'NOT_JUDGED'
    from (select distinct on (case_id) case_id, event_id, recorded_at, why from log.waiting order by case_id, number) w
    join case_view v on v.case_id = w.case_id
) a where kind is not null
      and (kind = 'NOT_JUDGED' or not exists (select from log.waiting w where w.case_id = a.case_id))
"""  # noqa: S608 - our own names
OF_CALLER = """
 and ($8 or unit = any($9) or grid = any($10)) and ($11::text is null or kind = $11)
"""
LONGEST_FIRST = "order by last_step_at, case_id"
CSV_COLUMNS = (
    Column("case_id", "案件编号"),
    Column("kind", "告警"),
    Column("reason.zh", "原因"),
    Column("waits.since", "等待起"),
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
    """`NOT_JUDGED`: a rule in force cannot be carried out for it; `waits` says since which event, and why.

    `UNIT_ENDED`: its unit has ended, and nobody could take over; until it is dispatched again.

    `NO_UNIT`: with no unit, and its dispatch no more in time. `UNIT_VACANT`: nobody holds a post in its unit.

    `NO_CLOCK`: somebody must act, by the rulebook within a limit, and no clock watches. `NO_STEP`: the rulebook sets no
    limit, and nothing was done for seven days. `NOT_REGISTERED`: received, and not registered within the screening
    limit of the rulebook. What was left alone longest comes first.
    """
    after = decode_cursor(cursor, datetime.fromisoformat, UUID)
    seen = sight(person.actor, person.directory, person.now)
    await wait_for_position(running, min_position)
    async with running.pool.acquire() as conn:
        fresh = await as_of(conn, SHOWN, running.settings.stale_after_seconds)
        at = max(person.now, fresh.at)
        sees = (seen.everything, sorted(seen.units), sorted(seen.grids))
        values = (*judged_by(at, person.directory), *sees, kind)
        if csv:
            wanted = Wanted(f"{FOUND} {OF_CALLER} {LONGEST_FIRST}", values, alarm_item)
            return csv_answer(running.pool, "alarms", CSV_COLUMNS, wanted, person=person, fresh=fresh)
        total = await conn.fetchval(f"select count(*) from ({FOUND} {OF_CALLER}) f", *values)  # noqa: S608 - values are bound
        rows = await conn.fetch(
            f"{FOUND} {OF_CALLER} and ($12::timestamptz is null or (last_step_at, case_id) > ($12, $13))"
            f" {LONGEST_FIRST} limit {limit + 1}",
            *values,
            *(after or (None, None)),
        )
    last = rows[limit - 1] if len(rows) > limit else None
    following = encode_cursor(last["last_step_at"].isoformat(), str(last["case_id"])) if last else None
    items = [alarm_item(row) for row in rows[:limit]]
    document = {"items": items, "total": total, "next_cursor": following, "at": at, **fresh.document()}
    return DocumentAnswer(document)


def judged_by(at: datetime, directory: View) -> tuple[datetime | Sequence[str], ...]:
    """What tells an alarm, as the statement takes it: instants, the units in which nobody holds a post at `at`, the
    states in which a unit or the dispatcher must act, those in which a clock should run."""
    vacant = [unit.id for unit in directory.units if not directory.members(unit.id, at)]
    since = received_by(at, directory), at - FOLLOWS_WITHIN, at
    return (*since, vacant, UNTIL_FEEDBACK, clocked(directory), at - LEFT_ALONE)


def clocked(directory: View) -> Sequence[str]:
    """The states in which a clock should run; after the feedback only where the rulebook sets a limit."""
    urgencies: Sequence[Urgency] = get_args(Urgency)
    limited = {stage for stage in get_args(Stage) for one in urgencies if is_limit(stage_limit(directory, stage, one))}
    return (*UNTIL_FEEDBACK, *(state for state, stages in STAGES.items() if limited & set(stages)))


def is_limit(text: str) -> bool:
    """Whether a text of the rulebook makes a clock."""
    return text not in ("none", "refused")


def received_by(at: datetime, directory: View) -> datetime:
    """What was received before this instant has waited longer than the rulebook lets anything wait for screening.

    How urgent it is, only screening will tell: the limit of the least urgent counts. To the second.
    """
    late, in_time = at - LONGEST_WAIT, at
    text = stage_limit(directory, "screening", "U4")
    calendar = calendar_at(directory)
    try:
        limit = Limit.parse(text) if is_limit(text) else None
    except ValueError:  # Published before publication tried every rule: the other alarms are needed the more.
        limit = None
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
    waits = orjson.loads(row["waits"]) if row["waits"] else None
    reason = REASONS[row["kind"]]._asdict()
    return {"case_id": str(row["case_id"]), **shown, "reason": reason, "waits": waits, "last_step": last_step}
