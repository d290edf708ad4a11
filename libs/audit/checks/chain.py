"""Whether a log is whole, unaltered and its sources' own: order, content, chain, signatures, strangers. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from libs.audit.checks.claims import Claim, Record, Topics, instant, read_claim, shown
from libs.audit.checks.findings import Fault, Finding
from libs.audit.checks.twice import Ids
from libs.events.contracts import registry
from libs.events.contracts.supervision import STEPS
from libs.events.errors import UnknownEvent
from libs.events.lanes import DIRECTORY_LANE, genesis, lane_of
from libs.events.proof import follow
from libs.events.signature import Proves

CASE_SOURCES = frozenset({b"/xunban/intake", b"/xunban/routing", b"/xunban/supervision", b"/xunban/notify"})
DIRECTORY_SOURCES = frozenset({b"/xunban/directory"})
CASE_STREAMS = frozenset({b"case-", b"access-", b"cluster-", b"notice-"})
KEPT = 16
"""Bytes of a hash that are kept of every event, to tell a duplicate from a fork."""
WIDEST_GAP = 1_000_000
"""A record further ahead than this is reported and takes no place in the chain."""
MISSING = bytes(KEPT)
OWNERS = {name.encode(): f"/xunban/{kind.owner}".encode() for name, kind in registry.TYPES.items()}
"""Type → the source that alone may append it."""
STEP_TYPES = frozenset(kind.ce_type.encode() for kind in STEPS)


@dataclass
class Head:
    """How far one (source, lane) has been followed."""

    hash: bytes
    seq: int = 0
    at: int = 0
    seen: bytearray = field(default_factory=bytearray)
    altered: bool = False
    """An event of it is not what it was: which stream it went on nobody knows."""

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
    """Takes records partition by partition in offset order and remembers every fault.

    With `proves` only what a source has signed counts, as for every reader of the log (libs/events/proof.py); without
    keys the records are taken at their word.
    """

    topics: Topics = field(default_factory=Topics)
    proves: Proves | None = None
    unsigned: Mapping[tuple[str, int], int] = field(default_factory=dict)
    """(source, lane) → up to which number it was written before its source signed."""
    promised: Mapping[tuple[str, int], tuple[int, int]] = field(default_factory=dict)
    """(source, lane) → what its heartbeat said: after this number nothing is recorded before this instant (µs)."""
    events: int = 0
    duplicates: int = 0
    passed_over: Counter[str] = field(default_factory=Counter)
    """Source → records in its name that it did not sign."""
    size: int = 0
    """Bytes of headers and bodies that were hashed."""
    findings: list[Finding] = field(default_factory=list)
    heads: dict[tuple[str, int], Head] = field(default_factory=dict)
    signed_at: dict[str, int] = field(default_factory=dict)
    """Source → µs at which its newest signed event was recorded."""
    _lanes: dict[bytes, int] = field(default_factory=dict)
    _followed: dict[tuple[bytes, int], Head] = field(default_factory=dict)
    _waiting: dict[tuple[str, int], tuple[Claim, ...]] = field(default_factory=dict)
    _versions: dict[int, int] = field(default_factory=dict)
    """Of each stream, by the hash of its name: there are millions."""
    _ids: Ids = field(default_factory=Ids)

    def check_all(self, records: Iterable[Record]) -> None:
        """Check a batch."""
        for record in records:
            self.check(record)

    def check(self, record: Record) -> None:
        """Check one record against what it says of itself and against its predecessors."""
        claim = self._read(record)
        if claim is None:
            self._give_up(record.topic, record.partition)
        elif self.proves is None or claim.seq <= self.unsigned.get((claim.name, claim.lane), 0):
            self._give_up(record.topic, record.partition)
            self._take_in(record, claim)
        else:
            self._wait(record, claim, self.proves)

    def end(self) -> None:
        """Nothing more comes: what still waits for a signature has none."""
        for topic, partition in list(self._waiting):
            self._give_up(topic, partition)
        for claim in self._ids.twice():
            detail = "同一事件编号出现两次 / its id stands in the log twice"
            self.findings.append(Finding(Fault.FORK, *claim.where, detail, claim.source, claim.lane, claim.seq))

    def _read(self, record: Record) -> Claim | None:
        """The claim of a record of this log; None, and a finding, for a stranger."""
        try:
            claim, size = read_claim(record)
        except KeyError as missing:
            self._report(Fault.FOREIGN, record, f"缺少消息头 / header missing: {missing.args[0]}")
            return None
        except (ValueError, OverflowError):
            self._report(Fault.FOREIGN, record, "消息头无法读取 / headers cannot be read")
            return None
        self.size += size
        if claim.source not in (CASE_SOURCES if record.topic == self.topics.cases else DIRECTORY_SOURCES):
            self._report(Fault.FOREIGN, record, f"来源不明 / unknown source: {shown(claim.source)}")
            return None
        if claim.lane != self._lane(record):
            self._report(Fault.FOREIGN, record, f"不属本分区 / of lane {claim.lane}", claim)
            return None
        return claim

    def _wait(self, record: Record, claim: Claim, proves: Proves) -> None:
        """Records lead to a signed one, or to nothing."""
        key = (record.topic, record.partition)
        self._waiting[key], proven, unsigned = follow(self._waiting.get(key, ()), claim, proves)
        for one in unsigned:
            self._pass_over(one)
        for one in proven:
            self._take_in(one.record, one)
        if proven:
            self.signed_at[claim.name] = max(claim.at, self.signed_at.get(claim.name, 0))
        elif claim.signature is not None:
            self._report(Fault.SIGNATURE, record, f"{claim.name} 的签名无效 / not signed by its source", claim)
            self.passed_over[claim.name] += 1

    def _give_up(self, topic: str, partition: int) -> None:
        for one in self._waiting.pop((topic, partition), ()):
            self._pass_over(one)

    def _pass_over(self, claim: Claim) -> None:
        head = self._followed.get((claim.source, claim.lane))
        if head and claim.intact and claim.seq <= head.seq and head.known(claim.seq) == claim.hash[:KEPT]:
            self.duplicates += 1
            return
        self.passed_over[claim.name] += 1
        self._report(Fault.UNSIGNED, claim.record, "各读者均略过 / every reader passes it over", claim)

    def _take_in(self, record: Record, claim: Claim) -> None:
        """An event of its source, so far as is known: does it fit, and does it follow?"""
        self._check_fit(record, claim)
        if not claim.intact:
            self._report(Fault.CONTENT, record, "字节与哈希不符 / bytes and hash differ", claim)
        self._place(record, claim)

    def _check_fit(self, record: Record, claim: Claim) -> None:
        """What the hash cannot show: key, lane of the case, owner of the type."""
        if record.key != claim.subject:
            self._report(Fault.FOREIGN, record, "记录键与主体不符 / record key and subject differ", claim)
        owner = OWNERS.get(claim.type)
        if owner is None:
            self._report(Fault.FOREIGN, record, f"未知事件类型 / unknown type {shown(claim.type)}", claim)
        elif claim.source != owner:
            self._report(Fault.FOREIGN, record, f"事件不归此来源 / {shown(claim.type)} is not its own", claim)
        if record.topic == self.topics.cases:
            if self._lane_of(claim.subject) != claim.lane:
                self._report(Fault.FOREIGN, record, "案件不属本泳道 / the case belongs to another lane", claim)
            kind_of_stream = claim.stream[: len(claim.stream) - len(claim.subject)]
            if kind_of_stream not in CASE_STREAMS or not claim.stream.endswith(claim.subject):
                self._report(Fault.FOREIGN, record, "流与案件不符 / stream and case differ", claim)

    def _place(self, record: Record, claim: Claim) -> None:
        """Follow the chain by one record, or say why it cannot be its next."""
        head = self._followed.get((claim.source, claim.lane)) or self._follow(claim)
        if claim.seq == head.seq + 1:
            if claim.prev != head.hash:
                self._report(Fault.CHAIN, record, f"应接 / expected {head.hash.hex()[:16]}", claim)
            self._take(record, claim, head)
        elif 0 < claim.seq <= head.seq:
            self._repeated(record, claim, head)
        else:
            self._report(Fault.GAP, record, f"缺 / missing {head.seq + 1}–{claim.seq - 1}", claim)
            if claim.intact and head.seq < claim.seq <= head.seq + WIDEST_GAP:
                self._take(record, claim, head)

    def _follow(self, claim: Claim) -> Head:
        head = self.heads[claim.name, claim.lane] = Head(genesis(claim.name, claim.lane))
        self._followed[claim.source, claim.lane] = head
        return head

    def _take(self, record: Record, claim: Claim, head: Head) -> None:
        if claim.at < head.at:
            self._report(Fault.TIME, record, "早于前一事件 / earlier than its predecessor", claim)
        self.events += 1
        self._check_event(record, claim, head)
        head.go_to(claim)

    def _check_event(self, record: Record, claim: Claim, head: Head) -> None:
        """What a source that keeps the rules never writes, though it signed it."""
        follows = claim.seq == head.seq + 1
        if claim.type in STEP_TYPES and _is_after(claim.time, claim.at):
            self._report(Fault.TIME, record, "节点晚于登记时间 / a step of an instant still to come", claim)
        seq, instant = self.promised.get((claim.name, claim.lane), (0, 0))
        if claim.seq > seq and claim.at < instant:
            self._report(Fault.TIME, record, "早于心跳所保证的时间 / before what a heartbeat called complete", claim)
        stream = hash((claim.source, claim.stream))
        version = self._versions.get(stream, 0) + 1
        head.altered |= not claim.intact
        if claim.version != version and follows and not head.altered:
            self._report(Fault.ORDER, record, f"流版本应为 / stream version, expected: {version}", claim)
        self._versions[stream] = claim.version
        self._ids.add(claim, record)
        try:
            registry.decode(claim.type.decode(errors="replace"), record.value or b"")
        except UnknownEvent:
            if claim.type in OWNERS and claim.intact:
                self._report(Fault.CONTENT, record, "正文不合其类型 / the body does not fit its type", claim)

    def _repeated(self, record: Record, claim: Claim, head: Head) -> None:
        known = head.known(claim.seq)
        if known == claim.hash[:KEPT]:
            self.duplicates += claim.intact
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
        source, lane, seq = (claim.name, claim.lane, claim.seq) if claim else (None, None, None)
        self.findings.append(Finding(fault, record.topic, record.partition, record.offset, detail, source, lane, seq))


def _is_after(text: bytes, at: int) -> bool:
    try:
        return instant(text) > at
    except ValueError:
        return True
