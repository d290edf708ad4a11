"""Publishes signed heads of a service's lanes, so that a cut tail or a forged record shows (architecture.md §7)."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from libs.events.checkpoint import FIRST, HEADER, Checkpoint, digest
from libs.events.envelope import wire_instant
from libs.log.kafka.broker import Address, reach
from libs.log.keys import Keys
from libs.log.store.event_store import Pool

log = structlog.get_logger()

TOPIC = TopicPartition("audit.checkpoints", 0)
SECONDS = 60.0
TAIL = 200
OWN_HEADS = """
    select p.lane, p.seq, e.hash, e.hash = p.hash as agrees
      from read.source_progress p left join log.event e on e.lane = p.lane and e.seq = p.seq
     where p.source = $1 and p.seq > 0
"""
"""What came back from the log, as the source's own table has it: nobody signs what he has only read."""
WRITTEN_UNSIGNED = "select lane, seq, hash from log.written_unsigned where source = $1 and seq > 0"


@dataclass
class Signer:
    """Publishes a checkpoint of one source; the worker that does the single jobs calls it each minute."""

    source: str
    pool: Pool
    bootstrap: Address
    keys: Keys
    _told: bool = False
    """Where signing began was said by this process."""

    async def publish(self, at: datetime) -> Checkpoint:
        """Sign what is in the log for certain and in the source's own table."""
        heads = {}
        for row in await self.pool.fetch(OWN_HEADS, self.source):
            if row["agrees"]:
                heads[row["lane"]] = (row["seq"], row["hash"].hex())
            else:
                log.error("table_differs_from_log", source=self.source, lane=row["lane"], seq=row["seq"])
        unsigned = {}
        if not self._told:
            rows = await self.pool.fetch(WRITTEN_UNSIGNED, self.source)
            unsigned = {row["lane"]: (row["seq"], row["hash"].hex()) for row in rows}
        checkpoint = Checkpoint(self.source, wire_instant(at), heads, await self._previous(), unsigned)
        body = checkpoint.body()
        producer = AIOKafkaProducer(**reach(self.bootstrap), enable_idempotence=True, acks="all")
        try:
            await producer.start()
            headers = [(HEADER, self.keys.signing.sign(body))]
            async with asyncio.timeout(10):
                await producer.send_and_wait(TOPIC.topic, body, key=self.source.encode(), partition=0, headers=headers)
        finally:
            await producer.stop()
        self._told = True
        return checkpoint

    async def _previous(self) -> str:
        """The last checkpoint of this source in the topic; looked for in ever longer tails."""
        consumer = AIOKafkaConsumer(**reach(self.bootstrap), enable_auto_commit=False)
        try:
            await consumer.start()
            consumer.assign([TOPIC])
            end = (await consumer.end_offsets([TOPIC]))[TOPIC]
            return await self._search(consumer, end)
        finally:
            await consumer.stop()

    async def _search(self, consumer: Any, end: int) -> str:
        upper, size = end, TAIL
        while upper > 0:
            start = max(0, upper - size)
            consumer.seek(TOPIC, start)
            found = ""
            position = start
            while position < upper:
                for record in (await consumer.getmany(timeout_ms=1000)).get(TOPIC, []):
                    position = record.offset + 1
                    if record.offset < upper and self._is_own(record):
                        found = digest(record.value)
            if found:
                return found
            upper, size = start, size * 4
        return FIRST

    def _is_own(self, record: Any) -> bool:
        signature = dict(record.headers).get(HEADER) or b""
        return record.key == self.source.encode() and self.keys.proves(self.source, record.value or b"", signature)
