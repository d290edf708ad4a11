"""From the commit of an event to its row in the read model, beside the echo of the same bytes by the broker."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from statistics import quantiles

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from bench.appending import drafts_of_case
from bench.rows import Row, at_most
from libs.events.envelope import Draft
from libs.events.ids import new_id
from libs.events.lanes import decode_meta, lane_of
from libs.log.store import event_store
from libs.log.store.event_store import Pool
from operations.embedded.stack import Stack

RATES = (50, 200)
SECONDS = 5.0
TURNS = 2
TOPIC = "bench.echo"
LOOK_SECONDS = 0.004
APPLIED = "select lane, seq from read.source_progress where source = '/xunban/intake' and lane < 64"
SLACK_MILLISECONDS = 30


async def rows(running: Stack, pool: Pool, directory_version: int) -> list[Row]:
    """Both rates, ours and the echo in turn."""
    admin = AIOKafkaAdminClient(bootstrap_servers=running.bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic(TOPIC, 64, 1)])
    await admin.close()
    await _visible(pool, directory_version, RATES[0])  # a relay that has just been started looks at the log first
    found: list[Row] = []
    for rate in RATES:
        ours: list[float] = []
        echoes: list[float] = []
        for _ in range(TURNS):
            ours += await _visible(pool, directory_version, rate)
            echoes += await _echo(running, directory_version, rate)
        found += _judge(rate, ours, echoes)
    return found


def _judge(rate: int, ours: Sequence[float], echoes: Sequence[float]) -> list[Row]:
    p50, p99 = _percentiles(ours)
    echo50, echo99 = _percentiles(echoes)
    said = {"group": "visible", "unit": "ms", "baseline_name": "echo"}
    return [
        at_most(
            echo50 + SLACK_MILLISECONDS,
            **said,
            zh=f"追加到可见 p50, {rate} 事件/秒",
            en=f"append to visible p50, {rate}/s",
            value=p50,
            baseline=echo50,
        ),
        at_most(
            150,
            **said,
            zh=f"追加到可见 p99, {rate} 事件/秒",
            en=f"append to visible p99, {rate}/s",
            value=p99,
            baseline=echo99,
        ),
    ]


def _percentiles(seconds: Sequence[float]) -> tuple[float, float]:
    cuts = quantiles(seconds, n=100)
    return cuts[49] * 1000, cuts[98] * 1000


async def _paced(rate: int, write: object) -> None:
    """Calls `write(number)` at fixed instants, each as a task of its own."""
    loop = asyncio.get_running_loop()
    begun = loop.time()
    async with asyncio.TaskGroup() as group:
        for number in range(int(rate * SECONDS)):
            await asyncio.sleep(max(0.0, begun + number / rate - loop.time()))
            group.create_task(write(number))  # type: ignore[operator]


async def _visible(pool: Pool, directory_version: int, rate: int) -> list[float]:
    """Seconds from commit to the transaction that applied it; looked for every few milliseconds, so a bit too long."""
    committed: dict[tuple[int, int], float] = {}
    seen: list[float] = []
    done = asyncio.Event()

    async def write(_: int) -> None:
        case_id = new_id()
        first, _second = drafts_of_case(case_id, directory_version)
        async with pool.acquire() as conn:
            at = await event_store.append(conn, f"case-{case_id}", [first], expected=0)
        committed[at.lane, at.seq] = time.perf_counter()

    async def watch() -> None:
        async with pool.acquire() as conn:
            look = await conn.prepare(APPLIED)
            while committed or not done.is_set():
                applied = {row["lane"]: row["seq"] for row in await look.fetch()}
                now = time.perf_counter()
                for lane, seq in [key for key in committed if key[1] <= applied[key[0]]]:
                    seen.append(now - committed.pop((lane, seq)))
                await asyncio.sleep(LOOK_SECONDS)

    async with asyncio.TaskGroup() as group:
        group.create_task(watch())
        await _paced(rate, write)
        done.set()
    return seen


async def _echo(running: Stack, directory_version: int, rate: int) -> list[float]:
    """The same bytes, produced and consumed, nothing else."""
    producer = AIOKafkaProducer(bootstrap_servers=running.bootstrap, enable_idempotence=True, acks="all", linger_ms=0)
    consumer = AIOKafkaConsumer(TOPIC, bootstrap_servers=running.bootstrap, auto_offset_reset="earliest", group_id=None)
    await producer.start()
    await consumer.start()
    sent: dict[bytes, float] = {}
    heard: list[float] = []

    async def write(_: int) -> None:
        case_id = new_id()
        one: Draft = drafts_of_case(case_id, directory_version)[0]
        sent[case_id.encode()] = time.perf_counter()
        headers = decode_meta(one.meta)
        await producer.send(TOPIC, one.body, key=case_id.encode(), partition=lane_of(case_id), headers=headers)

    async def listen() -> None:
        while len(heard) < int(rate * SECONDS):
            for records in (await consumer.getmany(timeout_ms=200)).values():
                now = time.perf_counter()
                heard.extend(now - sent[record.key] for record in records if record.key in sent)

    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(listen())
            await _paced(rate, write)
    finally:
        await producer.stop()
        await consumer.stop()
    return heard
