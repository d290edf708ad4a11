"""A restored database catches up with a log that knows more: its own tail comes back from Kafka, erasures are repeated.

A database older than the log would hand out sequence numbers a second time. Nobody may append
before this is done.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import asyncpg
import orjson
from aiokafka import TopicPartition

from libs.audit.reading import Log
from libs.events.envelope import EPOCH, WireRecord
from libs.events.lanes import DIRECTORY_LANE, encode_meta, source_of
from libs.events.proof import Proof
from libs.events.signature import Proves
from libs.events.topics import HEARTBEATS
from libs.log.kafka.topics import DIRECTORY
from libs.log.read.progress import parsed, read_unsigned
from libs.log.store.event_store import Connection
from libs.log.watermarks.heartbeat import read_beat
from libs.log.watermarks.watermark import NoBeat, sources_of
from services.intake.api import files

OF_A_CASE = ("case", "access", "cluster")
LAST_BEATS = 2000
EVENT_COLUMNS = (
    *("lane", "seq", "stream", "version", "case_id", "event_id", "type"),
    *("occurred_at", "recorded_at", "meta", "body", "prev_hash", "hash"),
)
ERASURES = """
    select case_id::text as case_id, body from log.event where type = 'intake.personal-data-erased.v1'
"""
KNOWN_CASES = "select substr(stream, 6) as case_id from log.stream_head where stream like 'case-%'"


class LogForked(Exception):
    """Table and log have different events at one place: somebody appended after the restore, or forged a record."""


@dataclass
class Head:
    """Where a lane of the table stands."""

    seq: int
    hash: bytes


async def import_tail(conn: Connection, source: str, log: Log, proves: Proves) -> int:
    """This service's own events that stand in the log after the table's last; how many came back. As the owner.

    Its own are those that it signed: what somebody else wrote in its name comes into no table.

    `read.progress` belongs to the same snapshot as the table, so what is missing stands behind it. Raises `LogForked`.
    """
    rows = await conn.fetch("select topic, partition, next_offset from read.progress")
    begin = {TopicPartition(row["topic"], row["partition"]): row["next_offset"] for row in rows}
    extent = await log.extent(list(begin))
    behind = {tp: end for tp, end in extent.end.items() if begin[tp] < end}
    heads = {row["lane"]: Head(row["seq"], row["hash"]) for row in await conn.fetch("select * from log.lane_head")}
    found = 0
    proofs = {tp: await _proof(conn, tp) for tp in behind}
    async for records in log.read({tp: begin[tp] for tp in behind}, behind):
        # The directory's lane is only where it is hosted; everybody reads it.
        own = [
            wire for wire in _proven(proofs, records, proves) if _is_own(wire, source) and wire.position.lane in heads
        ]
        if fresh := [wire for wire in own if _follows(heads, wire)]:
            async with conn.transaction():
                await _insert(conn, fresh)
            found += len(fresh)
    await _hear(conn, source, log, proves)
    return found


async def _proof(conn: Connection, tp: TopicPartition) -> Proof:
    lane = DIRECTORY_LANE if tp == DIRECTORY else tp.partition
    return Proof(lane, frozenset(sources_of(lane)), (await read_unsigned(conn, [lane]))[lane])


def _proven(proofs: dict[TopicPartition, Proof], records: Sequence[Any], proves: Proves) -> list[WireRecord]:
    """What these records of one partition prove; `verify` names the others."""
    found: list[WireRecord] = []
    for record in records:
        tp = TopicPartition(record.topic, record.partition)
        proofs[tp], proven, _ = proofs[tp].take(parsed(record), record.offset, proves)
        found += proven
    return found


def _is_own(wire: WireRecord, source: str) -> bool:
    return wire.source == source_of(source, wire.position.lane)


def _follows(heads: Mapping[int, Head], wire: WireRecord) -> bool:
    """Whether it is the next of its lane; False for one that is there already. Raises `LogForked`."""
    place = wire.position
    head = heads[place.lane]
    if place.seq <= head.seq:
        if place.seq == head.seq and place.hash != head.hash:
            raise LogForked(f"{wire.source} {place.lane}/{place.seq}")
        return False
    intact = place.expected_hash(encode_meta(wire.headers), wire.body) == place.hash
    if not intact or (place.seq, place.prev_hash) != (head.seq + 1, head.hash):
        raise LogForked(f"{wire.source} {place.lane}/{place.seq}")
    head.seq, head.hash = place.seq, place.hash
    return True


async def _insert(conn: Connection, events: Sequence[WireRecord]) -> None:
    recorded = [event.decode() for event in events]
    await conn.execute("select from log.lane_head where lane = $1 for update", events[0].position.lane)
    rows = [
        (
            *(one.position.lane, one.position.seq, one.stream, one.position.streamversion),
            *(_case_of(one.stream, one.subject), one.id, one.type, one.time, one.recorded_at),
            *(encode_meta(wire.headers), one.body, one.position.prev_hash, one.position.hash),
        )
        for wire, one in zip(events, recorded, strict=True)
    ]
    await conn.copy_records_to_table("event", schema_name="log", columns=EVENT_COLUMNS, records=rows)
    versions = {one.stream: one.position for one in recorded}
    await conn.execute(
        "insert into log.stream_head select * from unnest($1::text[], $2::smallint[], $3::int[])"
        " on conflict (stream) do update set version = excluded.version",
        list(versions),
        [place.lane for place in versions.values()],
        [place.streamversion for place in versions.values()],
    )
    last = recorded[-1].position
    await conn.execute(
        "update log.lane_head set seq = $2, hash = $3, at = greatest(at, $4), closed = null where lane = $1",
        *(last.lane, last.seq, last.hash, last.recorded_at),
    )
    await conn.execute("update log.mode set now = greatest(now, $1) where kind = 'manual'", last.recorded_at)


def _case_of(stream: str, subject: str) -> str | None:
    return subject if stream.partition("-")[0] in OF_A_CASE else None


async def _hear(conn: Connection, source: str, log: Log, proves: Proves) -> None:
    """What this source had promised: nothing may be recorded before an instant that a heartbeat called complete."""
    promised: dict[int, Any] = {}
    tp = TopicPartition(HEARTBEATS.name, 0)
    extent = await log.extent([tp])
    begin = {tp: max(extent.begin[tp], extent.end[tp] - LAST_BEATS)}
    async for records in log.read(begin, extent.end):
        for record in records:
            with suppress(NoBeat):
                beat = read_beat(record, proves)
                for lane, _, at in beat.lanes if beat.source == source else ():
                    promised[lane] = max(at, promised.get(lane, EPOCH))
    await conn.execute(
        "update log.lane_head h set at = greatest(h.at, p.at)"
        " from unnest($1::smallint[], $2::timestamptz[]) p(lane, at) where h.lane = p.lane",
        list(promised),
        list(promised.values()),
    )


@dataclass(frozen=True)
class Keys:
    """What the vault holds after the erasures were repeated."""

    erased: int
    """Keys that a backup had brought back and that are destroyed again."""
    missing: int
    """Cases whose keys were made after the vault's backup: what they say of people cannot be read any more."""


async def repeat_erasures(intake_url: str, vault_url: str) -> Keys:
    """Destroy again what the log says is destroyed; both as the owner, after intake's tail has come back."""
    intake, vault = await asyncpg.connect(intake_url), await asyncpg.connect(vault_url)
    try:
        erased: dict[str, set[str]] = {}
        for row in await intake.fetch(ERASURES):
            erased.setdefault(row["case_id"], set()).update(orjson.loads(row["body"])["kinds"])
        gone = 0
        for case_id, kinds in erased.items():
            statement = "delete from case_key where case_id = $1 and kind = any($2)"
            gone += int((await vault.execute(statement, case_id, list(kinds))).rpartition(" ")[2])
            if "case" in kinds:
                await intake.execute(files.FORGET, case_id)
        known = {row["case_id"] for row in await intake.fetch(KNOWN_CASES)}
        kept = {row["case_id"] for row in await vault.fetch("select distinct case_id::text as case_id from case_key")}
        return Keys(gone, len(known - kept - erased.keys()))
    finally:
        await vault.close()
        await intake.close()
