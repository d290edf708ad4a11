"""The lists of supervision: what is asked, and the clocks of a city that they are asked of. Measured by lists.py."""

from __future__ import annotations

from collections.abc import Mapping

import asyncpg

from operations.embedded.stack import Stack
from trials.town import civil

CLERK, SUPERVISOR = "fang-yun", "han-feng"
NOW = civil("2026-11-02 08:00").isoformat()
ROWS = """
create temp table n as
select i, gen_random_uuid() as case_id, i % 64 as lane, 'e-' || i as fact,
       timestamptz '{now}' - make_interval(mins => 2880 + i % 1440) as started_at,
       timestamptz '{now}' + make_interval(mins => (i::bigint * 7919 % 20160 - 4000)::int) as due_at,
       case when i % 60 = 0 then 'county-housing' else 'unit-' || i % 60 end as unit,
       'G' || i % 40 as grid, 'class-' || i % 30 as class_code, 'U' || 1 + i % 4 as urgency,
       case when i % 50 = 0 then 1 else 0 end as supervision_level
  from generate_series(1, {cases}) i
"""
CLOCK = """
       lane, {kind}, 1, unit, grid, class_code, urgency, supervision_level, started_at, due_at,
       due_at - interval '2 days', due_at + interval '2 days', ({stopped})::timestamptz, due_at,
       case when due_at < timestamptz '{now}' - interval '1 hour' then due_at end, false, false, false, false
"""
COLUMNS = """
       lane, clock, round, unit, grid, class_code, urgency, supervision_level, started_at, due_at, yellow_at,
       long_red_at, stopped_at, breach_at, breach_recorded_at, exempt, provisional,
       by_calendar, imported
"""
RUNNING = CLOCK.format(kind="k", stopped="null", now=NOW)
OVER = CLOCK.format(kind="k", stopped="started_at + interval '1 hour'", now=NOW)
# A fifth is past due, a seventh yellow; two clocks of a case run, two are over; every third one has been moved once.
# Of a hundred cases two wait for the centre: one to be registered, one to be dispatched.
FILL = (
    "truncate clock, clock_past, case_past, case_view, unattended",
    f"""
insert into clock (case_id, clock_id, known_from, {COLUMNS})
select case_id, fact || k, case when i % 3 = 0 then started_at + interval '1 day' else started_at end, {RUNNING}
  from n, unnest(array['handling', 'overall']) k
""",  # noqa: S608 - our own names
    f"""
insert into clock (case_id, clock_id, known_from, {COLUMNS})
select case_id, fact || k, started_at + interval '1 hour', {OVER} from n, unnest(array['dispatch', 'sign']) k
""",  # noqa: S608 - our own names
    f"""
insert into clock_past (case_id, clock_id, known_from, known_until, {COLUMNS})
select case_id, fact || k, started_at, started_at + interval '1 day', {RUNNING}
  from n, unnest(array['handling', 'overall']) k where i % 3 = 0
""",  # noqa: S608 - our own names
    f"""
insert into clock_past (case_id, clock_id, known_from, known_until, {COLUMNS})
select case_id, fact || k, started_at, started_at + interval '1 hour', {RUNNING}
  from n, unnest(array['dispatch', 'sign']) k
""",  # noqa: S608 - our own names
    """
insert into case_past
select case_id, started_at + k * interval '10 minutes', lane,
       (array['REGISTERED', 'DISPATCHED', 'IN_PROGRESS', 'IN_PROGRESS'])[k], unit, grid, 'handler-' || i % 2000,
       supervision_level, 'routing.progress-recorded.v1', started_at + k * interval '10 minutes',
       case when i % 500 = 0 then '["county-environment"]' else '[]' end::jsonb, class_code, urgency
  from n, generate_series(1, 4) k
""",
    """
insert into case_view
select case_id, lane, 'IN_PROGRESS', unit, grid,
       jsonb_build_object('class_code', class_code, 'urgency', urgency, 'supervision_level', supervision_level,
                          'last_step', 'routing.progress-recorded.v1',
                          'last_step_at', started_at + interval '40 minutes', 'received_at', started_at)
  from n
""",
    """
insert into unattended
select gen_random_uuid(), lane, case when i % 2 = 0 then 'REGISTERED' else 'RECEIVED' end, null, grid, class_code,
       'intake.case-registered.v1', started_at, started_at, due_at, false, false
  from n where i % 100 = 0 or i % 100 = 51
""",
    "vacuum (analyze) clock",
    "vacuum (analyze) clock_past",
    "vacuum (analyze) case_past",
    "vacuum (analyze) case_view",
    "vacuum (analyze) unattended",
)
YESTERDAY = "as_of=2026-11-01T08:00:00%2B08:00"
ASKED: Mapping[str, tuple[str, str]] = {
    "healthz": (CLERK, "/healthz"),
    "overdue": (SUPERVISOR, "/overdue"),
    "overdue, own unit": (CLERK, "/overdue"),
    "overdue, one grid": (SUPERVISOR, "/overdue?grid=G7"),
    "overdue, one class": (SUPERVISOR, "/overdue?class_code=class-7"),
    "overdue, unconfirmed": (SUPERVISOR, "/overdue?confirmed=false"),
    "overdue, class, unconf.": (SUPERVISOR, "/overdue?class_code=class-7&confirmed=false"),
    "overdue, confirmed": (SUPERVISOR, "/overdue?confirmed=true"),
    "overdue, co-unit": (SUPERVISOR, "/overdue?unit=county-environment&role=co"),
    "overdue, RED": (SUPERVISOR, "/overdue?lamp=RED"),
    "overdue, LONG_RED": (SUPERVISOR, "/overdue?lamp=LONG_RED"),
    "lamp GREEN": (SUPERVISOR, "/overdue?lamp=GREEN"),
    "due soon": (SUPERVISOR, "/due-soon"),
    "due within 24 h": (SUPERVISOR, "/due-soon?within=24h"),
    "counts by unit": (SUPERVISOR, "/counts?by=unit"),
    "counts, own unit": (CLERK, "/counts?by=grid"),
    "counts by lamp": (SUPERVISOR, "/counts?by=lamp"),
    "alarms": (SUPERVISOR, "/alarms"),
    "overdue, a day ago": (SUPERVISOR, f"/overdue?{YESTERDAY}"),
    "counts, a day ago": (SUPERVISOR, f"/counts?{YESTERDAY}"),
}


async def fill(running: Stack, cases: int) -> None:
    """So many open cases in supervision's own tables."""
    conn = await asyncpg.connect(running.admin_url("supervision"), server_settings={"search_path": "read"})
    try:
        await conn.execute(ROWS.format(now=NOW, cases=cases))
        for statement in FILL:
            await conn.execute(statement, timeout=600)
    finally:
        await conn.close()
