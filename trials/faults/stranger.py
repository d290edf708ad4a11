"""Somebody who may write to the topics and is no source of ours: what he writes, and where it stands."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random  # noqa: TID251 - seeded: a run can be drawn again
from typing import Any

from aiokafka import AIOKafkaProducer

from libs.audit.reading import open_log
from libs.events.contracts.intake import CaseVoided
from libs.events.decider import SYSTEM
from libs.events.envelope import Position, Provenance, WireRecord, draft, microseconds
from libs.events.ids import PersonId
from libs.events.lanes import CASE_LANES, Headers, decode_meta, leaf_hash, link_hash
from libs.events.topics import CASE_EVENTS, CHECKPOINTS, HEARTBEATS
from libs.log.kafka.broker import Address, reach
from libs.log.kafka.topics import topic_of
from libs.log.read.progress import parsed
from libs.log.watermarks.watermark import SOURCES, Beat
from libs.tuned.kafka_producer import stop_producer

VOIDED = CaseVoided(voided_by=PersonId("zhou-min"), reason="试拨")
NONSENSE: tuple[list[tuple[str, Any]], ...] = (
    [],
    [("ce_lane", None)],
    [("foo", None)],
    [("ce_source", b"/xunban/intake"), ("ce_laneseq", b"-1")],
    [("ce_source", b"/xunban/intake"), ("ce_laneseq", str(2**70).encode())],
    [("x" * 70_000, b"1")],
)
VERY_LATE = datetime(2036, 1, 1, tzinfo=UTC)
Place = tuple[str, int, int]
"""Topic, partition, offset."""


def forged(after: WireRecord) -> tuple[Headers, bytes]:
    """An event that follows this one in its chain, written by somebody else; headers and body."""
    place = after.position
    at, subject = place.recorded_at + timedelta(seconds=1), after.decode().subject
    body = VOIDED.model_dump_json().encode()
    by = Provenance(SYSTEM, 0)
    made = draft(VOIDED, body, source=after.source, subject=subject, stream=f"case-{subject}", at=at, by=by)
    seq, version = place.seq + 1, place.streamversion + 1
    leaf = leaf_hash(place.lane, seq, version, microseconds(at), made.meta, made.body)
    whole = Position(place.lane, seq, version, at, place.hash, link_hash(place.hash, leaf))
    return [*decode_meta(made.meta), *whole.headers()], made.body


@dataclass
class Stranger:
    """Writes what nobody may believe, and remembers where it stands."""

    kafka: Address
    drawn: Random
    written: set[Place] = field(default_factory=set)

    async def writes(self) -> str:
        """One thing that he would try."""
        kinds = {"nonsense": self._nonsense, "forged": self._forged, "heartbeat": self._beat, "checkpoint": self._sign}
        kind = self.drawn.choice(list(kinds))
        await kinds[kind]()
        return kind

    async def _nonsense(self) -> None:
        lane = self.drawn.randrange(CASE_LANES)
        await self._write(CASE_EVENTS.name, lane, [(headers, b"\xff", b"?") for headers in NONSENSE])

    async def _forged(self) -> None:
        """He continues a lane as its source would, from its last record."""
        lane = self.drawn.randrange(CASE_LANES)
        async with open_log(self.kafka) as log:
            extent = await log.extent([topic_of(lane)])
            read = [record async for batch in log.read(extent.begin, extent.end) for record in batch]
        genuine = [one for one in map(parsed, read) if isinstance(one, WireRecord) and one.intact]
        if genuine:
            headers, body = forged(genuine[-1])
            await self._write(CASE_EVENTS.name, lane, [(headers, body, dict(headers)["ce_subject"])])

    async def _beat(self) -> None:
        source = self.drawn.choice(SOURCES)
        beat = Beat(source, VERY_LATE, tuple((lane, 0, VERY_LATE) for lane in range(CASE_LANES)))
        await self._write(HEARTBEATS.name, 0, [([], beat.body(), source.encode())])

    async def _sign(self) -> None:
        await self._write(CHECKPOINTS.name, 0, [([("signature", b"\x00" * 64)], b"{}", b"/xunban/intake")])

    async def _write(self, topic: str, partition: int, records: Iterable[tuple[Any, bytes, bytes]]) -> None:
        producer = AIOKafkaProducer(**reach(self.kafka), acks="all", request_timeout_ms=5000)
        try:
            await producer.start()
            for headers, body, key in records:
                sent = await producer.send_and_wait(topic, body, key=key, partition=partition, headers=headers)
                self.written.add((topic, partition, sent.offset))
        finally:
            await stop_producer(producer)
