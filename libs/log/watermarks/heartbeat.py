"""Heartbeats: of one source, signed, from its lanes to `log.heartbeats`, and of all, as heard; see watermark.py."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError

from libs.events.envelope import named
from libs.events.signature import HEADER as SIGNATURE
from libs.events.signature import SIZE, Proves, of_beat
from libs.events.topics import HEARTBEATS
from libs.log.kafka.broker import Address, reach
from libs.log.keys import Keys
from libs.log.process.intervals import UNASKED_MS, Intervals
from libs.log.store.event_store import Pool
from libs.log.watermarks.watermark import Beat, NoBeat, touch_lanes
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
    keys: Keys
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
                    await self._send(producer, beat.body())
            except (KafkaError, TimeoutError, OSError):
                await self.close()
                raise
            return beat

    async def _send(self, producer: AIOKafkaProducer, body: bytes) -> None:
        signature = self.keys.signing.sign(of_beat(body)).hex().encode()
        headers = [(SIGNATURE, signature)]
        await producer.send_and_wait(HEARTBEATS.name, body, key=self.source.encode(), headers=headers)

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


def read_beat(record: Any, proves: Proves) -> Beat:
    """A heartbeat that its source signed; raises NoBeat for any other record."""
    beat = Beat.parse(record.value or b"")
    try:
        signature = bytes.fromhex(named(record.headers)[SIGNATURE].decode())
    except (KeyError, ValueError):
        raise NoBeat("unsigned") from None
    if record.key != beat.source.encode() or len(signature) != SIZE:
        raise NoBeat("unsigned")
    if not proves(beat.source, of_beat(record.value), signature):
        raise NoBeat("forged")
    return beat


async def heard(bootstrap: Address, intervals: Intervals) -> AsyncGenerator[list[Any], None]:
    """The heartbeats of every source for ever, those of one instant together; first the newest there are."""
    there = TopicPartition(HEARTBEATS.name, 0)
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
