"""The keys of the log, in files: what a process signs with, and what all sources are proven by."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from libs.events.signature import Proves, PublicKeys, public_keys

log = structlog.get_logger()


def read_key(path: Path) -> Ed25519PrivateKey:
    """A source's signing key, PEM."""
    key = load_pem_private_key(path.read_bytes(), password=None)
    if not isinstance(key, Ed25519PrivateKey):
        raise ValueError(f"{path.name} is not an Ed25519 key")
    return key


def read_public_keys(path: Path) -> PublicKeys:
    """Service → key, or several, hex; the directory's host signs for it too. Raises ValueError, OSError."""
    return public_keys(json.loads(path.read_text()))


@dataclass(frozen=True)
class Keys:
    """What one process signs and proves with."""

    signing: Ed25519PrivateKey
    proves: Proves


class KeysInFile:
    """The public keys of a file that may get more while the process runs: whoever is not known is looked up again."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read_at = path.stat().st_mtime_ns
        self._keys = read_public_keys(path)

    def proves(self, source: str, message: bytes, signature: bytes) -> bool:
        """Whether one of the source's keys made this signature."""
        return self._keys.proves(source, message, signature) or (
            self._has_changed() and self._keys.proves(source, message, signature)
        )

    def _has_changed(self) -> bool:
        try:
            if (there := self._path.stat().st_mtime_ns) == self._read_at:
                return False
            self._keys, self._read_at = read_public_keys(self._path), there
        except (OSError, ValueError) as why:
            log.error("public_keys_unreadable", reason=type(why).__name__)
            return False
        return True
