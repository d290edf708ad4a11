"""Whether a log is whole and unaltered: gaps, duplicates, order, content, chain, foreign records. Pure."""

from __future__ import annotations

from binascii import unhexlify
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple, Protocol

from libs.audit.checks.findings import Fault, Finding
from libs.events.contracts import registry
from libs.events.envelope import microseconds
from libs.events.lanes import CHAIN_HEADERS, DIRECTORY_LANE, encode_meta, genesis, lane_of, leaf_hash, link_hash

CASE_SOURCES = frozenset({b"/xunban/intake", b"/xunban/routing", b"/xunban/supervision", b"/xunban/notify"})
DIRECTORY_SOURCES = frozenset({b"/xunban/directory"})
CASE_STREAMS = frozenset({b"case-", b"access-", b"cluster-"})
KEPT = 16
"""Bytes of a hash that are kept of every event, to tell a duplicate from a fork."""
WIDEST_GAP = 1_000_000
"""A record further ahead than this is reported and takes no place in the chain."""
MISSING = bytes(KEPT)
CHAIN_NAMES = frozenset(CHAIN_HEADERS)
OWNERS = {name.encode(): f"/xunban/{kind.owner}".encode() for name, kind in registry.TYPES.items()}
"""Type → the source that alone may append it."""


@dataclass(frozen=True)
class Topics:
    """The topics to read; copies of a log have other names."""

    cases: str = "case.events"
    directory: str = "directory.events"
    checkpoints: str = "audit.checkpoints"


class Record(Protocol):
    """A Kafka record as every client gives it."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]


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


@dataclass
class Head:
    """How far one (source, lane) has been followed."""

    hash: bytes
    seq: int = 0
    at: int = 0
    seen: bytearray = field(default_factory=bytearray)

    def known(self, seq: int) -> bytes:
        """The beginning of the hash that stands at `seq`; `MISSING` where a gap is."""
        return bytes(self.seen[(seq - 1) * KEPT : seq * KEPT])

    def fill(self, seq: int, digest: bytes) -> None:
        """A missing event turned up late."""
        self.seen[(seq - 1) * KEPT : seq * KEPT] = digest[:KEPT]

    def go_to(self, claim: Claim) -> None:
        """The chain goes on from here, over a gap if there is one."""
        self.seen += MISSING * (claim.seq - self.seq - 1) + claim.hash[:KEPT]
        self.seq, self.hash, self.at = claim.seq, claim.hash, claim.at


@dataclass
class Checker:
    """Takes records partition by partition in offset order and remembers every fault."""

    topics: Topics = field(default_factory=Topics)
    events: int = 0
    duplicates: int = 0
    size: int = 0
    """Bytes of headers and bodies that were hashed."""
    findings: list[Finding] = field(default_factory=list)
    heads: dict[tuple[str, int], Head] = field(default_factory=dict)
    _lanes: dict[bytes, int] = field(default_factory=dict)
    _followed: dict[tuple[bytes, int], Head] = field(default_factory=dict)

    def check_all(self, records: Iterable[Record]) -> None:
        """Check a batch."""
        for record in records:
            self.check(record)

    def check(self, record: Record) -> None:
        """Check one record against what it says of itself and against its predecessors."""
        body = record.value or b""
        self.size += len(body)
        claim = self._read(record)
        if claim is None:
            return
        self._check_fit(record, claim)
        meta = _meta(record.headers)
        self.size += len(meta)
        leaf = leaf_hash(claim.lane, claim.seq, claim.version, claim.at, meta, body)
        intact = link_hash(claim.prev, leaf) == claim.hash
        if not intact:
            self._report(Fault.CONTENT, record, "字节与哈希不符 / bytes and hash differ", claim)
        self._place(record, claim, intact=intact)

    def _read(self, record: Record) -> Claim | None:
        """The claim of a record of this log; None, and a finding, for a stranger."""
        try:
            claim = _claim(record.headers)
        except KeyError as missing:
            self._report(Fault.FOREIGN, record, f"缺少消息头 / header missing: {missing.args[0]}")
            return None
        except (ValueError, OverflowError):
            self._report(Fault.FOREIGN, record, "消息头无法读取 / headers cannot be read")
            return None
        if claim.source not in (CASE_SOURCES if record.topic == self.topics.cases else DIRECTORY_SOURCES):
            self._report(Fault.FOREIGN, record, f"来源不明 / unknown source: {_text(claim.source)}")
            return None
        if claim.lane != self._lane(record):
            self._report(Fault.FOREIGN, record, f"不属本分区 / of lane {claim.lane}", claim)
            return None
        return claim

    def _check_fit(self, record: Record, claim: Claim) -> None:
        """What the hash cannot show: key, lane of the case, owner of the type."""
        if record.key != claim.subject:
            self._report(Fault.FOREIGN, record, "记录键与主体不符 / record key and subject differ", claim)
        owner = OWNERS.get(claim.type)
        if owner is None:
            self._report(Fault.FOREIGN, record, f"未知事件类型 / unknown type {_text(claim.type)}", claim)
        elif claim.source != owner:
            self._report(Fault.FOREIGN, record, f"事件不归此来源 / {_text(claim.type)} is not its own", claim)
        if record.topic == self.topics.cases:
            if self._lane_of(claim.subject) != claim.lane:
                self._report(Fault.FOREIGN, record, "案件不属本泳道 / the case belongs to another lane", claim)
            kind_of_stream = claim.stream[: len(claim.stream) - len(claim.subject)]
            if kind_of_stream not in CASE_STREAMS or not claim.stream.endswith(claim.subject):
                self._report(Fault.FOREIGN, record, "流与案件不符 / stream and case differ", claim)

    def _place(self, record: Record, claim: Claim, *, intact: bool) -> None:
        """Follow the chain by one record, or say why it cannot be its next."""
        head = self._followed.get((claim.source, claim.lane)) or self._follow(claim)
        if claim.seq == head.seq + 1:
            if claim.prev != head.hash:
                self._report(Fault.CHAIN, record, f"应接 / expected {head.hash.hex()[:16]}", claim)
            self._take(record, claim, head)
        elif 0 < claim.seq <= head.seq:
            self._repeated(record, claim, head, intact=intact)
        else:
            self._report(Fault.GAP, record, f"缺 / missing {head.seq + 1}–{claim.seq - 1}", claim)
            if intact and head.seq < claim.seq <= head.seq + WIDEST_GAP:
                self._take(record, claim, head)

    def _follow(self, claim: Claim) -> Head:
        source = claim.source.decode()
        head = self.heads[source, claim.lane] = Head(genesis(source, claim.lane))
        self._followed[claim.source, claim.lane] = head
        return head

    def _take(self, record: Record, claim: Claim, head: Head) -> None:
        if claim.at < head.at:
            self._report(Fault.TIME, record, "早于前一事件 / earlier than its predecessor", claim)
        self.events += 1
        head.go_to(claim)

    def _repeated(self, record: Record, claim: Claim, head: Head, *, intact: bool) -> None:
        known = head.known(claim.seq)
        if known == claim.hash[:KEPT]:
            self.duplicates += intact
        elif known == MISSING:
            self._report(Fault.ORDER, record, f"排在 {head.seq} 之后 / after {head.seq}", claim)
            self.events += 1
            head.fill(claim.seq, claim.hash)
        else:
            self._report(Fault.FORK, record, f"已有 / already there: {known.hex()}", claim)

    def _lane(self, record: Record) -> int:
        return record.partition if record.topic == self.topics.cases else DIRECTORY_LANE

    def _lane_of(self, case_id: bytes) -> int:
        lane = self._lanes.get(case_id)
        if lane is None:
            if len(self._lanes) > 100_000:
                self._lanes.clear()
            lane = self._lanes[case_id] = lane_of(case_id.decode(errors="replace"))
        return lane

    def _report(self, fault: Fault, record: Record, detail: str, claim: Claim | None = None) -> None:
        source, lane, seq = (claim.source.decode(), claim.lane, claim.seq) if claim else (None, None, None)
        self.findings.append(Finding(fault, record.topic, record.partition, record.offset, detail, source, lane, seq))


def _claim(headers: Sequence[tuple[str, bytes]]) -> Claim:
    fields = dict(headers)
    return Claim(
        fields["ce_source"],
        int(fields["ce_lane"]),
        int(fields["ce_laneseq"]),
        int(fields["ce_streamversion"]),
        microseconds(datetime.fromisoformat(fields["ce_recordedat"].decode())),
        unhexlify(fields["ce_prevhash"]),
        unhexlify(fields["ce_hash"]),
        fields["ce_type"],
        fields["ce_subject"],
        fields["ce_stream"],
    )


def _meta(headers: Sequence[tuple[str, bytes]]) -> bytes:
    return encode_meta([pair for pair in headers if pair[0] not in CHAIN_NAMES])


def _text(said: bytes) -> str:
    return said[:60].decode(errors="replace")
