"""How fast the log is filled, read and checked: relay, rebuild beside the runner of `eventsourcing`, `verify`."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from statistics import median

import asyncpg

from bench import other
from bench.rows import Row, at_least, times_at_least
from libs.audit.verify import verify
from libs.log.relay.relay import Relay
from libs.log.store.event_store import Pool
from libs.service.worker.process import wind_up
from operations.embedded.stack import Stack
from operations.rebuild import rebuilding
from services.intake.main import PARTS

ROUNDS = 3
RUNNER_EVENTS = 1000


async def relayed(running: Stack, pool: Pool, lanes: Sequence[int]) -> float:
    """Events per second with which a relay brings these lanes' backlog into the log, from being given them."""
    relay = Relay("/xunban/intake", pool, running.bootstrap, running.keys_of("intake"))
    waiting = await pool.fetchval("select sum(seq)::bigint from log.lane_head where lane = any($1)", list(lanes))
    task = asyncio.create_task(relay.run())
    try:
        begun = time.perf_counter()
        relay.assign(lanes)
        while relay.sent < waiting:
            assert not task.done()
            assert not relay.halted, relay.halted
            await asyncio.sleep(0.002)
        return float(waiting / (time.perf_counter() - begun))
    finally:
        await wind_up([task])


def relay_row(found: Sequence[float], appended: float) -> Row:
    """How fast a backlog melts."""
    return times_at_least(
        4,
        group="relay",
        zh="转发积压",
        en="relay catch-up",
        value=median(found),
        unit="events/s",
        baseline=appended,
        baseline_name="append",
        rounds=tuple(found),
    )


async def rebuilt(running: Stack) -> tuple[float, int]:
    """Events per second of intake's read model made anew from the log, and how many events that were."""
    url = running.database_url("intake", owner=True)
    async with rebuilding(url, running.bootstrap, PARTS, running.public_keys.proves) as rebuild:
        begun = time.perf_counter()
        await rebuild.follow(rebuild.conns)
        seconds = time.perf_counter() - begun
    return rebuild.events / seconds, rebuild.events


async def projected_by_other(running: Stack) -> float:
    """The same by the other library's runner."""
    url = running.admin_url("bench_other")
    conn = await asyncpg.connect(url)
    try:
        await conn.execute(other.FORGET)
    finally:
        await conn.close()
    return await asyncio.to_thread(other.projected_per_second, url, RUNNER_EVENTS)


async def rebuild_row(running: Stack) -> Row:
    """In turn."""
    ours, theirs = [], []
    for _ in range(ROUNDS):
        rate, events = await rebuilt(running)
        ours.append(rate)
        theirs.append(await projected_by_other(running))
    return times_at_least(
        20,
        group="rebuild",
        zh="重建读模型 (受理, 从 Kafka 到表)",
        en="projection rebuild, Kafka to tables",
        value=median(ours),
        unit="events/s",
        baseline=median(theirs),
        baseline_name="eventsourcing runner",
        note=f"{events} events; all of intake's tables, the hash chain checked on the way",
        rounds=tuple(ours),
    )


async def verify_row(running: Stack) -> Row:
    """One process, one core: what counts is its own processor time, whatever else the machine does."""
    found = []
    for _ in range(ROUNDS):
        begun = time.process_time()
        report = await verify(running.bootstrap, keys=running.public_keys)
        found.append(report.events / (time.process_time() - begun))
        assert report.sound, report.findings[:3]
    return at_least(
        50_000,
        group="verify",
        zh="校验整个日志 (单核)",
        en="verify, one core",
        value=median(found),
        unit="events/s",
        note=f"{report.events} events, {report.size / report.events:.0f} bytes each, per second of processor time",
        rounds=tuple(found),
    )
