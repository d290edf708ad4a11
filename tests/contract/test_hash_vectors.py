"""The hash chain reproduces the published vectors byte for byte."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

from libs.events.envelope import Position, microseconds
from libs.events.lanes import decode_meta, encode_meta, genesis, lane_of, leaf_hash, link_hash

VECTORS: dict[str, Any] = json.loads(Path(__file__).with_name("hash-vectors.json").read_text())
EVENTS: list[dict[str, Any]] = VECTORS["events"]


def meta_of(event: dict[str, Any]) -> bytes:
    return encode_meta((name, value.encode()) for name, value in event["headers"])


def test_the_case_lies_in_its_lane() -> None:
    assert lane_of(VECTORS["case_id"]) == VECTORS["lane"]
    assert lane_of(VECTORS["case_id"].upper()) == VECTORS["lane"]


def test_the_chain_begins_at_the_genesis_of_source_and_lane() -> None:
    assert genesis(VECTORS["source"], VECTORS["lane"]).hex() == VECTORS["genesis"]


def test_each_leaf_and_each_link_is_reproduced() -> None:
    prev = bytes.fromhex(VECTORS["genesis"])
    for event in EVENTS:
        at = microseconds(datetime.fromisoformat(event["recordedat"]))
        body = event["body"].encode()
        leaf = leaf_hash(VECTORS["lane"], event["seq"], event["streamversion"], at, meta_of(event), body)
        prev = link_hash(prev, leaf)
        assert (leaf.hex(), prev.hex()) == (event["leaf"], event["hash"])


def test_what_a_reader_expects_of_a_record_is_the_same_hash() -> None:
    first = EVENTS[0]
    position = Position(
        lane=VECTORS["lane"],
        seq=1,
        streamversion=1,
        recorded_at=datetime.fromisoformat(first["recordedat"]),
        prev_hash=bytes.fromhex(VECTORS["genesis"]),
        hash=bytes.fromhex(first["hash"]),
    )

    assert position.expected_hash(meta_of(first), first["body"].encode()).hex() == first["hash"]


def test_stored_headers_come_back_as_they_were() -> None:
    meta = meta_of(EVENTS[1])

    assert encode_meta(decode_meta(meta)) == meta
