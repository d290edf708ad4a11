"""Heartbeats: of one source, from its lanes to `log.heartbeats`, and of all, as heard; what they mean: watermark.py."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError

from libs.log.kafka.broker import Address, reach
from libs.log.process.intervals import UNASKED_MS, Intervals
from libs.log.store.event_store import Pool
from libs.log.watermarks.watermark import Beat, touch_lanes
from libs.tuned.kafka_producer import stop_producer

log = structlog.get_logger()

SEND_SECONDS = 10.0
NEWEST = 20
"""Beats that are heard at once on starting: a few of each source."""


@dataclass
class Heartbeat:
    """Touches the lanes and publishes their heads, one beat after another."""

    source: str
    pool: Pool
    bootstrap: Address
    _producer: AIOKafkaProducer | None = None
    _one_at_a_time: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def publish(self, to: datetime | None = None) -> Beat:
        """With `to` the manual clock is advanced first. Raises what the database or Kafka raises; then beat again."""
        async with self._one_at_a_time:
            async with self.pool.acquire() as conn:
                beat = await touch_lanes(conn, self.source, to)
            try:
                producer = await self._started()
                async with asyncio.timeout(SEND_SECONDS):
                    await producer.send_and_wait("log.heartbeats", beat.body(), key=self.source.encode())
            except (KafkaError, TimeoutError, OSError):
                await self.close()
                raise
            return beat

    async def _started(self) -> AIOKafkaProducer:
        if self._producer is None:
            self._producer = AIOKafkaProducer(**reach(self.bootstrap), acks="all", linger_ms=0)
            await self._producer.start()
        return self._producer

    async def close(self) -> None:
        """Let go of the connection; the next beat makes a new one."""
        dropped, self._producer = self._producer, None
        if dropped is not None:
            await stop_producer(dropped)


async def heard(bootstrap: Address, intervals: Intervals) -> AsyncGenerator[list[Any], None]:
    """The heartbeats of every source for ever, those of one instant together; first the newest there are."""
    there = TopicPartition("log.heartbeats", 0)
    consumer = AIOKafkaConsumer(
        **reach(bootstrap),
        enable_auto_commit=False,
        fetch_max_wait_ms=int(intervals.rest * 1000),
        consumer_timeout_ms=UNASKED_MS,
    )
    await start_client(consumer)
    try:
        end = (await consumer.end_offsets([there]))[there]
        consumer.assign([there])
        consumer.seek(there, max(0, end - NEWEST))  # Before the client looks anywhere else, and waits there.
        while True:
            first = await consumer.getmany(timeout_ms=UNASKED_MS)
            await asyncio.sleep(intervals.gather)
            more = await consumer.getmany(timeout_ms=0)
            yield [record for got in (first, more) for record in got.get(there, [])]
    finally:
        await consumer.stop()


async def start_client(client: Any) -> None:
    """Start a producer or consumer whose broker may still be away."""
    while True:
        try:
            await client.start()
            return
        except KafkaError as why:
            log.warning("kafka_not_there", reason=type(why).__name__)
            await asyncio.sleep(1.0)
