"""Lanes: which lane a case belongs to, and the hash chain of a (source, lane). Pure (architecture.md §2)."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from hashlib import sha256

CASE_LANES = 64
DIRECTORY_LANE = 64
HASH_SIZE = 32
DIRECTORY_SOURCE = "/xunban/directory"
CHAIN_HEADERS = ("ce_streamversion", "ce_lane", "ce_laneseq", "ce_recordedat", "ce_prevhash", "ce_hash")

Headers = list[tuple[str, bytes]]
_FIXED = struct.Struct(">HQIq").pack


def lane_of(case_id: str) -> int:
    """Lane 0–63 of a case: the first four bytes, big-endian, of SHA-256 over its lower-case id, mod 64."""
    return int.from_bytes(sha256(case_id.lower().encode()).digest()[:4], "big") % CASE_LANES


def source_of(service_source: str, lane: int) -> str:
    """Lane 64 speaks for the directory, whoever hosts it."""
    return DIRECTORY_SOURCE if lane == DIRECTORY_LANE else service_source


def genesis(source: str, lane: int) -> bytes:
    """The `prev` of a lane's first event."""
    return sha256(f"xunban:{source}:{lane}".encode()).digest()


class _Heads(dict[int, bytes]):
    """Length and name of a header and the length of its value, by that length."""

    def __init__(self, name: str) -> None:
        super().__init__()
        raw = name.encode()
        self.start = struct.pack(">H", len(raw)) + raw

    def __missing__(self, size: int) -> bytes:
        head = self.start + struct.pack(">I", size)
        if size < REMEMBERED:
            self[size] = head
        return head


class _Names(dict[str, _Heads]):
    """The same twenty names come with every event."""

    def __missing__(self, name: str) -> _Heads:
        if len(self) > REMEMBERED:
            self.clear()
        self[name] = heads = _Heads(name)
        return heads


REMEMBERED = 256
_HEADS = _Names()


def encode_meta(headers: Iterable[tuple[str, bytes]]) -> bytes:
    """Headers outside the chain fields, in wire order: u16 length, name, u32 length, value."""
    return b"".join([_HEADS[name][len(value)] + value for name, value in headers])


def decode_meta(meta: bytes) -> Headers:
    """The headers back from the stored bytes; `encode_meta(decode_meta(m)) == m`."""
    headers: Headers = []
    at = 0
    while at < len(meta):
        (size,) = struct.unpack_from(">H", meta, at)
        name = meta[at + 2 : at + 2 + size].decode()
        at += 2 + size
        (size,) = struct.unpack_from(">I", meta, at)
        headers.append((name, meta[at + 4 : at + 4 + size]))
        at += 4 + size
    return headers


def leaf_hash(  # noqa: PLR0917 - the order is the formula's
    lane: int, seq: int, streamversion: int, recordedat_us: int, meta: bytes, body: bytes
) -> bytes:
    """What one event contributes to the chain; shows nothing of the event itself."""
    fixed = _FIXED(lane, seq, streamversion, recordedat_us)
    return sha256(b"\x00" + fixed + sha256(meta).digest() + sha256(body).digest()).digest()


def link_hash(prev: bytes, leaf: bytes) -> bytes:
    """The chain's next head."""
    return sha256(b"\x01" + prev + leaf).digest()
