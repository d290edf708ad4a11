"""How far each partition has been read: its records checked against the chain, its progress moved once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import asyncpg
import structlog
from aiokafka import TopicPartition

from libs.events.envelope import Recorded, WireRecord, from_kafka
from libs.events.errors import ChainBroken, UnknownEvent
from libs.events.lanes import DIRECTORY_LANE, encode_meta
from libs.log.kafka.topics import DIRECTORY
from libs.log.read.statements import Write, write
from libs.log.store.event_store import Connection

log = structlog.get_logger()

MOVE = """
    stepped as (
      update progress p set next_offset = n.after
        from unnest($1::text[], $2::smallint[], $3::bigint[], $4::bigint[], $5::int[])
             n(topic, partition, before, after, rebuilt)
       where p.topic = n.topic and p.partition = n.partition and p.next_offset = n.before and p.rebuilt = n.rebuilt
      returning true),
    moved as (select where all_moved((select count(*) from stepped), cardinality($1))),
    heads as (
      update source_progress p set seq = n.seq, hash = n.hash, at = greatest(p.at, n.at)
        from unnest($6::smallint[], $7::text[], $8::bigint[], $9::bytea[], $10::timestamptz[])
             n(lane, source, seq, hash, at)
       where p.lane = n.lane and p.source = n.source and exists (select from moved))
"""
"""All of these partitions go on from where they were found, or the statement fails and none of them does."""
REWIND = (
    "update progress set next_offset = 0, rebuilt = rebuilt + 1 where (topic, partition, next_offset) = ($1, $2, $3)"
)


class ProgressMoved(Exception):
    """Another worker was here: read the progress again and go on from there. Not an error."""


@dataclass
class Cursor:
    """Where a partition's reader stands, and the chain head of every source in it."""

    partition: TopicPartition
    next_offset: int
    heads: dict[str, tuple[int, bytes]]
    rebuilt: int = 0
    """How often the progress was set back or the read model replaced: what was read before that may not be written."""

    @property
    def lane(self) -> int:
        """The lane that this partition carries."""
        return DIRECTORY_LANE if self.partition == DIRECTORY else int(self.partition.partition)

    @property
    def begin(self) -> int:
        """The offset to read from: the last record that was read shows whether the log is still the one it was."""
        return max(0, self.next_offset - any(seq for seq, _ in self.heads.values()))

    def stands_behind(self, record: WireRecord | ChainBroken) -> bool:
        """Whether this is a record that may stand before `next_offset`; if not, the log has lost what was read."""
        if isinstance(record, ChainBroken):
            return False
        return self.heads.get(record.source) == (record.position.seq, record.position.hash)


@dataclass(frozen=True)
class CheckedBatch:
    """Records of one partition that follow the chain, duplicates dropped, and where the cursor stands after them."""

    start: Cursor
    events: tuple[Recorded, ...]
    next_offset: int
    heads: dict[str, tuple[int, bytes]]
    duplicates: int
    broken: str | None = None
    """Why the record at `next_offset` halts the partition."""

    @property
    def end(self) -> Cursor:
        """Where the partition's reader stands once this is committed."""
        return replace(self.start, next_offset=self.next_offset, heads=self.heads)


def parsed(record: Any) -> WireRecord | ChainBroken:
    """An aiokafka record, or why it is not one of ours."""
    try:
        return from_kafka(record)
    except ChainBroken as broken:
        return broken


def check_batch(cursor: Cursor, records: Sequence[WireRecord | ChainBroken], offsets: Sequence[int]) -> CheckedBatch:
    """Check the chain record by record; stop before the first that is not the next of its (source, lane). Pure."""
    heads = dict(cursor.heads)
    events: list[Recorded] = []
    duplicates = 0
    next_offset, broken = cursor.next_offset, None
    for record, offset in zip(records, offsets, strict=True):
        try:
            if isinstance(record, ChainBroken):
                raise record
            if _is_next(cursor.lane, heads, record):
                events.append(record.decode())
                heads[record.source] = (record.position.seq, record.position.hash)
            else:
                duplicates += 1
        except (ChainBroken, UnknownEvent) as why:
            broken = f"{type(why).__name__}: {why}"
            break
        next_offset = offset + 1
    return CheckedBatch(cursor, tuple(events), next_offset, heads, duplicates, broken)


def _is_next(lane: int, heads: dict[str, tuple[int, bytes]], record: WireRecord) -> bool:
    place = record.position
    if record.source not in heads or place.lane != lane:
        raise ChainBroken(f"foreign record of {record.source} in lane {lane} at offset {record.offset}")
    seq, head = heads[record.source]
    meta = encode_meta(record.headers)
    if place.expected_hash(meta, record.body) != place.hash:
        raise ChainBroken(f"{record.source} {lane}/{place.seq}: the bytes do not give the hash")
    if place.seq == seq + 1 and place.prev_hash == head:
        return True
    if place.seq < seq or (place.seq == seq and place.hash == head):
        return False
    raise ChainBroken(f"{record.source} {lane}/{place.seq}: expected {seq + 1} after {head.hex()[:12]}")


async def read_cursor(conn: Connection, partition: TopicPartition) -> Cursor:
    """The recorded progress of a partition."""
    there = await conn.fetchrow(
        "select next_offset, rebuilt from progress where topic = $1 and partition = $2", *partition
    )
    cursor = Cursor(partition, there["next_offset"], {}, there["rebuilt"])
    for row in await conn.fetch("select source, seq, hash from source_progress where lane = $1", cursor.lane):
        cursor.heads[row["source"]] = (row["seq"], row["hash"])
    return cursor


async def move(conn: Connection, steps: Sequence[CheckedBatch], writes: Sequence[Write] = ()) -> None:
    """Compare-and-set of the progress, and what else is written only with it. Raises `ProgressMoved`."""
    starts = [step.start for step in steps]
    last = {(step.start.lane, event.source): event for step in steps for event in step.events}
    try:
        await write(
            conn,
            writes,
            MOVE,
            [start.partition.topic for start in starts],
            [start.partition.partition for start in starts],
            [start.next_offset for start in starts],
            [step.next_offset for step in steps],
            [start.rebuilt for start in starts],
            [lane for lane, _ in last],
            [source for _, source in last],
            [event.position.seq for event in last.values()],
            [event.position.hash for event in last.values()],
            [event.recorded_at for event in last.values()],
        )
    except asyncpg.PostgresError as error:
        if error.sqlstate == "XB410":
            raise ProgressMoved from error
        raise
