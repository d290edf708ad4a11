"""What was fetched of the owned partitions → the reader: several at once, a faulty one by itself. Judges no event."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition

from libs.events.signature import Proves
from libs.log.kafka.topics import DIRECTORY
from libs.log.process.counters import COUNTERS
from libs.log.read.progress import REWIND, CheckedBatch, Cursor, ProgressMoved, check_batch, parsed, read_cursor
from libs.log.read.reader import BatchPlan, PutAside, Reader
from libs.log.store.event_store import Pool
from libs.log.transient import TRANSIENT
from libs.log.watermarks.watermark import Watermarks

log = structlog.get_logger()

KNOWN = "select source, lane, seq, at, coalesce(sent, 'epoch') as sent from watermark"
BATCH = 200
SIDE_BY_SIDE = 6

Share: TypeAlias = Mapping[TopicPartition, Sequence[Any]]
"""Records of some partitions, applied together."""


class NotYet(Exception):
    """Something that the event quotes has not arrived here yet; the partition waits, nothing is lost."""


def shares(got: Share) -> list[dict[TopicPartition, Sequence[Any]]]:
    """What was fetched, in parts of at most a batch; the directory, and a partition that brings more, by itself."""
    found: list[dict[TopicPartition, Sequence[Any]]] = []
    room = 0
    for tp, records in got.items():
        if tp == DIRECTORY or len(records) > room:
            room = 0 if tp == DIRECTORY else BATCH
            found.append({})
        found[-1][tp] = records
        room -= len(records)
    return found


@dataclass
class Partitions:
    """Where each owned partition's reader stands, and the way on from there."""

    pool: Pool
    reader: Reader
    watermarks: Watermarks
    proves: Proves
    applied: Callable[[], None]
    """Called after each transaction."""
    cursors: dict[TopicPartition, Cursor] = field(default_factory=dict)
    _searched: set[tuple[TopicPartition, int]] = field(default_factory=set)
    """Where something signed was missing, and all of the partition was read again for it."""
    _asked_again: set[TopicPartition] = field(default_factory=set)
    """Whose records came from elsewhere than its reader stands, and are asked for again from there."""
    _told: dict[TopicPartition, int] = field(default_factory=dict)
    """Behind the last record of which it was told that it is passed over."""
    _slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(SIDE_BY_SIDE))

    async def start(self, consumer: AIOKafkaConsumer, partitions: Sequence[TopicPartition]) -> None:
        """Partitions were assigned: go on where the database says."""
        async with self.pool.acquire() as conn:
            cursors = {tp: await read_cursor(conn, tp) for tp in partitions}
            rows = await conn.fetch(KNOWN)
        self.cursors |= cursors
        for tp, cursor in cursors.items():
            consumer.seek(tp, cursor.begin)
        fresh = {cursor.lane for cursor in cursors.values()}
        self.watermarks.restore(row for row in rows if row["lane"] in fresh)

    def leave(self, partitions: Iterable[TopicPartition]) -> None:
        """Partitions were revoked."""
        for tp in partitions:
            self.cursors.pop(tp, None)
            self._asked_again.discard(tp)
            self.reader.halted.pop(tp, None)

    async def apply(self, consumer: AIOKafkaConsumer, got: Share) -> None:
        """Everything that was fetched, as far as nothing stands in its way."""
        await asyncio.gather(*(self._together(consumer, share) for share in shares(got)))

    async def _together(self, consumer: AIOKafkaConsumer, share: Share) -> None:
        """Several partitions in one transaction: what is spent on a batch is spent once. Each alone where that fails.

        What fails, and of which partition it is, shows then.
        """
        async with self._slots:
            if len(share) > 1 and await self._all_at_once(share):
                return
        await asyncio.gather(*(self._partition(consumer, tp, records) for tp, records in share.items()))

    async def _all_at_once(self, share: Share) -> bool:
        if not all(self._is_sound(tp, records[0].offset) for tp, records in share.items()):
            return False
        steps = [self._take(tp, records) for tp, records in share.items()]
        if any(step.broken for step in steps):
            return False
        try:
            await self._apply(steps)
        except Exception as why:
            log.info("batches_separated", partitions=len(steps), reason=type(why).__name__)
            return False
        return True

    def _is_sound(self, tp: TopicPartition, offset: int) -> bool:
        """Owned, not halted, and at its place: what stands before that is `_batch`'s to judge."""
        return tp in self.cursors and tp not in self.reader.halted and offset >= self.cursors[tp].next_offset

    async def _partition(self, consumer: AIOKafkaConsumer, tp: TopicPartition, records: Sequence[Any]) -> None:
        async with self._slots:
            while records:
                if tp not in self.cursors or tp in self.reader.halted:
                    return
                if not await self._batch(consumer, tp, records[:BATCH]):
                    return
                records = records[BATCH:]

    def _take(self, tp: TopicPartition, records: Sequence[Any]) -> CheckedBatch:
        offsets = [record.offset for record in records]
        taken = check_batch(self.cursors[tp], [parsed(record) for record in records], offsets, self.proves)
        self._tell(tp, taken)
        return taken

    def _tell(self, tp: TopicPartition, taken: CheckedBatch) -> None:
        """Of each record that is applied by nobody once, however often it is read."""
        for offset, reason in taken.passed_over:
            if offset >= self._told.get(tp, 0):
                self._told[tp] = offset + 1
                COUNTERS.passed_over[reason] += 1
                log.error("record_passed_over", topic=tp.topic, partition=tp.partition, offset=offset, reason=reason)

    async def _batch(self, consumer: AIOKafkaConsumer, tp: TopicPartition, records: Sequence[Any]) -> bool:
        """Apply the next records; False where the rest of them must be fetched again, or by somebody else."""
        cursor = self.cursors[tp]
        if (first := records[0]).offset < cursor.next_offset:
            if first.offset != cursor.begin and tp not in self._asked_again:
                # Fetched from the client's own idea of the beginning, before it was told where this reader stands.
                self._asked_again.add(tp)
                consumer.seek(tp, cursor.begin)
                return False
            self._asked_again.discard(tp)
            if first.offset != cursor.begin or not cursor.stands_behind(parsed(first)):
                await self._rewind(consumer, cursor)
                return False
            records = records[1:]
        taken = self._take(tp, records)
        if taken.gap and (missing := (tp, taken.next_offset)) not in self._searched:
            # It may have been passed over, before the key that proves it was known here.
            self._searched.add(missing)
            await self._rewind(consumer, cursor)
            return False
        if not await self._applied_or_put_back(consumer, taken):
            return False
        if tp in self.reader.halted and tp in self.cursors:
            consumer.pause(tp)
        return tp in self.cursors and self.cursors[tp].next_offset == taken.next_offset

    async def _applied_or_put_back(
        self, consumer: AIOKafkaConsumer, taken: CheckedBatch, instead: BatchPlan | None = None
    ) -> bool:
        """Apply a batch; one that cannot be applied is tried event by event, so that all before the poison is.

        A case that cannot be judged is none: by itself its event is put aside, and the partition goes on.
        """
        tp = taken.start.partition
        try:
            await self._apply([taken], instead)
        except PutAside as aside:
            return await self._applied_or_put_back(consumer, taken, aside.plan)
        except (NotYet, ProgressMoved, *TRANSIENT) as why:
            log.info("batch_put_back", partition=tp.partition, topic=tp.topic, reason=type(why).__name__)
            await asyncio.sleep(0.02 if isinstance(why, NotYet) else 0.2)
            await self._put_back(consumer, taken.start)
            return False
        except Exception as poison:
            if len(taken.events) <= 1:
                self._halt(consumer, taken, poison)
                return False
            for one in taken.one_by_one():
                if not await self._applied_or_put_back(consumer, one):
                    return False
        return True

    async def _apply(self, steps: Sequence[CheckedBatch], instead: BatchPlan | None = None) -> None:
        async with self.pool.acquire() as conn:
            await self.reader.apply(conn, steps, instead)
        for step in steps:
            self._go_on(step)
        self.applied()

    def _go_on(self, step: CheckedBatch) -> None:
        if self.cursors.get(step.start.partition) is not step.start:
            return  # Revoked meanwhile: whoever holds the lane now starts after what was committed here.
        self.cursors[step.start.partition] = step.end
        for event in step.events:
            self.watermarks.apply(event.source, step.start.lane, event.position.seq, event.recorded_at)

    def _halt(self, consumer: AIOKafkaConsumer, taken: CheckedBatch, poison: Exception) -> None:
        cursor, tp = taken.start, taken.start.partition
        if self.cursors.get(tp) is not cursor:
            return
        self.reader.halted[tp] = f"poison: {type(poison).__name__}"
        consumer.pause(tp)
        said = taken.events[0].said() if taken.events else {}
        log.error("partition_halted", partition=tp.partition, topic=tp.topic, **said, exc_info=poison)

    async def _put_back(self, consumer: AIOKafkaConsumer, before: Cursor) -> None:
        tp, cursor = before.partition, before
        try:
            async with self.pool.acquire() as conn:
                cursor = await read_cursor(conn, tp)
        except TRANSIENT as why:
            log.warning("progress_not_read", partition=tp.partition, topic=tp.topic, reason=type(why).__name__)
        if self.cursors.get(tp) is before:
            self.cursors[tp] = cursor
            self.watermarks.catch_up(cursor.lane, cursor.heads)
            consumer.seek(tp, cursor.begin)

    async def _rewind(self, consumer: AIOKafkaConsumer, cursor: Cursor) -> None:
        """The log lost records that we had read: read it all again, what is known being dropped."""
        log.error("log_lost_records", **cursor.partition._asdict(), progress=cursor.next_offset)
        await self.pool.execute(REWIND, *cursor.partition, cursor.next_offset)
        await self._put_back(consumer, cursor)
