"""What a record of the log says of itself, as the auditor reads it. Pure."""

from __future__ import annotations

from binascii import unhexlify
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol

from libs.events.envelope import OUTSIDE_META, microseconds, named
from libs.events.lanes import DIRECTORY_LANE, HASH_SIZE, encode_meta, leaf_hash, link_hash
from libs.events.signature import HEADER as SIGNATURE
from libs.events.signature import of_head


@dataclass(frozen=True)
class Topics:
    """The topics to read; copies of a log have other names."""

    cases: str = "case.events"
    directory: str = "directory.events"
    checkpoints: str = "audit.checkpoints"
    heartbeats: str = "log.heartbeats"


class Record(Protocol):
    """A Kafka record as every client gives it."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]]


class Claim(NamedTuple):
    """What a record says of itself; texts as the bytes they are, for they are compared, seldom shown."""

    source: bytes
    lane: int
    seq: int
    version: int
    at: int
    prev: bytes
    hash: bytes
    type: bytes
    subject: bytes
    stream: bytes
    id: bytes
    time: bytes
    signature: bytes | None
    intact: bool
    """Whether its bytes give its hash."""
    record: Record

    @property
    def name(self) -> str:
        """The source, as text."""
        return self.source.decode()

    @property
    def head(self) -> tuple[str, bytes]:
        """Its source, and what the signature, where there is one, must have been made over."""
        return self.name, of_head(self.name, self.lane, self.seq, self.hash)

    def leads_to(self, after: Claim) -> bool:
        """Whether the other is the next of the same chain."""
        return self.source == after.source and self.seq + 1 == after.seq and self.hash == after.prev


def read_claim(record: Record) -> tuple[Claim, int]:
    """The claim of a record and how many bytes were hashed; raises KeyError, ValueError or OverflowError for others."""
    fields = named(record.headers)
    lane, seq, version = int(fields["ce_lane"]), int(fields["ce_laneseq"]), int(fields["ce_streamversion"])
    at, prev, digest = instant(fields["ce_recordedat"]), unhexlify(fields["ce_prevhash"]), unhexlify(fields["ce_hash"])
    if not (0 <= lane <= DIRECTORY_LANE and 0 < seq < 2**63 and 0 < version < 2**31):
        raise ValueError("out of bounds")
    if {len(prev), len(digest)} != {HASH_SIZE}:
        raise ValueError("not a hash")
    meta = encode_meta([pair for pair in fields.items() if pair[0] not in OUTSIDE_META])
    body = record.value or b""
    claim = Claim(
        fields["ce_source"],
        lane,
        seq,
        version,
        at,
        prev,
        digest,
        fields["ce_type"],
        fields["ce_subject"],
        fields["ce_stream"],
        fields["ce_id"],
        fields["ce_time"],
        unhexlify(fields[SIGNATURE]) if SIGNATURE in fields else None,
        link_hash(prev, leaf_hash(lane, seq, version, at, meta, body)) == digest,
        record,
    )
    return claim, len(meta) + len(body)


def instant(text: bytes) -> int:
    """Microseconds since 1970; raises ValueError for what is no instant."""
    at = datetime.fromisoformat(text.decode())
    if at.tzinfo is None:
        raise ValueError("an instant without zone")
    return microseconds(at)


def shown(said: bytes) -> str:
    """A few letters of what a stranger wrote."""
    return said[:60].decode(errors="replace")
