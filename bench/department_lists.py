"""How the lists of routing grow with a city: first page and number at 10,000 and at 300,000 open orders, in one run.

`python -m bench.department_lists`. Rows are generated in a server of its own; the answers come from routing's real API.
"""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Mapping, Sequence
from statistics import median, quantiles

import asyncpg
import httpx

from deploy.directory_apply import apply_directory
from deploy.embedded.instance import ROOT
from deploy.embedded.stack import Stack
from deploy.timeline import Timeline
from deploy.town import civil

SMALL, LARGE = 10_000, 300_000
REQUESTS = 100
UNITS = 10
"""Units that share the orders; the first one is the housing bureau, whose clerk asks."""
CLERK, SUPERVISOR, DISPATCHER = "fang-yun", "han-feng", "chen-li"
HOUSING = "county-housing"
Figures = tuple[float, float, int]
"""Median and 99th percentile in milliseconds, and the number that the answer gives."""

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
       provisional)
select case_id, lane, state, 'complaint', 'sewer-odour', 'U3', 'G03', at - interval '3 days', unit, 'confirm',
       '[{"rule": "R5", "zh": "候选", "en": "candidates"}]', '["county-housing"]', '[]', unit, false, handler, 1, false,
       due_at, due_at - interval '2 days', due_at + interval '2 days', 1, false from n
""",
    """
insert into work_order (case_id, lane, state, kind, class_code, urgency, grid, registered_at, proposed, dispatch, chain,
       candidates, rejected, deemed_signed, round, dual_hat, clock_round, provisional)
select gen_random_uuid(), lane, 'REGISTERED', 'complaint', 'sewer-odour', 'U' || 1 + i / 10 % 4, 'G03',
       at - i * interval '1s', case when i / 40 % 10 > 0 then unit end, 'confirm', '[]', '["county-housing"]', '[]',
       false, 1, false, 0, false
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


async def measured(urls: Sequence[str], path: str, headers: Mapping[str, str]) -> list[Figures]:
    """Each city asked in turn, so that whatever else the machine does touches both alike."""
    times: list[list[float]] = [[] for _ in urls]
    counts = [0 for _ in urls]
    async with httpx.AsyncClient(trust_env=False, headers=headers, timeout=30) as client:
        for _ in range(REQUESTS):
            for city, url in enumerate(urls):
                begun = time.perf_counter()
                answer = await client.get(url + path)
                times[city].append((time.perf_counter() - begun) * 1000)
                answer.raise_for_status()
                counts[city] = answer.json().get("count", 0)
    return [(median(one), quantiles(one, n=100)[98], count) for one, count in zip(times, counts, strict=True)]


async def cities(running: Stack) -> list[str]:
    """The same service over a small city and over a large one: two databases of one server."""
    for name in running.names:
        running.kill(name)
    await fill(running, SMALL)
    admin = await asyncpg.connect(running.admin_url())
    try:
        await admin.execute("create database small template routing")
    finally:
        await admin.close()
    await fill(running, LARGE)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    patient = {"STALE_AFTER_SECONDS": "100000"}
    small = running.database_url("routing").rpartition("/")[0] + "/small"
    running.start_process("routing-api-2", {**patient, "DATABASE_URL": small, "API_PORT": port})
    running.start_process("routing-api", patient)
    await asyncio.to_thread(running.wait_ready, "routing-api")
    return [f"http://127.0.0.1:{port}", running.api_url("routing")]


async def main() -> None:
    """Print one table: the small city, the large one, and the ratio of their medians."""
    with Stack("bench-lists", services=("intake", "routing", "supervision")) as running:
        async with Timeline.of(running) as line:
            await line.advance(civil("2026-11-02 08:00"))
            await apply_directory(line, ROOT / "examples" / "town")
            await line.settle()
            urls = await cities(running)
            print(f"{'ms':24}{SMALL:>10} p50{'p99':>8}{'count':>9}{LARGE:>10} p50{'p99':>8}{'count':>9}{'ratio':>7}")
            for name, (person, path) in ASKED.items():
                small, large = await measured(urls, path, line._headers(person, None, None))
                cells = "".join(f"{one[0]:14.1f}{one[1]:8.1f}{one[2]:9}" for one in (small, large))
                print(f"{name:24}{cells}{large[0] / small[0]:7.2f}")


if __name__ == "__main__":
    asyncio.run(main())
