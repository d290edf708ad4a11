"""Reads the log from its beginning to its end as of now, straight from Kafka. Judges nothing."""

from __future__ import annotations

import gc
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from libs.log.kafka.broker import Address, reach

BATCH = 5000
PATIENCE = 60
KEPT_OBJECTS = 1_000_000
"""Ten batches' worth."""


class NoLog(Exception):
    """The broker does not answer, or has no such topic."""


@dataclass(frozen=True)
class Extent:
    """From where to where each partition is read: first offset there is, and the end when reading began."""

    begin: Mapping[TopicPartition, int]
    end: Mapping[TopicPartition, int]

    @property
    def records(self) -> int:
        """How many offsets lie between."""
        return sum(self.end[tp] - self.begin[tp] for tp in self.end)


@dataclass
class Log:
    """An open reader outside any consumer group: it commits nothing and disturbs nobody."""

    consumer: Any
    admin: Any

    async def partitions(self, topic: str) -> list[TopicPartition]:
        """All partitions of a topic; raises `NoLog` where there is none."""
        known = {one["topic"]: one for one in await self.admin.describe_topics() if one["error_code"] == 0}
        if topic not in known:
            raise NoLog(f"没有主题 / no such topic: {topic}")
        numbers = sorted(partition["partition"] for partition in known[topic]["partitions"])
        return [TopicPartition(topic, number) for number in numbers]

    async def extent(self, partitions: Sequence[TopicPartition]) -> Extent:
        """Where these partitions begin and end now."""
        self.consumer.assign(list(partitions))
        for tp in partitions:
            # Without a position the client would look for one behind our back, and fail as there is none.
            self.consumer.seek(tp, 0)
        self.consumer.pause(*partitions)
        begin = await self.consumer.beginning_offsets(list(partitions))
        return Extent(begin, await self.consumer.end_offsets(list(partitions)))

    async def read(
        self, begin: Mapping[TopicPartition, int], end: Mapping[TopicPartition, int]
    ) -> AsyncIterator[list[Any]]:
        """Batches of records of one partition each, in offset order, up to the ends and not one further."""
        self.consumer.assign(list(end))
        unread = {tp for tp in end if begin[tp] < end[tp]}
        for tp in end:
            self.consumer.seek(tp, begin[tp])
        self.consumer.pause(*(set(end) - unread))
        silent = 0
        while unread:
            got = await self.consumer.getmany(timeout_ms=1000, max_records=BATCH)
            silent = 0 if got else silent + 1
            if silent > PATIENCE:
                raise NoLog(f"Kafka {PATIENCE} 秒没有应答 / Kafka has not answered for {PATIENCE} seconds")
            for tp, records in got.items():
                yield [record for record in records if record.offset < end[tp]]
            for tp in [tp for tp in unread if await self.consumer.position(tp) >= end[tp]]:
                unread.discard(tp)
                self.consumer.pause(tp)


@asynccontextmanager
async def open_log(bootstrap: Address) -> AsyncIterator[Log]:
    """Connect; raises `NoLog` where nobody answers."""
    consumer = AIOKafkaConsumer(
        **reach(bootstrap),
        enable_auto_commit=False,
        auto_offset_reset="none",
        fetch_max_bytes=16 << 20,
        max_partition_fetch_bytes=1 << 20,
    )
    admin = AIOKafkaAdminClient(**reach(bootstrap))
    try:
        await consumer.start()
        await admin.start()
        with _tidied_seldom():
            yield Log(consumer, admin)
    except KafkaError as error:
        raise NoLog(f"Kafka 无法读取 / Kafka cannot be read: {bootstrap} ({type(error).__name__})") from error
    finally:
        await admin.close()
        await consumer.stop()


@contextmanager
def _tidied_seldom() -> Iterator[None]:
    """A batch is a hundred thousand headers and no cycle: looking for one takes a sixth of the time.

    What counts towards the threshold is what is kept, so garbage is still found before there is much of it.
    """
    before = gc.get_threshold()
    gc.set_threshold(KEPT_OBJECTS, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
