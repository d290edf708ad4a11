"""One source's chain in one lane, as it would stand in the log; for tests that need records with true hashes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from libs.events.contracts.intake import CaseVoided
from libs.events.decider import SYSTEM
from libs.events.envelope import Position, Provenance, WireRecord, draft
from libs.events.event import Event
from libs.events.lanes import decode_meta, encode_meta, genesis, lane_of
from tests.keys import KEY

CASE = "0191f2a0-0000-7000-8000-000000000001"
LANE = lane_of(CASE)
MORNING = datetime(2026, 11, 2, 1, 0, tzinfo=UTC)
VOIDED = CaseVoided(voided_by="zhou-min", reason="试拨")


@dataclass
class Chain:
    """Appends like the store does, in memory; offsets count from 0 over all records made here."""

    source: str = "/xunban/intake"
    lane: int = LANE
    records: list[WireRecord] = field(default_factory=list)

    def add(self, event: Event = VOIDED, *, ce_type: str | None = None, body: bytes | None = None) -> WireRecord:
        """The next event of the chain; `ce_type` and `body` replace what the event would say."""
        seq = len(self.records) + 1
        made = draft(
            event,
            event.model_dump_json().encode() if body is None else body,
            source=self.source,
            subject=CASE,
            stream=f"case-{CASE}",
            at=MORNING,
            by=Provenance(SYSTEM, 0),
        )
        prev = self.records[-1].position.hash if self.records else genesis(self.source, self.lane)
        headers = [
            (name, ce_type.encode() if ce_type and name == "ce_type" else value)
            for name, value in decode_meta(made.meta)
        ]
        self.records.append(linked(WireRecord(place(self.lane, seq, prev), self.source, headers, made.body, seq - 1)))
        return self.records[-1]

    def grow(self, events: int) -> list[WireRecord]:
        """That many more events; all records so far."""
        for _ in range(events):
            self.add()
        return self.records


def place(lane: int, seq: int, prev: bytes) -> Position:
    """A place in the chain whose hash is still to be computed; a second passes from event to event."""
    return Position(lane, seq, seq, MORNING + timedelta(seconds=seq), prev, b"")


def linked(record: WireRecord) -> WireRecord:
    """The record with the hash that its own bytes give."""
    expected = record.position.expected_hash(encode_meta(record.headers), record.body)
    return signed(replace(record, position=replace(record.position, hash=expected)))


def signed(record: WireRecord, by: Ed25519PrivateKey = KEY) -> WireRecord:
    """The record as the last one of a batch."""
    return replace(record, signature=by.sign(record.head[1]))


def as_one_batch(records: Sequence[WireRecord]) -> list[WireRecord]:
    """The records as a relay sends them at once: the last one alone is signed."""
    return [*(replace(record, signature=None) for record in records[:-1]), records[-1]]
