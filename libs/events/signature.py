"""What a source signs with Ed25519, and whether it did: lane heads, heartbeats, checkpoints. Pure.

A signature of a head speaks for the whole chain before it, so one for a batch of events is enough.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from libs.events.lanes import DIRECTORY_SOURCE

HEADER = "ce_signature"
"""On the last event of a batch. No hash covers it, so the same event may be sent with it and without."""
SIZE = 64
Proves = Callable[[str, bytes, bytes], bool]
"""(source, message, signature) → whether a key of that source made it."""


def of_head(source: str, lane: int, seq: int, head: bytes) -> bytes:
    """The message that says: this is what the source's lane holds at `seq`."""
    return b"xunban:head:" + source.encode() + struct.pack(">HQ", lane, seq) + head


def of_beat(body: bytes) -> bytes:
    """The message that says: this is a heartbeat of mine."""
    return b"xunban:beat:" + body


@dataclass(frozen=True)
class PublicKeys:
    """The keys that each source has signed with, the newest and those before it."""

    of: Mapping[str, tuple[Ed25519PublicKey, ...]]

    def proves(self, source: str, message: bytes, signature: bytes) -> bool:
        """Whether one of the source's keys made this signature."""
        return any(_made(key, message, signature) for key in self.of.get(source, ()))


def _made(key: Ed25519PublicKey, message: bytes, signature: bytes) -> bool:
    try:
        key.verify(signature, message)
    except InvalidSignature:
        return False
    return True


def public_keys(services: Mapping[str, str | Iterable[str]]) -> PublicKeys:
    """From service → key, or several, in hex. The host of the directory signs for it too. Raises ValueError."""
    keys = {f"/xunban/{name}": _keys(said) for name, said in services.items()}
    if routing := keys.get("/xunban/routing"):
        keys[DIRECTORY_SOURCE] = routing
    return PublicKeys(keys)


def _keys(said: str | Iterable[str]) -> tuple[Ed25519PublicKey, ...]:
    texts = [said] if isinstance(said, str) else said
    return tuple(Ed25519PublicKey.from_public_bytes(bytes.fromhex(text)) for text in texts)
