"""Event ids that stand in a log twice, found with sixteen bytes an event. Pure."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

from libs.audit.checks.claims import Claim, Record

EIGHT_BYTES = 2**64 - 1


class Second(NamedTuple):
    """Where an id stands that stood somewhere before."""

    where: tuple[str, int, int]
    """Topic, partition, offset."""
    source: str
    lane: int
    seq: int


@dataclass
class Ids:
    """The ids of all events, shortened; where each stands is kept by number, so that only what is twice is told."""

    _short: array[int] = field(default_factory=lambda: array("Q"))
    _places: array[int] = field(default_factory=lambda: array("Q"))
    _chains: dict[tuple[str, int, str], int] = field(default_factory=dict)
    _offsets: array[int] = field(default_factory=lambda: array("Q"))

    def add(self, claim: Claim, record: Record) -> None:
        """One more event."""
        self._short.append(hash(claim.id) & EIGHT_BYTES)
        chain = self._chains.setdefault((record.topic, record.partition, claim.name), len(self._chains))
        self._places.append(chain << 48 | claim.seq)
        self._offsets.append(record.offset)

    def twice(self) -> Iterator[Second]:
        """Every event whose id an earlier one has."""
        ordered = sorted(self._short)
        again = {one for one, after in pairwise(ordered) if one == after}
        chains, seen = list(self._chains), set[int]()
        for number, short in enumerate(self._short if again else ()):
            if short not in again:
                continue
            if short in seen:
                chain, seq = divmod(self._places[number], 1 << 48)
                topic, partition, source = chains[chain]
                yield Second((topic, partition, self._offsets[number]), source, partition, seq)
            seen.add(short)
