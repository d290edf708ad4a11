"""What the store adds to an event, and the event on the wire: CloudEvents 1.0, Kafka binding, binary mode. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from libs.events.contracts.registry import decode
from libs.events.decider import Actor
from libs.events.errors import ChainBroken, UnknownEvent
from libs.events.event import Event
from libs.events.ids import new_id
from libs.events.lanes import CHAIN_HEADERS, DIRECTORY_LANE, HASH_SIZE, Headers, encode_meta, leaf_hash, link_hash
from libs.events.signature import HEADER as SIGNATURE
from libs.events.signature import of_head

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
OUTSIDE_META = frozenset((*CHAIN_HEADERS, SIGNATURE))
LONGEST_NAME = 0x3FFF
"""Letters of a header's name: at four bytes each they fit in `meta`."""
ATTRIBUTES = frozenset(
    f"ce_{name}" for name in ("id", "source", "type", "subject", "stream", "time", "actor", "directoryversion")
)
"""What every event of ours says of itself."""


TRACEPARENT = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")


def well_formed(traceparent: str | None) -> str | None:
    """A W3C trace context, else None: whatever else a caller writes there is ignored, and stored nowhere."""
    return traceparent if traceparent and TRACEPARENT.fullmatch(traceparent) else None


def trace_id(traceparent: str | None) -> str | None:
    """The id of the whole trace, for logs."""
    return traceparent.split("-")[1] if traceparent else None


def wire_instant(at: datetime) -> str:
    """RFC 3339, UTC, six digits and `Z`."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def microseconds(at: datetime) -> int:
    """Microseconds since 1970, as the chain hashes them."""
    return (at - EPOCH) // MICROSECOND


@dataclass(frozen=True)
class Provenance:
    """Who and what stands behind an append; every event of it carries this."""

    actor: Actor
    directory_version: int
    causation_id: str | None = None
    cause_recorded_at: datetime | None = None
    traceparent: str | None = None


@dataclass(frozen=True)
class Draft:
    """An event with its final bytes, before the store gives it a place in the lane."""

    id: str
    type: str
    occurred_at: datetime
    meta: bytes
    body: bytes


def draft(event: Event, body: bytes, *, source: str, subject: str, stream: str, at: datetime, by: Provenance) -> Draft:
    """The bytes that are stored, hashed and published; nothing is re-serialised after this."""
    event_id = new_id()
    attributes = {
        "content-type": "application/json",
        "ce_specversion": "1.0",
        "ce_id": event_id,
        "ce_source": source,
        "ce_type": event.ce_type,
        "ce_subject": subject,
        "ce_time": wire_instant(at),
        "ce_dataschema": f"urn:xunban:schema:{event.ce_type}",
        "ce_stream": stream,
        "ce_causationid": by.causation_id,
        "ce_actor": by.actor.person,
        "ce_appointment": by.actor.appointment,
        "ce_directoryversion": str(by.directory_version),
        "ce_traceparent": by.traceparent,
    }
    meta = encode_meta((name, value.encode()) for name, value in attributes.items() if value is not None)
    return Draft(event_id, event.ce_type, at, meta, body)


@dataclass(frozen=True, slots=True)
class Position:
    """Where an event stands in its chain."""

    lane: int
    seq: int
    streamversion: int
    recorded_at: datetime
    prev_hash: bytes
    hash: bytes

    def headers(self) -> Headers:
        """The six chain headers, after all others on the wire."""
        return [
            ("ce_streamversion", str(self.streamversion).encode()),
            ("ce_lane", str(self.lane).encode()),
            ("ce_laneseq", str(self.seq).encode()),
            ("ce_recordedat", wire_instant(self.recorded_at).encode()),
            ("ce_prevhash", self.prev_hash.hex().encode()),
            ("ce_hash", self.hash.hex().encode()),
        ]

    def expected_hash(self, meta: bytes, body: bytes) -> bytes:
        """The hash that these bytes must have here."""
        at = microseconds(self.recorded_at)
        return link_hash(self.prev_hash, leaf_hash(self.lane, self.seq, self.streamversion, at, meta, body))


@dataclass(frozen=True, slots=True)
class Recorded:
    """An event with its place in the log."""

    position: Position
    attributes: Mapping[str, str]
    data: Event
    body: bytes
    """The exact bytes of the log."""

    @property
    def id(self) -> str:
        """`ce_id`."""
        return self.attributes["ce_id"]

    @property
    def traceparent(self) -> str | None:
        """The trace of the request that it came from, where there was one."""
        return well_formed(self.attributes.get("ce_traceparent"))

    def said(self) -> dict[str, str]:
        """What a log line about this event says: ids alone."""
        case = {} if self.position.lane == DIRECTORY_LANE else {"case_id": self.subject}
        traced = trace_id(self.traceparent)
        return {"event_id": self.id, **case, **({"trace_id": traced} if traced else {})}

    @property
    def source(self) -> str:
        """`/xunban/<service>`."""
        return self.attributes["ce_source"]

    @property
    def type(self) -> str:
        """`ce_type`."""
        return self.attributes["ce_type"]

    @property
    def subject(self) -> str:
        """Id of the case or the draft, or the stream id of a directory fact."""
        return self.attributes["ce_subject"]

    @property
    def stream(self) -> str:
        """`case-<id>`, `access-<id>`, `cluster-<id>`, `notice-<id>` or a directory stream."""
        return self.attributes["ce_stream"]

    @property
    def time(self) -> datetime:
        """When it happened."""
        return datetime.fromisoformat(self.attributes["ce_time"])

    @property
    def recorded_at(self) -> datetime:
        """When the system recorded it."""
        return self.position.recorded_at

    @property
    def actor(self) -> str:
        """Person id, client id or `system`."""
        return self.attributes["ce_actor"]

    @property
    def directory_version(self) -> int:
        """The lane-64 sequence number that the decision had applied."""
        return int(self.attributes["ce_directoryversion"])


def recorded(position: Position, headers: Headers, body: bytes) -> Recorded:
    """An event read from the store or the log, decoded; raises `UnknownEvent`."""
    attributes = {name: value.decode(errors="replace") for name, value in headers}
    if missing := ATTRIBUTES - attributes.keys():
        raise UnknownEvent(f"a record without {', '.join(sorted(missing))}")
    return Recorded(position, attributes, decode(attributes["ce_type"], body), body)


@dataclass(frozen=True, slots=True)
class WireRecord:
    """One Kafka record as it stands in the log, its chain fields parsed and its body untouched."""

    position: Position
    source: str
    headers: Headers
    body: bytes
    offset: int
    signature: bytes | None = None

    @property
    def head(self) -> tuple[str, bytes]:
        """Its source, and what the signature, where there is one, must have been made over."""
        return self.source, of_head(self.source, self.position.lane, self.position.seq, self.position.hash)

    def leads_to(self, after: WireRecord) -> bool:
        """Whether the other is the next of the same chain."""
        one, next_one = self.position, after.position
        return self.source == after.source and one.seq + 1 == next_one.seq and one.hash == next_one.prev_hash

    @property
    def intact(self) -> bool:
        """Whether its bytes give its hash."""
        return self.position.expected_hash(encode_meta(self.headers), self.body) == self.position.hash

    def decode(self) -> Recorded:
        """The event inside; raises `UnknownEvent`."""
        return recorded(self.position, self.headers, self.body)


def from_kafka(record: Any) -> WireRecord:
    """Read an aiokafka record, whatever is in it; raises `ChainBroken` where it is not one of ours."""
    try:
        fields = named(record.headers)
        position = Position(
            lane=int(fields["ce_lane"]),
            seq=int(fields["ce_laneseq"]),
            streamversion=int(fields["ce_streamversion"]),
            recorded_at=datetime.fromisoformat(fields["ce_recordedat"].decode()),
            prev_hash=bytes.fromhex(fields["ce_prevhash"].decode()),
            hash=bytes.fromhex(fields["ce_hash"].decode()),
        )
        source = fields["ce_source"].decode()
        _check_bounds(position)
        signature = bytes.fromhex(fields[SIGNATURE].decode()) if SIGNATURE in fields else None
    except (KeyError, ValueError, OverflowError) as error:
        raise ChainBroken(f"foreign record at {record.topic}-{record.partition} offset {record.offset}") from error
    meta = [(name, value) for name, value in record.headers if name not in OUTSIDE_META]
    return WireRecord(position, source, meta, record.value or b"", record.offset, signature)


def named(headers: Sequence[tuple[str, bytes | None]]) -> dict[str, bytes]:
    """Headers by name; raises `ValueError` where one has no value, stands there twice or fits in no `meta`."""
    fields = {name: value for name, value in headers if value is not None}
    if len(fields) != len(headers) or max(map(len, fields), default=0) > LONGEST_NAME:
        raise ValueError("headers that no store of ours could have given")
    return fields


def _check_bounds(place: Position) -> None:
    """Raises `ValueError` for a place that no store of ours could have given."""
    fits = 0 <= place.lane <= DIRECTORY_LANE and 0 < place.seq < 2**63 and 0 < place.streamversion < 2**31
    if not fits or place.recorded_at.tzinfo is None or {len(place.hash), len(place.prev_hash)} != {HASH_SIZE}:
        raise ValueError("out of bounds")
