"""Verifies a whole log: reads every partition once and checks every record. The rules are in checks/chain.py."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from time import perf_counter
from typing import Any

from libs.audit.checks.chain import Checker
from libs.audit.checks.claims import Topics
from libs.audit.checks.findings import Fault, Finding
from libs.audit.checks.signatures import Signatures
from libs.audit.reading import Extent, Log, open_log
from libs.events.envelope import EPOCH, MICROSECOND, microseconds
from libs.events.lanes import CASE_LANES
from libs.events.signature import PublicKeys
from libs.log.kafka.broker import Address
from libs.log.watermarks.heartbeat import read_beat
from libs.log.watermarks.watermark import NoBeat


@dataclass(frozen=True)
class Proven:
    """Until when the log of one source is proven, and by what."""

    source: str
    signed_at: datetime | None
    """When the newest event that it signed was recorded; after that nobody signed."""
    unsigned: int
    """Records in its name that it did not sign: no reader takes them."""
    began: int
    """Events that it had written before signing began, proven by its checkpoints alone."""
    checkpoint: str | None
    """Digest of its newest checkpoint: what an outside witness keeps."""
    checkpoint_at: str | None


@dataclass(frozen=True)
class Report:
    """What was checked, and every fault that was found."""

    events: int
    duplicates: int
    lanes: int
    """(source, lane) chains that hold at least one event."""
    partitions: int
    size: int
    """Bytes of headers and bodies that were hashed."""
    checkpoints: int | None
    """Checkpoints whose signature holds; None where no keys were given to check them by."""
    proven: tuple[Proven, ...]
    """By source; nothing without keys."""
    seconds: float
    findings: tuple[Finding, ...]

    @property
    def sound(self) -> bool:
        """Whether the log is whole and unaltered."""
        return not self.findings


async def verify(
    bootstrap: Address,
    topics: Topics | None = None,
    told: Callable[[int, int], None] = lambda done, of: None,
    keys: PublicKeys | None = None,
    since: Collection[str] = (),
) -> Report:
    """Check the log up to its end as of now; `told` hears how many of how many records are done. Raises `NoLog`.

    With `keys` only what its source has signed counts, and checkpoints and heartbeats are checked too. `since`:
    digests of checkpoints that an outside witness has kept; they need the keys.
    """
    topics = topics or Topics()
    began = perf_counter()
    async with open_log(bootstrap) as log:
        signatures = Signatures(keys.proves, frozenset(since)) if keys else None
        checker = Checker(topics)
        if keys and signatures:
            # Before the log's own end is taken: what was signed and promised by then must stand in it.
            async for records in _all(log, topics.checkpoints):
                signatures.take_all(records)
            promised = await _promised(log, topics, keys)
            checker = Checker(topics, keys.proves, signatures.unsigned, promised)
        cases = await log.partitions(topics.cases)
        partitions = [*cases, *await log.partitions(topics.directory)]
        extent = await log.extent(partitions)
        checker.findings += _cut(extent)
        if len(cases) != CASE_LANES:
            detail = f"{len(cases)} 个分区, 应为 / partitions instead of {CASE_LANES}"
            checker.findings.append(Finding(Fault.FOREIGN, topics.cases, len(cases), 0, detail))
        done = 0
        async for records in log.read(extent.begin, extent.end):
            checker.check_all(records)
            done += len(records)
            told(done, extent.records)
    checker.end()
    if signatures:
        signatures.judge(checker.heads)
    return Report(
        events=checker.events,
        duplicates=checker.duplicates,
        lanes=len(checker.heads),
        partitions=len(partitions),
        size=checker.size,
        checkpoints=signatures.checked if signatures else None,
        proven=_proven(checker, signatures) if signatures else (),
        seconds=perf_counter() - began,
        findings=(*checker.findings, *(signatures.findings if signatures else ())),
    )


async def _all(log: Log, topic: str) -> AsyncIterator[list[Any]]:
    extent = await log.extent(await log.partitions(topic))
    async for records in log.read(extent.begin, extent.end):
        yield records


async def _promised(log: Log, topics: Topics, keys: PublicKeys) -> Mapping[tuple[str, int], tuple[int, int]]:
    """The newest heartbeat of each source: after which number it records nothing before which instant."""
    promised: dict[tuple[str, int], tuple[int, int]] = {}
    async for records in _all(log, topics.heartbeats):
        for record in records:
            try:
                beat = read_beat(record, keys.proves)
            except NoBeat:
                continue  # Refused by every reader; it promises nothing.
            promised |= {(source, lane): (seq, microseconds(at)) for source, lane, seq, at in beat.marks}
    return promised


def _proven(checker: Checker, signatures: Signatures) -> tuple[Proven, ...]:
    sources = sorted({source for source, _ in checker.heads} | signatures.last.keys())
    found = []
    for source in sources:
        checkpoint, made_at = signatures.last.get(source, (None, None))
        signed = checker.signed_at.get(source)
        at = EPOCH + signed * MICROSECOND if signed else None
        unsigned = sum(seq for (one, _), seq in signatures.unsigned.items() if one == source)
        found.append(Proven(source, at, checker.passed_over[source], unsigned, checkpoint, made_at))
    return tuple(found)


def _cut(extent: Extent) -> list[Finding]:
    return [
        Finding(Fault.CUT, tp.topic, tp.partition, offset, f"自 {offset} 起 / begins at offset {offset}")
        for tp, offset in extent.begin.items()
        if offset > 0
    ]
