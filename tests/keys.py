"""The keys that logs of tests are signed and proven with: every source has the same."""

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from libs.events.lanes import DIRECTORY_SOURCE
from libs.events.signature import PublicKeys, of_head
from libs.log.keys import Keys
from libs.log.watermarks.watermark import SOURCES

KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))
STRANGER = Ed25519PrivateKey.from_private_bytes(bytes([1]) * 32)
PUBLIC = PublicKeys(dict.fromkeys((*SOURCES, DIRECTORY_SOURCE), (KEY.public_key(),)))
KEYS = Keys(KEY, PUBLIC.proves)


def signature(source: str, lane: int, seq: int, head: bytes, by: Ed25519PrivateKey = KEY) -> bytes:
    """Of a lane's head."""
    return by.sign(of_head(source, lane, seq, head))
