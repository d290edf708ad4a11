"""What is measured only when somebody asks: the state of this process's API or worker, and of its database."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from fastapi import Response

from libs.events.lanes import DIRECTORY_LANE, DIRECTORY_SOURCE
from libs.log.store.event_store import Connection
from libs.log.transient import AWAY
from libs.log.watermarks.watermark import SOURCES
from libs.log.worker import Worker
from libs.service.clock import real_now
from libs.service.observe import metrics
from libs.service.runtime import Runtime

PATIENCE_SECONDS = 2.0
"""A scraper does not wait for a database that does not answer."""

FRESHNESS = """
    select source, min(sent) as sent from read.watermark where lane < 64 or sent > 'epoch' group by source
"""
BACKLOG = """
    select h.lane, h.seq - greatest(p.seq, coalesce(r.seq, 0)) as behind
      from log.lane_head h
      join read.source_progress p on p.lane = h.lane and p.source = $1
      left join unnest($2::smallint[], $3::bigint[]) r(lane, seq) on r.lane = h.lane
     where h.lane = any($4)
"""


async def of_api(running: Runtime) -> Response:
    """The metrics of an API process."""
    await _ask(running, _freshness)
    return metrics.exposition(running.settings.service, "api")


async def of_worker(running: Runtime, worker: Worker) -> Response:
    """The metrics of a worker process: its share of the lanes."""
    metrics.LANES.set(len(worker.lanes))
    metrics.HALTED.labels("projection").set(len(worker.halted))
    metrics.HALTED.labels("relay").set(len(worker.relay.halted) + worker.relay.speechless)
    metrics.WATERMARK_LAG.clear()
    for source, seconds in lags(worker).items():
        metrics.WATERMARK_LAG.labels(_name(source)).set(seconds)

    async def ask(conn: Connection) -> None:
        metrics.RELAY_BACKLOG.set(await backlog(conn, running.settings.source, worker))
        if running.parts.measure:
            await running.parts.measure(conn, worker.lanes)

    await _ask(running, ask)
    return metrics.exposition(running.settings.service, "worker")


def lags(worker: Worker) -> Mapping[str, float]:
    """Source → seconds since the newest heartbeat wholly applied, of its slowest lane that this worker holds."""
    now, sent, lanes = real_now(), worker.watermarks.sent, worker.lanes
    heard = {source: [sent[source, lane] for lane in lanes if (source, lane) in sent] for source in SOURCES}
    return {source: (now - min(instants)).total_seconds() for source, instants in heard.items() if instants}


async def backlog(conn: Connection, source: str, worker: Worker) -> int:
    """Events not in the log: behind what the relay has sent, or, while it has no producer, what came back from it."""
    sent = worker.relay.positions
    rows = await conn.fetch(BACKLOG, source, list(sent), list(sent.values()), worker.lanes)
    behind = sum(row["behind"] for row in rows)
    if DIRECTORY_LANE in worker.relay.owned:
        rows = await conn.fetch(BACKLOG, DIRECTORY_SOURCE, list(sent), list(sent.values()), [DIRECTORY_LANE])
        behind += sum(row["behind"] for row in rows)
    return int(behind)


async def _freshness(conn: Connection) -> None:
    rows = await conn.fetch(FRESHNESS)
    now = real_now()
    metrics.FRESHNESS.clear()
    for row in rows:
        metrics.FRESHNESS.labels(_name(row["source"])).set((now - row["sent"]).total_seconds())


async def _ask(running: Runtime, ask: Callable[[Connection], Awaitable[None]]) -> None:
    metrics.POOL.labels("open").set(running.pool.get_size())
    metrics.POOL.labels("idle").set(running.pool.get_idle_size())
    try:
        async with asyncio.timeout(PATIENCE_SECONDS), running.pool.acquire() as conn:
            await ask(conn)
        metrics.DATABASE_UP.set(1)
    except AWAY:
        metrics.DATABASE_UP.set(0)


def _name(source: str) -> str:
    return source.rpartition("/")[2]
