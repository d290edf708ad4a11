"""One owner per lane: the worker that holds a partition relays, projects, reacts on and beats for its lane."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import datetime
from time import monotonic
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import KafkaError

from libs.log.kafka.broker import Address, reach
from libs.log.kafka.topics import DIRECTORY
from libs.log.keys import Keys
from libs.log.process.counters import COUNTERS
from libs.log.process.intervals import BRISK, UNASKED_MS, Intervals
from libs.log.read.partitions import Partitions
from libs.log.read.reader import Reader, Work
from libs.log.relay.relay import Relay
from libs.log.store.event_store import Pool
from libs.log.transient import TRANSIENT
from libs.log.watermarks.heartbeat import Heartbeat, heard, read_beat, start_client
from libs.log.watermarks.watermark import Beat, NoBeat, Watermarks, credible
from libs.tuned.kafka_fetches import gather_fetches

log = structlog.get_logger()

TOPICS = ("case.events", "directory.events")


@dataclass
class Worker:
    """The loops of one worker process. Each of them runs for ever or dies loudly."""

    source: str
    pool: Pool
    bootstrap: Address
    keys: Keys
    work: Work
    now: Callable[[], datetime]
    """Real time, whatever the mode."""
    manual: bool = False
    hosts_directory: bool = False
    idle_seconds: float = 0.2
    intervals: Intervals = BRISK
    name: str | None = None
    session_seconds: float = 10.0
    relay: Relay = field(init=False)
    partitions: Partitions = field(init=False)
    heartbeat: Heartbeat = field(init=False)
    watermarks: Watermarks = field(default_factory=Watermarks)
    moved: asyncio.Event = field(default_factory=asyncio.Event)
    """Set whenever a lane's watermark or read model has moved: timers and the sender look again."""
    joined: asyncio.Event = field(default_factory=asyncio.Event)
    stirred: asyncio.Event = field(default_factory=asyncio.Event)
    """Set whenever an event was applied, here or, as its heartbeat says, by any source: the next beat does not wait."""
    heard_at: float = field(default_factory=monotonic)
    """When anything came from `log.heartbeats`: as long as it does, Kafka is there."""
    _storing: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.relay = Relay(self.source, self.pool, self.bootstrap, self.keys, self.idle_seconds, self.intervals.poll)
        self.partitions = Partitions(self.pool, Reader(self.work), self.watermarks, self.keys.proves, self._applied)
        self.heartbeat = Heartbeat(self.source, self.pool, self.bootstrap, self.keys)

    @property
    def lanes(self) -> list[int]:
        """The case lanes owned now."""
        return sorted(tp.partition for tp in self.partitions.cursors if tp.topic == "case.events")

    @property
    def halted(self) -> dict[TopicPartition, str]:
        """The owned partitions that are applied no further, and why."""
        return self.partitions.reader.halted

    @property
    def does_single_jobs(self) -> bool:
        """The holder of `directory.events`-0 beats for the whole service."""
        return DIRECTORY in self.partitions.cursors

    async def consume(self) -> None:
        """Read this worker's partitions for ever."""
        consumer = AIOKafkaConsumer(
            **reach(self.bootstrap),
            group_id=f"xunban.{self.source.rpartition('/')[2]}",
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            group_instance_id=self.name,  # A worker that was killed has its lanes back at once.
            session_timeout_ms=int(self.session_seconds * 1000),
            heartbeat_interval_ms=int(self.session_seconds * 200),
            max_partition_fetch_bytes=1 << 20,
            fetch_max_wait_ms=int(self.intervals.fetch * 1000),
            consumer_timeout_ms=UNASKED_MS,
        )
        consumer.subscribe(topics=list(TOPICS), listener=_Shares(self, consumer))
        await start_client(consumer)
        gather_fetches(consumer, self.intervals.together)
        try:
            while True:
                got = await consumer.getmany(timeout_ms=UNASKED_MS, max_records=2000)
                await self.partitions.apply(consumer, got)
        finally:
            await consumer.stop()

    async def take_over(self, consumer: AIOKafkaConsumer, partitions: Iterable[TopicPartition]) -> None:
        """Partitions were assigned: go on where the database says, relay and beat for their lanes."""
        partitions = list(partitions)
        while True:
            try:
                await self.partitions.start(consumer, partitions)
                break
            except TRANSIENT as why:
                log.warning("assignment_waits", reason=type(why).__name__)
                await asyncio.sleep(0.5)
        self._share_with_relay()
        self.joined.set()

    def give_up(self, partitions: Iterable[TopicPartition]) -> None:
        """Partitions were revoked: stop sending and firing for their lanes."""
        self.partitions.leave(partitions)
        self.watermarks.forget(set(range(65)) - {cursor.lane for cursor in self.partitions.cursors.values()})
        self._share_with_relay()

    def _share_with_relay(self) -> None:
        self.relay.assign({*self.lanes, *({64} if self.hosts_directory and self.does_single_jobs else ())})

    def _applied(self) -> None:
        self.relay.wake.set()  # There may have been reactions.
        self.stirred.set()
        self._tell()

    def _tell(self) -> None:
        self.moved.set()
        if self.watermarks.moved:
            self._storing.set()

    async def listen(self) -> None:
        """Read every source's heartbeats."""
        async with aclosing(heard(self.bootstrap, self.intervals)) as heartbeats:
            async for records in heartbeats:
                if records:
                    self.heard_at = monotonic()
                for record in records:
                    self._hear(record)
                self._tell()

    def _hear(self, record: Any) -> None:
        try:
            beat = read_beat(record, self.keys.proves)
            if not credible(beat, self.now(), manual=self.manual):
                raise NoBeat("ahead")
        except NoBeat as why:
            # Whoever wrote it is silent as far as we know; that is what the lists will say.
            COUNTERS.passed_over["BEAT"] += 1
            log.error("heartbeat_refused", offset=record.offset, reason=str(why))
            return
        if self.watermarks.beat(beat):
            self.stirred.set()

    async def remember(self) -> None:
        """Write moved watermarks down, for lists and for the next holder."""
        while True:
            await self._storing.wait()
            self._storing.clear()
            try:
                async with self.pool.acquire() as conn:
                    await self.watermarks.store(conn)
            except TRANSIENT as why:
                log.warning("watermarks_not_stored", reason=type(why).__name__)
            await asyncio.sleep(self.intervals.store)

    async def beat(self) -> None:
        """Each second: say how far this service's own lanes are complete (single job)."""
        try:
            while True:
                self.stirred.clear()
                if self.does_single_jobs and not self.relay.speechless:
                    await self._beat_once()
                await self.intervals.until_next_beat(self.stirred)
        finally:
            await self.heartbeat.close()

    async def _beat_once(self) -> None:
        try:
            await self.publish_beat()
        except (KafkaError, *TRANSIENT) as why:
            log.warning("beat_missed", reason=type(why).__name__)

    async def publish_beat(self, to: datetime | None = None) -> Beat:
        """Touch the lanes and publish their heads; with `to` the manual clock is advanced first."""
        beat = await self.heartbeat.publish(to)
        self.relay.wake.set()
        return beat

    def loops(self) -> dict[str, Any]:
        """Name → coroutine of every loop; the process dies when one of them does."""
        return {
            "consumer": self.consume(),
            "relay": self.relay.run(),
            "heartbeats": self.listen(),
            "watermarks": self.remember(),
            "beat": self.beat(),
        }


class _Shares(ConsumerRebalanceListener):  # type: ignore[misc]
    """Tells the worker which partitions the group gives it."""

    def __init__(self, worker: Worker, consumer: AIOKafkaConsumer) -> None:
        self._worker = worker
        self._consumer = consumer

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        self._worker.give_up(revoked)

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        await self._worker.take_over(self._consumer, assigned)
