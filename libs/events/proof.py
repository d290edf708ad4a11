"""Which records of a partition their own source has proven, and which are passed over (architecture.md §2). Pure.

A relay sends a batch as one piece and signs its last hash, so what leads to a signed record stands right before it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, Protocol, Self, TypeAlias, TypeVar

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


class Link(Protocol):
    """A record of a chain, however much of it was read."""

    @property
    def head(self) -> tuple[str, bytes]:
        """Its source, and what that signs who ends a batch here."""

    @property
    def signature(self) -> bytes | None:
        """What stands there as the signature."""

    def leads_to(self, after: Self) -> bool:
        """Whether the other is the next of the same chain."""


LinkT = TypeVar("LinkT", bound=Link)


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
            return self._with(()), (), (*self._given_up(), PassedOver(offset, "FOREIGN"))
        if not record.intact:
            return self._with(()), (), (*self._given_up(), PassedOver(offset, "CONTENT"))
        if record.position.seq <= self.unsigned.get(record.source, (0, b""))[0]:
            return self._with(()), (record,), self._given_up()
        waiting, proven, unsigned = follow(self.waiting, record, proves)
        passed = _unsigned(unsigned)
        if record.signature is not None and not proven:
            passed = (*passed, PassedOver(offset, "FORGED"))
        return self._with(waiting), proven, passed

    def _given_up(self) -> Sequence[PassedOver]:
        return _unsigned(self.waiting)

    def _with(self, waiting: tuple[WireRecord, ...]) -> Proof:
        # Most batches are one event: nothing waits before it, and nothing after it.
        return self if waiting == self.waiting == () else replace(self, waiting=waiting)


def follow(
    waiting: tuple[LinkT, ...], record: LinkT, proves: Proves
) -> tuple[tuple[LinkT, ...], Sequence[LinkT], Sequence[LinkT]]:
    """Go on by one record of a partition: what waits for a signature then, what is proven now, what never will be.

    A signed record that is not proven has a false signature; it is in none of the three.
    """
    run, given_up = ((*waiting, record), ()) if waiting and waiting[-1].leads_to(record) else ((record,), waiting)
    if record.signature is None:
        surplus = max(0, len(run) - LONGEST_RUN)
        return run[surplus:], (), (*given_up, *run[:surplus])
    source, head = record.head
    if len(record.signature) == SIZE and proves(source, head, record.signature):
        return (), run, given_up
    return (), (), (*given_up, *run[:-1])


def _unsigned(records: Sequence[WireRecord]) -> Sequence[PassedOver]:
    return tuple(PassedOver(record.offset, "UNSIGNED") for record in records)
