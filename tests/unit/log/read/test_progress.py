"""`take`: which records of a partition are the next of their chain, and where it stops. No Kafka, no database."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from aiokafka import TopicPartition
from hypothesis import given
from hypothesis import strategies as st

from libs.events.contracts.intake import CaseVoided
from libs.events.envelope import Recorded, WireRecord
from libs.events.errors import ChainBroken
from libs.events.ids import PersonId
from libs.events.lanes import genesis
from libs.log.read.progress import CheckedBatch, Cursor, check_batch
from tests.unit.log.chains import LANE, Chain, linked

INTAKE, ROUTING = "/xunban/intake", "/xunban/routing"
OTHER = CaseVoided(voided_by=PersonId("zhou-min"), reason="重复录入")


def cursor(*applied: WireRecord) -> Cursor:
    """A reader that has applied these."""
    heads = {source: (0, genesis(source, LANE)) for source in (INTAKE, ROUTING)}
    heads |= {record.source: (record.position.seq, record.position.hash) for record in applied}
    return Cursor(TopicPartition("case.events", LANE), 0, heads)


def read(records: Sequence[WireRecord | ChainBroken], start: Cursor | None = None) -> CheckedBatch:
    """The records as they stand in the partition, one offset after another."""
    return check_batch(start or cursor(), records, range(len(records)))


def sequence(taken: CheckedBatch) -> list[tuple[str, int]]:
    return [(event.source, event.position.seq) for event in taken.events]


def test_the_events_of_a_chain_are_taken_in_their_order() -> None:
    taken = read(Chain().grow(3))
    assert sequence(taken) == [(INTAKE, 1), (INTAKE, 2), (INTAKE, 3)]
    assert (taken.next_offset, taken.duplicates, taken.broken) == (3, 0, None)


def test_two_sources_share_a_partition_each_with_its_own_chain() -> None:
    intake, routing = Chain(INTAKE).grow(2), Chain(ROUTING).grow(2)
    taken = read([routing[0], intake[0], intake[1], routing[1]])
    assert sequence(taken) == [(ROUTING, 1), (INTAKE, 1), (INTAKE, 2), (ROUTING, 2)]
    assert taken.heads[INTAKE] == (2, intake[1].position.hash)


def test_a_record_sent_twice_is_taken_once() -> None:
    one, two, three = Chain().grow(3)
    taken = read([one, two, one, two, three])
    assert sequence(taken) == [(INTAKE, 1), (INTAKE, 2), (INTAKE, 3)]
    assert (taken.next_offset, taken.duplicates) == (5, 2)


def test_a_missing_record_halts_before_the_gap() -> None:
    one, _, three = Chain().grow(3)
    taken = read([one, three])
    assert (sequence(taken), taken.next_offset) == ([(INTAKE, 1)], 1)
    assert taken.broken is not None
    assert "expected 2" in taken.broken


def test_another_record_with_the_same_number_halts_instead_of_passing_for_a_duplicate() -> None:
    one, two = Chain().grow(2)
    fork = Chain()
    fork.records.append(one)
    taken = read([one, two, fork.add(OTHER)])
    assert (sequence(taken), taken.next_offset) == ([(INTAKE, 1), (INTAKE, 2)], 2)
    assert taken.broken is not None


def test_a_record_that_continues_another_past_halts() -> None:
    one = Chain().add()
    other_past = Chain()
    other_past.add(OTHER)
    taken = read([one, other_past.add()])
    assert (sequence(taken), taken.next_offset) == ([(INTAKE, 1)], 1)
    assert taken.broken is not None


def test_changed_bytes_halt() -> None:
    one, two = Chain().grow(2)
    changed = replace(two, body=two.body.replace(b"zhou-min", b"zhou-mei"))
    taken = read([one, changed])
    assert (sequence(taken), taken.next_offset) == ([(INTAKE, 1)], 1)
    assert taken.broken is not None
    assert "do not give the hash" in taken.broken


def test_a_changed_header_halts() -> None:
    (one,) = Chain().grow(1)
    headers = [(name, b"chen-yu" if name == "ce_actor" else value) for name, value in one.headers]
    assert read([replace(one, headers=headers)]).broken is not None


def test_a_source_that_does_not_belong_here_halts() -> None:
    one = Chain().add()
    taken = read([one, Chain("/xunban/somebody").add()])
    assert (sequence(taken), taken.next_offset) == ([(INTAKE, 1)], 1)
    assert taken.broken is not None
    assert "foreign" in taken.broken


def test_a_record_of_another_lane_halts() -> None:
    astray = Chain(lane=LANE - 1).add()
    assert read([astray]).broken is not None


def test_a_record_that_could_not_be_read_halts_there() -> None:
    one, two = Chain().grow(2)
    taken = read([one, ChainBroken("foreign record"), two])
    assert (sequence(taken), taken.next_offset) == ([(INTAKE, 1)], 1)


def test_a_type_newer_than_this_code_halts_before_it_and_keeps_the_chain_there() -> None:
    chain = Chain()
    one = chain.add()
    newer = chain.add(ce_type="intake.case-voided.v2")
    taken = read([one, newer, chain.add()])
    assert (sequence(taken), taken.next_offset) == ([(INTAKE, 1)], 1)
    assert taken.heads[INTAKE] == (1, one.position.hash)
    assert taken.broken == "UnknownEvent: intake.case-voided.v2"


def test_a_body_that_does_not_fit_its_type_halts_like_an_unknown_one() -> None:
    chain = Chain()
    taken = read([chain.add(), chain.add(body=b"[]")])
    assert (sequence(taken), taken.next_offset) == ([(INTAKE, 1)], 1)
    assert taken.broken is not None


def test_after_the_halt_is_mended_reading_goes_on_exactly_there() -> None:
    one, two, three = Chain().grow(3)
    halted = read([one, three])
    start = Cursor(TopicPartition("case.events", LANE), halted.next_offset, halted.heads)
    taken = check_batch(start, [two, three], [1, 2])
    assert sequence(taken) == [(INTAKE, 2), (INTAKE, 3)]


def test_a_record_with_a_true_hash_but_a_number_of_its_own_halts() -> None:
    one, two = Chain().grow(2)
    renumbered = linked(replace(two, position=replace(two.position, seq=9)))
    assert read([one, renumbered]).broken is not None


@given(st.data())
def test_however_a_relay_repeats_itself_every_event_is_taken_once_in_order(data: st.DataObject) -> None:
    """A relay may start again anywhere at or below its last position + 1, any number of times."""
    chain = Chain().grow(8)
    log: list[WireRecord] = []
    position = 0
    for _ in range(data.draw(st.integers(1, 6), label="starts")):
        start = data.draw(st.integers(0, position), label="from")
        end = data.draw(st.integers(start, 8), label="to")
        log += chain[start:end]
        position = max(position, end)
    taken = read(log)
    assert sequence(taken) == [(INTAKE, seq) for seq in range(1, position + 1)]
    assert taken.broken is None
    assert taken.duplicates == len(log) - position


@given(st.lists(st.integers(0, 20), max_size=4))
def test_how_the_log_is_cut_into_batches_makes_no_difference(cuts: list[int]) -> None:
    intake, routing = Chain(INTAKE).grow(10), Chain(ROUTING).grow(10)
    log = [record for pair in zip(intake, routing, strict=True) for record in pair]
    whole = read(log)
    at, events = cursor(), list[Recorded]()
    edges = sorted({0, *cuts, len(log)})
    for start, end in pairwise(edges):
        taken = check_batch(at, log[start:end], range(start, end))
        at = Cursor(at.partition, taken.next_offset, taken.heads)
        events += taken.events
    assert tuple(events) == whole.events
    assert (at.next_offset, at.heads) == (whole.next_offset, whole.heads)
