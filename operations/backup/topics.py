"""The records of the log in files and back into empty topics: every byte, every partition's order and every offset."""

from __future__ import annotations

import asyncio
import gzip
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaProducer

from libs.audit.reading import open_log
from libs.events.lanes import Headers, decode_meta, encode_meta
from libs.events.topics import CASE_EVENTS, CHECKPOINTS, DIRECTORY_EVENTS
from libs.log.kafka.broker import Address, reach

KEPT = (CHECKPOINTS.name, CASE_EVENTS.name, DIRECTORY_EVENTS.name)
"""What was signed before what it signs: else a signature of these minutes would name an event that was not saved.

Heartbeats are no part of it: the next one says more than the last.
"""
FRAME = struct.Struct(">Hiii")
"""Partition; lengths of key (-1: none), headers and body (-1: none)."""
UNDER_WAY = 64


class LogIncomplete(Exception):
    """A topic does not begin at its beginning, or has holes: offsets would not be the same again."""


async def save_all(kafka: Address, folder: Path) -> dict[str, dict[int, int]]:
    """Topic → partition → how many records of it are now in `<topic>.gz`. Raises `LogIncomplete`."""
    return {topic: await save(kafka, topic, folder / f"{topic}.gz") for topic in KEPT}


async def save(kafka: Address, topic: str, file: Path) -> dict[int, int]:
    """Everything that stands in a topic now; partition → how many records. Raises `LogIncomplete`."""
    with gzip.open(file, "wb", compresslevel=1) as out:
        async with open_log(kafka) as log:
            extent = await log.extent(await log.partitions(topic))
            count = {tp.partition: 0 for tp in extent.end}
            async for records in log.read(extent.begin, extent.end):
                for record in records:
                    if record.offset != count[record.partition]:
                        raise LogIncomplete(f"{topic}-{record.partition} {record.offset}")
                    count[record.partition] += 1
                    out.write(_framed(record))
    return count


def _framed(record: Any) -> bytes:
    key, meta, body = record.key, encode_meta(record.headers), record.value
    lengths = (-1 if key is None else len(key), len(meta), -1 if body is None else len(body))
    return FRAME.pack(record.partition, *lengths) + (key or b"") + meta + (body or b"")


@dataclass(frozen=True)
class Kept:
    """One record as it stood in the log."""

    partition: int
    key: bytes | None
    headers: Headers
    body: bytes | None


def read(file: Path) -> Iterator[Kept]:
    """The records of a saved topic, each partition's in order."""
    with gzip.open(file, "rb") as content:
        while frame := content.read(FRAME.size):
            partition, *lengths = FRAME.unpack(frame)
            key, meta, body = (None if length < 0 else content.read(length) for length in lengths)
            yield Kept(partition, key, decode_meta(meta or b""), body)


async def size(kafka: Address, topic: str) -> int:
    """How many records a topic holds."""
    async with open_log(kafka) as log:
        return (await log.extent(await log.partitions(topic))).records


async def load(kafka: Address, topic: str, file: Path) -> None:
    """Write a saved topic into an empty one of the same shape: record n of a partition is at offset n again."""
    async with AIOKafkaProducer(**reach(kafka), enable_idempotence=True, acks="all", linger_ms=0) as producer:
        loading = _Loading(producer, topic)
        for record in read(file):
            await loading.add(record)
        await loading.finish()


@dataclass
class _Loading:
    producer: AIOKafkaProducer
    topic: str
    open: dict[int, Any] = field(default_factory=dict)
    sent: list[asyncio.Future[Any]] = field(default_factory=list)

    async def add(self, record: Kept) -> None:
        batch = self.open.setdefault(record.partition, self.producer.create_batch())
        if self._appended(batch, record):
            return
        await self._send(record.partition)
        batch = self.open[record.partition] = self.producer.create_batch()
        if not self._appended(batch, record):
            raise LogIncomplete(f"{self.topic}-{record.partition}: a record is larger than a batch")

    def _appended(self, batch: Any, record: Kept) -> bool:
        added = batch.append(key=record.key, value=record.body, timestamp=None, headers=record.headers)
        return added is not None

    async def _send(self, partition: int) -> None:
        batch = self.open.pop(partition)
        batch.close()
        self.sent.append(await self.producer.send_batch(batch, self.topic, partition=partition))
        if len(self.sent) >= UNDER_WAY:
            await self._acknowledged()

    async def _acknowledged(self) -> None:
        done, self.sent = self.sent, []
        await asyncio.gather(*done)

    async def finish(self) -> None:
        for partition in list(self.open):
            await self._send(partition)
        await self._acknowledged()
