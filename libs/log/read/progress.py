"""How far each partition has been read: its records checked against the chain, its progress moved once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import asyncpg
import structlog
from aiokafka import TopicPartition

from libs.events.envelope import Recorded, WireRecord, from_kafka
from libs.events.errors import ChainBroken, UnknownEvent
from libs.events.lanes import DIRECTORY_LANE
from libs.events.proof import Head, PassedOver, Proof
from libs.events.signature import Proves
from libs.log.kafka.topics import DIRECTORY
from libs.log.read.statements import Write, write
from libs.log.store.event_store import Connection, Pool

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
UNSIGNED = "select lane, source, seq, hash from log.written_unsigned where lane = any($1)"
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
    """After the last record that was applied; what was passed over behind it is read again by whoever starts here."""
    heads: dict[str, Head]
    rebuilt: int = 0
    """How often the progress was set back or the read model replaced: what was read before that may not be written."""
    unsigned: Mapping[str, Head] = field(default_factory=dict)
    """Source → up to where it wrote before it signed."""
    waiting: tuple[WireRecord, ...] = ()
    """Read, and not proven by their source yet."""

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
    """Records of one partition that their source has proven and that follow its chain, and where that leads."""

    start: Cursor
    events: tuple[Recorded, ...]
    offsets: tuple[int, ...]
    """Of the events."""
    next_offset: int
    heads: dict[str, Head]
    waiting: tuple[WireRecord, ...] = ()
    duplicates: int = 0
    passed_over: tuple[PassedOver, ...] = ()
    broken: str | None = None
    """Why what its source has signed at `next_offset` halts the partition."""
    gap: bool = False
    """What halts it is that something signed is missing here."""

    @cached_property
    def end(self) -> Cursor:
        """Where the partition's reader stands once this is committed."""
        return replace(self.start, next_offset=self.next_offset, heads=self.heads, waiting=self.waiting)

    def before(self, end: int) -> CheckedBatch:
        """The same up to this offset, and nothing of what stands behind it."""
        if self.next_offset <= end:
            return self
        events = tuple(event for event, offset in zip(self.events, self.offsets, strict=True) if offset < end)
        heads = self.start.heads | {event.source: (event.position.seq, event.position.hash) for event in events}
        offsets = self.offsets[: len(events)]
        return CheckedBatch(self.start, events, offsets, offsets[-1] + 1 if offsets else self.start.next_offset, heads)

    def one_by_one(self) -> Iterator[CheckedBatch]:
        """The same events, each in a batch of its own; only the last knows what comes behind them."""
        cursor = self.start
        for event, offset in zip(self.events[:-1], self.offsets, strict=False):
            heads = {**cursor.heads, event.source: (event.position.seq, event.position.hash)}
            yield (step := CheckedBatch(cursor, (event,), (offset,), offset + 1, heads))
            cursor = step.end
        yield replace(self, start=cursor, events=self.events[-1:], offsets=self.offsets[-1:], passed_over=())


def parsed(record: Any) -> WireRecord | ChainBroken:
    """An aiokafka record, or why it is not one of ours."""
    try:
        return from_kafka(record)
    except ChainBroken as broken:
        return broken


def check_batch(
    cursor: Cursor, records: Sequence[WireRecord | ChainBroken], offsets: Sequence[int], proves: Proves
) -> CheckedBatch:
    """Take what each source has proven; stop before what it signed and does not follow here. Pure.

    What nobody has signed is passed over, whatever it says: it belongs to no lane.
    """
    taking = _Taking(cursor, dict(cursor.heads), cursor.next_offset)
    proof = Proof(cursor.lane, frozenset(cursor.heads), cursor.unsigned, cursor.waiting)
    for record, offset in zip(records, offsets, strict=True):
        proof, proven, passed = proof.take(record, offset, proves)
        taking.passed_over += passed
        try:
            for one in proven:
                taking.place(one)
        except (ChainBroken, UnknownEvent) as why:
            taking.broken = f"{type(why).__name__}: {why}"
            break
    return CheckedBatch(
        cursor,
        tuple(taking.events),
        tuple(taking.offsets),
        taking.next_offset,
        taking.heads,
        proof.waiting,
        taking.duplicates,
        tuple(taking.passed_over),
        taking.broken,
        taking.gap,
    )


@dataclass
class _Taking:
    """A batch while it is being checked."""

    start: Cursor
    heads: dict[str, Head]
    next_offset: int
    events: list[Recorded] = field(default_factory=list)
    offsets: list[int] = field(default_factory=list)
    duplicates: int = 0
    passed_over: list[PassedOver] = field(default_factory=list)
    broken: str | None = None
    gap: bool = False

    def place(self, record: WireRecord) -> None:
        """Put a proven record behind its source's last one; raises what halts the partition before it."""
        place = record.position
        seq, head = self.heads[record.source]
        if place.seq < seq or (place.seq, place.hash) == (seq, head):
            self.duplicates += 1
        elif (place.seq, place.prev_hash) == (seq + 1, head) and self._as_pinned(record):
            self.events.append(record.decode())
            self.offsets.append(record.offset)
            self.heads[record.source] = (place.seq, place.hash)
            self.next_offset = record.offset + 1
        elif place.seq <= self._pinned(record)[0]:
            self.passed_over.append(PassedOver(record.offset, "UNSIGNED"))
        else:
            self.gap = place.seq > seq + 1
            raise ChainBroken(f"{record.source} {place.lane}/{place.seq}: expected {seq + 1} after {head.hex()[:12]}")

    def _pinned(self, record: WireRecord) -> Head:
        return self.start.unsigned.get(record.source, (0, b""))

    def _as_pinned(self, record: WireRecord) -> bool:
        """Where signing began the chain must be the one that was found then."""
        seq, head = self._pinned(record)
        return record.position.seq != seq or record.position.hash == head


async def read_cursor(conn: Connection, partition: TopicPartition) -> Cursor:
    """The recorded progress of a partition."""
    there = await conn.fetchrow(
        "select next_offset, rebuilt from progress where topic = $1 and partition = $2", *partition
    )
    cursor = Cursor(partition, there["next_offset"], {}, there["rebuilt"])
    for row in await conn.fetch("select source, seq, hash from source_progress where lane = $1", cursor.lane):
        cursor.heads[row["source"]] = (row["seq"], row["hash"])
    return replace(cursor, unsigned=(await read_unsigned(conn, [cursor.lane]))[cursor.lane])


async def read_unsigned(conn: Connection | Pool, lanes: Sequence[int]) -> dict[int, dict[str, Head]]:
    """Of each lane: source → the last event that it wrote before it signed."""
    unsigned: dict[int, dict[str, Head]] = {lane: {} for lane in lanes}
    for row in await conn.fetch(UNSIGNED, lanes):
        unsigned[row["lane"]][row["source"]] = (row["seq"], row["hash"])
    return unsigned


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
