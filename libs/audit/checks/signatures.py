"""Signed checkpoints against the log: forged signatures, a broken row, cut tails, replaced events. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from libs.audit.checks.chain import KEPT, Head
from libs.audit.checks.claims import Record
from libs.audit.checks.findings import Fault, Finding
from libs.events.checkpoint import FIRST, HEADER, Checkpoint, digest
from libs.events.signature import Proves

NOWHERE = (None, None, None)


@dataclass
class Signatures:
    """Takes checkpoints in offset order, then judges the heads of the log by them."""

    proves: Proves
    since: frozenset[str] = frozenset()
    """Digests of checkpoints that somebody outside has kept: each must still be there."""
    checked: int = 0
    findings: list[Finding] = field(default_factory=list)
    last: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Source → digest of its newest checkpoint and when it was made."""
    _seen: set[str] = field(default_factory=set)
    _heads: dict[tuple[str, int], dict[int, tuple[str, Record]]] = field(default_factory=dict)
    _unsigned: dict[tuple[str, int], int] = field(default_factory=dict)
    _signing: set[str] = field(default_factory=set)

    def take_all(self, records: Iterable[Record]) -> None:
        """Take a batch."""
        for record in records:
            self.take(record)

    def take(self, record: Record) -> None:
        """Check one checkpoint's signature and that it follows its source's one before."""
        body = record.value or b""
        try:
            checkpoint = Checkpoint.parse(body)
        except ValueError:
            self._report(Fault.FOREIGN, record, "不是检查点 / not a checkpoint")
            return
        source = checkpoint.source
        if not self.proves(source, body, dict(record.headers).get(HEADER) or b""):
            self._report(Fault.SIGNATURE, record, f"{source[:60]} 的签名无效 / not signed by its source")
            return
        if checkpoint.previous != self.last.get(source, (FIRST, ""))[0]:
            self._report(Fault.CHAIN, record, f"{source} 的检查点不相接 / does not follow its last checkpoint")
        self.checked += 1
        self.last[source] = (digest(body), checkpoint.at)
        if self.since:
            self._seen.add(digest(body))
        for lane, (seq, head) in checkpoint.heads.items():
            self._heads.setdefault((source, lane), {})[seq] = (head, record)
        self._where_signing_begins(checkpoint)

    def _where_signing_begins(self, checkpoint: Checkpoint) -> None:
        """The first checkpoint of a source that signs says; before that each one moves it on."""
        source = checkpoint.source
        if checkpoint.unsigned is not None:
            if source not in self._signing:
                self._unsigned = {key: seq for key, seq in self._unsigned.items() if key[0] != source}
            self._signing.add(source)
            self._unsigned |= {(source, lane): seq for lane, (seq, _) in checkpoint.unsigned.items()}
        elif source not in self._signing:
            self._unsigned |= {(source, lane): seq for lane, (seq, _) in checkpoint.heads.items()}

    @property
    def unsigned(self) -> Mapping[tuple[str, int], int]:
        """(source, lane) → up to where its source wrote before it signed: proven by the checkpoints alone."""
        return self._unsigned

    def judge(self, heads: Mapping[tuple[str, int], Head]) -> None:
        """Every signed head must stand in the log as it was signed, and every checkpoint that a witness kept."""
        for (source, lane), signed in self._heads.items():
            found = heads.get((source, lane))
            last = found.seq if found else 0
            for seq, (head, record) in signed.items():
                if seq > last:
                    detail = f"日志止于 / the log ends at {last}, 已签 / signed {seq}"
                    self._report(Fault.CUT, record, detail, (source, lane, seq))
                elif found and found.known(seq) != bytes.fromhex(head)[:KEPT]:
                    self._report(Fault.FORK, record, "与已签不符 / not the event that was signed", (source, lane, seq))
        for kept in sorted(self.since - self._seen):
            detail = f"见证人保存的检查点已不在 / the checkpoint that a witness kept is gone: {kept[:16]}"
            self.findings.append(Finding(Fault.CUT, "audit.checkpoints", 0, 0, detail))

    def _report(
        self, fault: Fault, record: Record, detail: str, place: tuple[str | None, int | None, int | None] = NOWHERE
    ) -> None:
        self.findings.append(Finding(fault, record.topic, record.partition, record.offset, detail, *place))
