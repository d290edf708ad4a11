"""Signed heads of a source's lanes: their bytes, their chain, their signature (architecture.md §7). Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256

import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

FIRST = "0" * 64


@dataclass(frozen=True)
class Checkpoint:
    """What a source's lanes stood at: lane → (seq, hash), as this source itself had read them back from the log."""

    source: str
    at: str
    heads: Mapping[int, tuple[int, str]]
    previous: str
    """SHA-256 of the source's previous checkpoint, hex; zeros for the first."""

    def body(self) -> bytes:
        """The bytes that are signed and published."""
        heads = [[lane, seq, head] for lane, (seq, head) in sorted(self.heads.items())]
        return orjson.dumps({"source": self.source, "at": self.at, "heads": heads, "previous": self.previous})

    @staticmethod
    def parse(body: bytes) -> Checkpoint:
        """A checkpoint as read from the topic; raises ValueError or KeyError for anything else."""
        said = orjson.loads(body)
        heads = {lane: (seq, head) for lane, seq, head in said["heads"]}
        return Checkpoint(said["source"], said["at"], heads, said["previous"])


def digest(body: bytes) -> str:
    """What the next checkpoint names as its previous one."""
    return sha256(body).hexdigest()


def signed_by(public: str, body: bytes, signature: bytes) -> bool:
    """Whether the source's public key (hex) made this signature."""
    try:
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(public)).verify(signature, body)
    except (InvalidSignature, ValueError):
        return False
    return True
