"""Which records of a partition their own source has proven, and which are passed over (architecture.md §2). Pure.

A relay sends a batch as one piece and signs its last hash, so what leads to a signed record stands right before it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, TypeAlias

from libs.events.envelope import WireRecord
from libs.events.errors import ChainBroken
from libs.events.signature import SIZE, Proves

Head: TypeAlias = tuple[int, bytes]
"""Sequence number and hash of an event of a lane."""
LONGEST_RUN = 500
"""Events of one signature at most: what a relay sends at once."""


class PassedOver(NamedTuple):
    """A record that is applied by nobody."""

    offset: int
    reason: str
    """FOREIGN: no event of this lane; CONTENT: bytes and hash differ; UNSIGNED; FORGED: with a false signature."""


@dataclass(frozen=True)
class Proof:
    """What has been read of a partition and is not proven yet."""

    lane: int
    sources: frozenset[str]
    """Who writes to the lane."""
    unsigned: Mapping[str, Head]
    """Source → up to where the lane was written before signing began; nothing for most."""
    waiting: tuple[WireRecord, ...] = ()

    def take(
        self, record: WireRecord | ChainBroken, offset: int, proves: Proves
    ) -> tuple[Proof, Sequence[WireRecord], Sequence[PassedOver]]:
        """Go on by one record: what is waiting then, what is proven now, in its order, and what never will be."""
        if isinstance(record, ChainBroken) or record.source not in self.sources or record.position.lane != self.lane:
            return self._without(), (), (*self._given_up(), PassedOver(offset, "FOREIGN"))
        if not record.intact:
            return self._without(), (), (*self._given_up(), PassedOver(offset, "CONTENT"))
        if record.position.seq <= self.unsigned.get(record.source, (0, b""))[0]:
            return self._without(), (record,), self._given_up()
        run, given_up = self._follow(record)
        if record.signature is None:
            return replace(self, waiting=run), (), given_up
        if not _is_signed(record, proves):
            forged = PassedOver(offset, "FORGED")
            return self._without(), (), (*self._given_up(), forged)
        return self._without(), run, given_up

    def _follow(self, record: WireRecord) -> tuple[tuple[WireRecord, ...], Sequence[PassedOver]]:
        """The run that this record goes on, and what it shows to lead nowhere."""
        if self.waiting and _leads_to(self.waiting[-1], record):
            surplus = len(self.waiting) + 1 - LONGEST_RUN
            kept = self.waiting[surplus:] if surplus > 0 else self.waiting
            return (*kept, record), _unsigned(self.waiting[: max(0, surplus)])
        return (record,), self._given_up()

    def _given_up(self) -> Sequence[PassedOver]:
        return _unsigned(self.waiting)

    def _without(self) -> Proof:
        return replace(self, waiting=()) if self.waiting else self


def _leads_to(record: WireRecord, after: WireRecord) -> bool:
    one, next_one = record.position, after.position
    return record.source == after.source and one.seq + 1 == next_one.seq and one.hash == next_one.prev_hash


def _is_signed(record: WireRecord, proves: Proves) -> bool:
    signature = record.signature or b""
    return len(signature) == SIZE and proves(record.source, record.head, signature)


def _unsigned(records: Sequence[WireRecord]) -> Sequence[PassedOver]:
    return tuple(PassedOver(record.offset, "UNSIGNED") for record in records)
