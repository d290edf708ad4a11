"""Kafka → projection and reactions, once: progress moves in the transaction of what was done with the records."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import structlog
from aiokafka import TopicPartition

from libs.events import crash
from libs.events.envelope import Recorded, WireRecord, from_kafka
from libs.events.errors import ChainBroken, UnknownEvent
from libs.events.lanes import encode_meta
from libs.events.store import Connection
from libs.events.writing import Write, write

log = structlog.get_logger()

MOVE = """
    moved as (
      update progress set next_offset = $4
       where topic = $1 and partition = $2 and next_offset = $3 and rebuilt = $10 returning true),
    heads as (
      update source_progress p set seq = n.seq, hash = n.hash, at = greatest(p.at, n.at)
        from unnest($6::text[], $7::bigint[], $8::bytea[], $9::timestamptz[]) n(source, seq, hash, at)
       where p.lane = $5 and p.source = n.source and exists (select from moved))
"""
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
        return 64 if self.partition.topic == "directory.events" else int(self.partition.partition)

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
class Taken:
    """A batch of records that follow the chain, duplicates dropped, and where the cursor stands after it."""

    events: tuple[Recorded, ...]
    next_offset: int
    heads: dict[str, tuple[int, bytes]]
    duplicates: int
    broken: str | None = None
    """Why the record at `next_offset` halts the partition."""


def parsed(record: Any) -> WireRecord | ChainBroken:
    """An aiokafka record, or why it is not one of ours."""
    try:
        return from_kafka(record)
    except ChainBroken as broken:
        return broken


def take(cursor: Cursor, records: Sequence[WireRecord | ChainBroken], offsets: Sequence[int]) -> Taken:
    """Check the chain record by record; stop before the first that is not the next of its (source, lane). Pure."""
    heads = dict(cursor.heads)
    events: list[Recorded] = []
    duplicates = 0
    next_offset = cursor.next_offset
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
            return Taken(tuple(events), next_offset, heads, duplicates, f"{type(why).__name__}: {why}")
        next_offset = offset + 1
    return Taken(tuple(events), next_offset, heads, duplicates)


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
    lane = 64 if partition.topic == "directory.events" else partition.partition
    there = await conn.fetchrow(
        "select next_offset, rebuilt from progress where topic = $1 and partition = $2",
        *(partition.topic, partition.partition),
    )
    rows = await conn.fetch("select source, seq, hash from source_progress where lane = $1", lane)
    heads = {row["source"]: (row["seq"], row["hash"]) for row in rows}
    return Cursor(partition, there["next_offset"], heads, there["rebuilt"])


async def move(conn: Connection, cursor: Cursor, taken: Taken, writes: Sequence[Write] = ()) -> None:
    """Compare-and-set of the progress, and what else is written only with it. Raises `ProgressMoved`."""
    last = {event.source: event for event in taken.events}
    moved = await write(
        conn,
        writes,
        MOVE,
        cursor.partition.topic,
        cursor.partition.partition,
        cursor.next_offset,
        taken.next_offset,
        cursor.lane,
        list(last),
        [event.position.seq for event in last.values()],
        [event.position.hash for event in last.values()],
        [event.recorded_at for event in last.values()],
        cursor.rebuilt,
    )
    if not moved:
        raise ProgressMoved


@dataclass(frozen=True)
class Done:
    """What a service makes of a lane's new events, nothing of it carried out yet."""

    writes: Sequence[Write] = ()
    within: Callable[[Connection], Awaitable[None]] | None = None
    """What needs a transaction around it: reactions. It runs after the progress has moved, before the writes."""
    applied: Callable[[], None] = lambda: None
    """Called once it is committed."""


Work = Callable[[Connection, int, Sequence[Recorded]], Awaitable[Done]]
"""A service's part: (connection, lane, events) → what is to be done. It may read; who writes is the reader."""


@dataclass
class Reader:
    """Applies batches of one partition after another; knows nothing of Kafka's group."""

    work: Work
    halted: dict[TopicPartition, str] = field(default_factory=dict)
    duplicates: int = 0

    async def apply(self, conn: Connection, cursor: Cursor, taken: Taken) -> Cursor:
        """One short transaction: progress, read model, reactions. Returns the cursor after it.

        What `work` read before it is still true when the progress moves: whoever writes to the lane's rows moves it.
        """
        if taken.next_offset > cursor.next_offset:
            done = await self.work(conn, cursor.lane, taken.events) if taken.events else Done()
            await self._commit(conn, cursor, taken, done)
            crash.here("reader.after_commit")
            done.applied()
        self.duplicates += taken.duplicates
        if taken.broken:
            self.halted[cursor.partition] = taken.broken
            log.error("partition_halted", partition=cursor.partition.partition, reason=taken.broken)
        return Cursor(cursor.partition, taken.next_offset, taken.heads, cursor.rebuilt)

    async def _commit(self, conn: Connection, cursor: Cursor, taken: Taken, done: Done) -> None:
        if done.within is None:
            crash.here("reader.before_commit")
            await move(conn, cursor, taken, done.writes)
            return
        async with conn.transaction():
            await move(conn, cursor, taken)
            await done.within(conn)
            if done.writes:
                await write(conn, done.writes)
            crash.here("reader.before_commit")
