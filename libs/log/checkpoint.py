"""Publishes signed heads of a service's lanes, so that a cut tail or a forged record shows (architecture.md §7)."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from libs.events.checkpoint import FIRST, Checkpoint, digest
from libs.events.envelope import wire_instant
from libs.log.kafka.broker import Address, reach
from libs.log.store.event_store import Pool

TOPIC = TopicPartition("audit.checkpoints", 0)
SECONDS = 60.0
TAIL = 200


def read_key(path: Path) -> Ed25519PrivateKey:
    """The source's signing key, PEM."""
    key = load_pem_private_key(path.read_bytes(), password=None)
    if not isinstance(key, Ed25519PrivateKey):
        raise ValueError(f"{path.name} is not an Ed25519 key")
    return key


@dataclass
class Signer:
    """Publishes a checkpoint of one source; the worker that does the single jobs calls it each minute."""

    source: str
    pool: Pool
    bootstrap: Address
    key: Ed25519PrivateKey

    async def publish(self, at: datetime) -> Checkpoint:
        """Sign what is in the log for certain: the heads that this service has read back."""
        rows = await self.pool.fetch(
            "select lane, seq, hash from read.source_progress where source = $1 and seq > 0", self.source
        )
        heads = {row["lane"]: (row["seq"], row["hash"].hex()) for row in rows}
        checkpoint = Checkpoint(self.source, wire_instant(at), heads, await self._previous())
        body = checkpoint.body()
        producer = AIOKafkaProducer(**reach(self.bootstrap), enable_idempotence=True, acks="all")
        try:
            await producer.start()
            headers = [("signature", self.key.sign(body))]
            async with asyncio.timeout(10):
                await producer.send_and_wait(TOPIC.topic, body, key=self.source.encode(), partition=0, headers=headers)
        finally:
            await producer.stop()
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
                    if record.offset < upper and record.key == self.source.encode():
                        found = digest(record.value)
            if found:
                return found
            upper, size = start, size * 4
        return FIRST
