"""Whatever bytes a stranger writes to a topic: reader, relay and auditor pass them over, name them and go on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from aiokafka import TopicPartition
from hypothesis import given
from hypothesis import strategies as st

from libs.audit.checks.chain import Checker
from libs.audit.checks.findings import Fault
from libs.audit.checks.signatures import Signatures
from libs.events.envelope import WireRecord, wire_instant
from libs.events.lanes import genesis
from libs.log.read.progress import Cursor, check_batch, parsed
from libs.log.watermarks.heartbeat import read_beat
from libs.log.watermarks.watermark import Beat, NoBeat
from tests.keys import PUBLIC
from tests.unit.log.chains import CASE, LANE, MORNING, Chain

SOURCE = "/xunban/intake"


@dataclass
class Given:
    """A Kafka record as a client gives it."""

    headers: Sequence[tuple[str, bytes | None]]
    value: bytes | None
    key: bytes | None
    topic: str = "case.events"
    partition: int = LANE
    offset: int = 0


def on_the_wire(record: WireRecord) -> Given:
    """The record as a relay sends it alone."""
    signature = [] if record.signature is None else [("ce_signature", record.signature.hex().encode())]
    headers = [*record.headers, *record.position.headers(), *signature]
    return Given([*headers], record.body, CASE.encode(), offset=record.offset)


GENUINE = [on_the_wire(record) for record in Chain().grow(2)]
NAMES = [name for name, _ in GENUINE[0].headers]
BYTES = st.none() | st.binary(max_size=80) | st.sampled_from((b"-1", b"0", b"%d" % 2**70, b"%d" % 2**40, b"x" * 64))
INSTANTS = st.sampled_from((b"2026-11-02T09:00:00", b"0001-01-01T00:00:00Z", b"9999-12-31T23:59:59+00:00"))
HEADERS = st.lists(st.tuples(st.sampled_from(NAMES) | st.text(max_size=20), BYTES | INSTANTS), max_size=25)
CHANGED = st.dictionaries(st.sampled_from(NAMES), BYTES | INSTANTS, min_size=1, max_size=3)


@st.composite
def strangers(draw: st.DrawFn) -> Given:
    """Anything at all, or a genuine record of which some headers, the body or the key are something else."""
    if draw(st.booleans()):
        return Given(draw(HEADERS), draw(BYTES), draw(BYTES))
    changed: dict[str, Any] = draw(CHANGED)
    genuine = GENUINE[0]
    headers = [(name, changed.get(name, value)) for name, value in genuine.headers]
    twice = draw(st.sampled_from((None, *NAMES)))
    again: list[tuple[str, bytes | None]] = [(twice, b"1")] if twice else []
    return Given([*headers, *again], draw(BYTES | st.just(genuine.value)), draw(BYTES))


def applied(records: list[Given]) -> list[int]:
    cursor = Cursor(TopicPartition("case.events", LANE), 0, {SOURCE: (0, genesis(SOURCE, LANE))})
    placed = [parsed(Given(**{**vars(one), "offset": offset})) for offset, one in enumerate(records)]
    taken = check_batch(cursor, placed, range(len(records)), PUBLIC.proves)
    assert taken.broken is None
    return [event.position.seq for event in taken.events]


@given(st.lists(strangers(), max_size=4), st.lists(strangers(), max_size=4))
def test_a_reader_takes_the_genuine_events_whatever_stands_between_them(
    before: list[Given], between: list[Given]
) -> None:
    assert applied([*before, GENUINE[0], *between, GENUINE[1]]) == [1, 2]


@given(st.lists(strangers(), min_size=1, max_size=4))
def test_the_auditor_names_strangers_and_still_counts_every_event(between: list[Given]) -> None:
    checker = Checker(proves=PUBLIC.proves)
    records = [GENUINE[0], *between, GENUINE[1]]
    checker.check_all(Given(**{**vars(one), "offset": offset}) for offset, one in enumerate(records))
    checker.end()
    assert checker.events == 2
    assert all(0 < found.offset <= len(between) for found in checker.findings)


@given(st.lists(strangers(), min_size=1, max_size=4))
def test_without_keys_the_auditor_is_not_blinded_either(records: list[Given]) -> None:
    checker = Checker()
    checker.check_all(records)
    checker.end()


@given(BYTES | st.text(max_size=200).map(str.encode), HEADERS, BYTES)
def test_no_bytes_among_the_checkpoints_or_heartbeats_end_who_reads_them(
    body: bytes | None, headers: list[tuple[str, bytes | None]], key: bytes | None
) -> None:
    record = Given(headers, body, key)
    signatures = Signatures(PUBLIC.proves)
    signatures.take(record)
    assert [found.fault for found in signatures.findings] == [Fault.FOREIGN]
    try:
        read_beat(record, PUBLIC.proves)
    except NoBeat:
        return
    raise AssertionError("nobody sent this heartbeat")


@given(st.recursive(BYTES.map(str) | st.integers() | st.floats() | st.none(), st.lists, max_leaves=6))
def test_a_heartbeat_of_any_shape_is_refused_in_one_way(lanes: Any) -> None:
    said = {"source": SOURCE, "sent": wire_instant(MORNING), "lanes": lanes}
    try:
        body = orjson.dumps(said)
    except TypeError:
        return
    try:
        assert Beat.parse(body).lanes == ()
    except NoBeat:
        return
