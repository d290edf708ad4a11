"""The lists of routing: what is asked, and the orders of a city that they are asked of. Measured by lists.py."""

from __future__ import annotations

from collections.abc import Mapping

import asyncpg

from operations.embedded.stack import Stack
from trials.town import civil

UNITS = 10
"""Units that share the orders; the first one is the housing bureau, whose clerk asks."""
CLERK, SUPERVISOR, DISPATCHER = "fang-yun", "han-feng", "chen-li"
HOUSING = "county-housing"

NUMBERS = """
create temp table n as
select i, gen_random_uuid() as case_id, i / {units} % 64 as lane, timestamptz '{at}' as at,
       timestamptz '{at}' + make_interval(mins => (i::bigint * 7919 % 20160 - 4000)::int) as due_at,
       case when i % {units} = 0 then 'county-housing' else 'unit-' || i % {units} end as unit,
       (array['DISPATCHED', 'IN_PROGRESS', 'IN_PROGRESS', 'FEEDBACK'])[1 + i / {units} / 64 % 4] as state,
       case when i % 4 > 0 then 'handler-' || i % 2000 end as handler
  from generate_series(1, {orders}) i
"""
FILL = (
    "truncate work_order, held_order, unit_lane, feed_entry",
    """
insert into work_order (case_id, lane, state, kind, class_code, urgency, grid, registered_at, proposed, dispatch, chain,
       candidates, rejected, unit, deemed_signed, handler, round, dual_hat, due_at, yellow_at, long_red_at, clock_round,
       provisional, imported)
select case_id, lane, state, 'complaint', 'sewer-odour', 'U3', 'G03', at - interval '3 days', unit, 'confirm',
       '[{"rule": "R5", "zh": "候选", "en": "candidates"}]', '["county-housing"]', '[]', unit, false, handler, 1, false,
       due_at, due_at - interval '2 days', due_at + interval '2 days', 1, false, false from n
""",
    """
insert into work_order (case_id, lane, state, kind, class_code, urgency, grid, registered_at, proposed, dispatch, chain,
       candidates, rejected, deemed_signed, round, dual_hat, clock_round, provisional,
       imported)
select gen_random_uuid(), lane, 'REGISTERED', 'complaint', 'sewer-odour', 'U' || 1 + i / 10 % 4, 'G03',
       at - i * interval '1s', case when i / 40 % 10 > 0 then unit end, 'confirm', '[]', '["county-housing"]', '[]',
       false, 1, false, 0, false, false
  from n where i % 10 = 3
""",
    """
insert into held_order
select case_id, unit, lane, 'lead', state, true, handler, 'G03', due_at - interval '2 days', due_at,
       due_at + interval '2 days' from n
""",
    """
insert into held_order
select case_id, 'county-housing', lane, 'co', state, true, null, 'G03', due_at - interval '2 days', due_at,
       due_at + interval '2 days' from n where i % 20 = 1
""",
    """
insert into feed_entry
select unit, lane, row_number() over (partition by unit, lane order by i, k), case_id, k, gen_random_uuid(),
       'routing.progress-recorded.v1', at - i / 10 % 40 * interval '12 hours' + k * interval '1 minute', 'lead', state,
       unit, handler, 1, 'complaint', 'sewer-odour', 'U3', 'G03', null, due_at, null, null
  from n, generate_series(1, 6) k
""",
    """
insert into unit_lane
select coalesce(h.unit, '*'), h.lane, 0, jsonb_object_agg(key, number) from (
  select unit, lane, role || ' ' || state as key, count(*) as number from held_order
   group by grouping sets ((unit, lane, role || ' ' || state), (lane, role || ' ' || state))
  union all
  select null, lane, case when proposed is null then 'queue unrouted' else 'queue routed' end, count(*)
    from work_order where state = 'REGISTERED' group by 1, 2, 3
) h group by 1, 2
""",
    """
update unit_lane u set sequence = f.newest
  from (select unit, lane, max(sequence) as newest from feed_entry group by 1, 2) f
 where u.unit = f.unit and u.lane = f.lane
""",
    "vacuum (analyze) work_order",
    "vacuum (analyze) held_order",
    "vacuum (analyze) unit_lane",
    "vacuum (analyze) feed_entry",
)
ASKED: Mapping[str, tuple[str, str]] = {
    "healthz": (CLERK, "/healthz"),
    "work, own unit": (CLERK, "/work"),
    "work, whole city": (SUPERVISOR, "/work"),
    "work, unit, state": (CLERK, "/work?state=IN_PROGRESS"),
    "work, city, state": (SUPERVISOR, "/work?state=DISPATCHED"),
    "work, unit, GREEN": (CLERK, "/work?lamp=GREEN"),
    "work, unit, YELLOW": (CLERK, "/work?lamp=YELLOW"),
    "work, unit, RED": (CLERK, "/work?lamp=RED"),
    "work, city, GREEN": (SUPERVISOR, "/work?lamp=GREEN"),
    "work, city, RED": (SUPERVISOR, "/work?lamp=RED"),
    "work, city, LONG_RED": (SUPERVISOR, "/work?lamp=LONG_RED"),
    "work, unit, due": (CLERK, "/work?due_after=2026-11-05T00:00:00Z&due_before=2026-11-06T00:00:00Z"),
    "work, unit, co": (CLERK, "/work?role=co"),
    "work, handler": (CLERK, "/work?handler=handler-10"),
    "queue": (DISPATCHER, "/queue"),
    "queue, unrouted": (DISPATCHER, "/queue?unrouted=true"),
    "feed, first page": (CLERK, f"/units/{HOUSING}/feed"),
    "reconciliation, a day": (
        CLERK,
        f"/units/{HOUSING}/reconciliation?from=2026-10-28T00:00:00Z&to=2026-10-29T00:00:00Z",
    ),
}


async def fill(running: Stack, orders: int) -> None:
    """So many open orders, a tenth as many waiting, six feed entries per order, in routing's own tables."""
    conn = await asyncpg.connect(running.admin_url("routing"), server_settings={"search_path": "read"})
    try:
        await conn.execute(NUMBERS.format(units=UNITS, orders=orders, at=civil("2026-11-02 08:00").isoformat()))
        for statement in FILL:
            await conn.execute(statement, timeout=600)
    finally:
        await conn.close()
