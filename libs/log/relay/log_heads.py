"""Where a source's lanes stand in the log itself, whatever its tables say. Sends nothing, halts nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition

from libs.events.errors import ChainBroken
from libs.events.lanes import source_of
from libs.log.kafka.broker import Address, reach
from libs.log.kafka.topics import topic_of
from libs.log.read.progress import Cursor, parsed
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
Head: TypeAlias = tuple[int, bytes]
"""Sequence number and hash of a lane's last event."""
NOTHING: Head = (0, b"")


async def heads_in_log(pool: Pool, bootstrap: Address, source: str, lanes: Sequence[int]) -> dict[int, Head]:
    """Each lane's own last event in the log, looked for from the recorded progress to the end of its partition."""
    cursors = await _recorded(pool, lanes)
    consumer = AIOKafkaConsumer(**reach(bootstrap), enable_auto_commit=False, auto_offset_reset="earliest")
    try:
        await consumer.start()
        last, lost = await _read(consumer, source, {cursor.partition: cursor for cursor in cursors.values()})
    finally:
        await consumer.stop()
    for lane in lost:
        # What the log still has of what we had read is what counts, and the table refills it.
        log.error("log_lost_records", source=source, lane=lane)
    known = {
        lane: NOTHING if lane in lost else cursor.heads[source_of(source, lane)] for lane, cursor in cursors.items()
    }
    return {lane: max(head, last.get(lane, NOTHING), key=lambda one: one[0]) for lane, head in known.items()}


async def _recorded(pool: Pool, lanes: Sequence[int]) -> dict[int, Cursor]:
    cursors: dict[int, Cursor] = {}
    for row in await pool.fetch(RECORDED, list(lanes)):
        cursor = cursors.setdefault(row["lane"], Cursor(topic_of(row["lane"]), row["next_offset"], {}))
        cursor.heads[row["source"]] = (row["seq"], row["hash"])
    return cursors


async def _read(
    consumer: AIOKafkaConsumer, source: str, cursors: Mapping[TopicPartition, Cursor]
) -> tuple[dict[int, Head], set[int]]:
    """The source's last event per lane after the progress, and the lanes whose log is not what had been read."""
    consumer.assign(list(cursors))
    ends = await consumer.end_offsets(list(cursors))
    lost = {tp for tp, cursor in cursors.items() if cursor.next_offset > ends[tp]}
    starts = {tp: 0 if tp in lost else cursor.begin for tp, cursor in cursors.items()}
    unproven = {tp for tp, cursor in cursors.items() if starts[tp] == cursor.begin < cursor.next_offset}
    reading = {tp for tp in cursors if starts[tp] < ends[tp]}
    for tp, start in starts.items():
        consumer.seek(tp, start)
    consumer.pause(*(cursors.keys() - reading))
    last: dict[int, Head] = {}
    while reading:
        async with asyncio.timeout(READ_SECONDS):
            got = await consumer.getmany(timeout_ms=500)
        for tp, records in got.items():
            if tp in unproven and not cursors[tp].stands_behind(parsed(records[0])):
                lost.add(tp)
                consumer.seek(tp, 0)
            else:
                _take_last(source, cursors[tp].lane, records, last)
        unproven -= got.keys()
        done = {tp for tp in reading if await consumer.position(tp) >= ends[tp]}
        reading -= done
        consumer.pause(*done)
    return last, {cursors[tp].lane for tp in lost}


def _take_last(source: str, lane: int, records: Iterable[Any], last: dict[int, Head]) -> None:
    for record in map(parsed, records):
        if isinstance(record, ChainBroken) or record.source != source_of(source, lane):
            continue  # A stranger's: the reader halts on it and `verify` names it; it is not ours to continue.
        if record.position.seq > last.get(lane, NOTHING)[0]:
            last[lane] = record.position.seq, record.position.hash
