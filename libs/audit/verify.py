"""Verifies a whole log: reads every partition once and checks every record. The rules are in chain.py."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from libs.audit.checks.chain import Checker, Topics
from libs.audit.checks.findings import Fault, Finding
from libs.audit.checks.signatures import Signatures
from libs.audit.reading import Extent, open_log
from libs.events.lanes import CASE_LANES
from libs.log.kafka.broker import Address


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
    keys: Mapping[str, str] | None = None,
) -> Report:
    """Check the log up to its end as of now; `told` hears how many of how many records are done. Raises `NoLog`.

    With `keys` (source → public key, hex) the signed checkpoints are checked too, and the log against them.
    """
    topics = topics or Topics()
    checker = Checker(topics)
    signatures = Signatures(keys or {})
    began = perf_counter()
    async with open_log(bootstrap) as log:
        if keys:
            # Before the log's own end is taken: what was signed by then must stand in it.
            signed = await log.extent(await log.partitions(topics.checkpoints))
            async for records in log.read(signed.begin, signed.end):
                signatures.take_all(records)
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
    signatures.judge(checker.heads)
    return Report(
        events=checker.events,
        duplicates=checker.duplicates,
        lanes=len(checker.heads),
        partitions=len(partitions),
        size=checker.size,
        checkpoints=signatures.checked if keys else None,
        seconds=perf_counter() - began,
        findings=(*checker.findings, *signatures.findings),
    )


def _cut(extent: Extent) -> list[Finding]:
    return [
        Finding(Fault.CUT, tp.topic, tp.partition, offset, f"自 {offset} 起 / begins at offset {offset}")
        for tp, offset in extent.begin.items()
        if offset > 0
    ]


def public_keys(file: Path | None) -> dict[str, str] | None:
    """Source → public key; the host of the directory signs for the directory too."""
    if file is None:
        return None
    services = json.loads(file.read_text())
    return {f"/xunban/{name}": key for name, key in services.items()} | {"/xunban/directory": services["routing"]}
