"""Signed checkpoints against the log: forged signatures, a broken row, cut tails, replaced events. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from libs.audit.checks.chain import KEPT, Head, Record
from libs.audit.checks.findings import Fault, Finding
from libs.events.checkpoint import FIRST, Checkpoint, digest, signed_by

NOWHERE = (None, None, None)


@dataclass
class Signatures:
    """Takes checkpoints in offset order, then judges the heads of the log by them.

    `keys`: source → public Ed25519 key, hex.
    """

    keys: Mapping[str, str]
    checked: int = 0
    findings: list[Finding] = field(default_factory=list)
    _previous: dict[str, str] = field(default_factory=dict)
    _heads: dict[tuple[str, int], dict[int, tuple[str, Record]]] = field(default_factory=dict)

    def take_all(self, records: Iterable[Record]) -> None:
        """Check a batch of checkpoints."""
        for record in records:
            self.take(record)

    def take(self, record: Record) -> None:
        """Check one checkpoint's signature and that it follows its source's one before."""
        body = record.value or b""
        try:
            checkpoint = Checkpoint.parse(body)
        except (ValueError, KeyError, TypeError):
            self._report(Fault.FOREIGN, record, "不是检查点 / not a checkpoint")
            return
        source = checkpoint.source
        signature = dict(record.headers).get("signature", b"")
        if source not in self.keys or not signed_by(self.keys[source], body, signature):
            self._report(Fault.SIGNATURE, record, f"{source[:60]} 的签名无效 / not signed by its source")
            return
        if checkpoint.previous != self._previous.get(source, FIRST):
            self._report(Fault.CHAIN, record, f"{source} 的检查点不相接 / does not follow its last checkpoint")
        self.checked += 1
        self._previous[source] = digest(body)
        for lane, (seq, head) in checkpoint.heads.items():
            self._heads.setdefault((source, lane), {})[seq] = (head, record)

    def judge(self, heads: Mapping[tuple[str, int], Head]) -> None:
        """Every signed head must stand in the log as it was signed."""
        for (source, lane), signed in self._heads.items():
            found = heads.get((source, lane))
            last = found.seq if found else 0
            for seq, (head, record) in signed.items():
                if seq > last:
                    detail = f"日志止于 / the log ends at {last}, 已签 / signed {seq}"
                    self._report(Fault.CUT, record, detail, (source, lane, seq))
                elif found and found.known(seq) != bytes.fromhex(head)[:KEPT]:
                    self._report(Fault.FORK, record, "与已签不符 / not the event that was signed", (source, lane, seq))

    def _report(
        self, fault: Fault, record: Record, detail: str, place: tuple[str | None, int | None, int | None] = NOWHERE
    ) -> None:
        self.findings.append(Finding(fault, record.topic, record.partition, record.offset, detail, *place))
