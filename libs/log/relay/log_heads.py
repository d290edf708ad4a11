"""Where a source's lanes stand in the log itself, whatever its tables say. Sends nothing, halts nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition

from libs.events.envelope import WireRecord
from libs.events.errors import ChainBroken
from libs.events.lanes import genesis, source_of
from libs.events.proof import Head, Proof
from libs.events.signature import Proves
from libs.log.kafka.broker import Address, reach
from libs.log.kafka.topics import topic_of
from libs.log.read.progress import Cursor, parsed, read_unsigned
from libs.log.store.event_store import Pool

log = structlog.get_logger()

READ_SECONDS = 30.0
RECORDED = """
    select s.lane, s.source, s.seq, s.hash, p.next_offset
      from read.source_progress s
      join read.progress p on p.partition = s.lane % 64
                          and p.topic = case s.lane when 64 then 'directory.events' else 'case.events' end
     where s.lane = any($1)
"""
"""Of one instant: a reader may move meanwhile."""


async def heads_in_log(
    pool: Pool, bootstrap: Address, source: str, lanes: Sequence[int], proves: Proves
) -> dict[int, Head]:
    """Each lane's own last proven event in the log, from the recorded progress to the end of its partition."""
    cursors = await _recorded(pool, lanes)
    search = {
        cursor.partition: _Search(source_of(source, lane), cursor, cursor.heads[source_of(source, lane)])
        for lane, cursor in cursors.items()
    }
    consumer = AIOKafkaConsumer(**reach(bootstrap), enable_auto_commit=False, auto_offset_reset="earliest")
    try:
        await consumer.start()
        await _read(consumer, search, proves)
    finally:
        await consumer.stop()
    return {one.cursor.lane: one.last for one in search.values()}


async def _recorded(pool: Pool, lanes: Sequence[int]) -> dict[int, Cursor]:
    cursors: dict[int, Cursor] = {}
    for row in await pool.fetch(RECORDED, list(lanes)):
        cursor = cursors.setdefault(row["lane"], Cursor(topic_of(row["lane"]), row["next_offset"], {}))
        cursor.heads[row["source"]] = (row["seq"], row["hash"])
    unsigned = await read_unsigned(pool, list(lanes))
    return {lane: replace(cursor, unsigned=unsigned[lane]) for lane, cursor in cursors.items()}


@dataclass
class _Search:
    """The last event of one source in one partition, as far as it has been looked for."""

    source: str
    cursor: Cursor
    last: Head
    proof: Proof = field(init=False)

    def __post_init__(self) -> None:
        self.proof = Proof(self.cursor.lane, frozenset(self.cursor.heads), self.cursor.unsigned)

    def start_over(self) -> None:
        """The log is not what had been read: what it still has counts, and the table refills it."""
        log.error("log_lost_records", source=self.source, lane=self.cursor.lane)
        self.last = (0, genesis(self.source, self.cursor.lane))

    def take(self, record: WireRecord | ChainBroken, offset: int, proves: Proves) -> None:
        """What a stranger wrote is passed over: it is not ours to continue."""
        self.proof, proven, _ = self.proof.take(record, offset, proves)
        for one in proven:
            place = one.position
            signed = place.seq > self.cursor.unsigned.get(self.source, self.last)[0] or place.prev_hash == self.last[1]
            if one.source == self.source and place.seq > self.last[0] and signed:
                self.last = (place.seq, place.hash)


async def _read(consumer: AIOKafkaConsumer, search: Mapping[TopicPartition, _Search], proves: Proves) -> None:
    """Look through each partition from where its reader stands, or all of it where the log is not what was read."""
    consumer.assign(list(search))
    ends = await consumer.end_offsets(list(search))
    lost = {tp for tp, one in search.items() if one.cursor.next_offset > ends[tp]}
    starts = {tp: 0 if tp in lost else one.cursor.begin for tp, one in search.items()}
    unproven = {tp for tp, one in search.items() if starts[tp] == one.cursor.begin < one.cursor.next_offset}
    for tp in lost:
        search[tp].start_over()
    reading = {tp for tp in search if starts[tp] < ends[tp]}
    for tp, start in starts.items():
        consumer.seek(tp, start)
    consumer.pause(*(search.keys() - reading))
    while reading:
        async with asyncio.timeout(READ_SECONDS):
            got = await consumer.getmany(timeout_ms=500)
        for tp, records in got.items():
            if tp in unproven and not search[tp].cursor.stands_behind(parsed(records[0])):
                search[tp].start_over()
                consumer.seek(tp, 0)
                continue
            for record in records:
                search[tp].take(parsed(record), record.offset, proves)
        unproven -= got.keys()
        done = {tp for tp in reading if await consumer.position(tp) >= ends[tp]}
        reading -= done
        consumer.pause(*done)
