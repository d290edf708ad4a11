"""Signed heads of a source's lanes: their bytes and their chain (architecture.md §7). Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import orjson

from libs.events.lanes import HASH_SIZE

FIRST = "0" * 64
HEADER = "signature"
"""Of the record: over its body."""


@dataclass(frozen=True)
class Checkpoint:
    """What a source's lanes hold: lane → (seq, hash), as its own table has what came back from the log."""

    source: str
    at: str
    heads: Mapping[int, tuple[int, str]]
    previous: str
    """SHA-256 of the source's previous checkpoint, hex; zeros for the first."""
    unsigned: Mapping[int, tuple[int, str]] | None = None
    """Up to where the lanes were written before their events were signed; None in checkpoints of that time."""

    def body(self) -> bytes:
        """The bytes that are signed and published."""
        said: dict[str, object] = {"source": self.source, "at": self.at}
        said |= {"heads": _rows(self.heads), "previous": self.previous}
        if self.unsigned is not None:
            said["unsigned"] = _rows(self.unsigned)
        return orjson.dumps(said)

    @staticmethod
    def parse(body: bytes) -> Checkpoint:
        """A checkpoint as read from the topic; raises ValueError for anything else."""
        try:
            said = orjson.loads(body)
            unsigned = None if "unsigned" not in said else _heads(said["unsigned"])
            texts = [said[name] for name in ("source", "at", "previous")]
            if not all(isinstance(text, str) for text in texts):
                raise ValueError("no texts")
            return Checkpoint(said["source"], said["at"], _heads(said["heads"]), said["previous"], unsigned)
        except (KeyError, TypeError) as why:
            raise ValueError("not a checkpoint") from why


def _rows(heads: Mapping[int, tuple[int, str]]) -> list[list[int | str]]:
    return [[lane, seq, head] for lane, (seq, head) in sorted(heads.items())]


def _heads(rows: Iterable[Any]) -> dict[int, tuple[int, str]]:
    heads = {lane: (seq, head) for lane, seq, head in rows}
    for lane, (seq, head) in heads.items():
        if (
            type(lane) is not int
            or type(seq) is not int
            or not 0 < seq < 2**63
            or len(bytes.fromhex(head)) != HASH_SIZE
        ):
            raise ValueError("not a head")
    return heads


def digest(body: bytes) -> str:
    """What the next checkpoint names as its previous one."""
    return sha256(body).hexdigest()
