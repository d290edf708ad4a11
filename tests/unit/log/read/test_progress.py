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
from libs.events.proof import LONGEST_RUN
from libs.log.read.progress import CheckedBatch, Cursor, check_batch
from tests.keys import PUBLIC, STRANGER
from tests.unit.log.chains import LANE, Chain, as_one_batch, linked, signed

INTAKE, ROUTING = "/xunban/intake", "/xunban/routing"
OTHER = CaseVoided(voided_by=PersonId("zhou-min"), reason="重复录入")


def cursor(*applied: WireRecord) -> Cursor:
    """A reader that has applied these."""
    heads = {source: (0, genesis(source, LANE)) for source in (INTAKE, ROUTING)}
    heads |= {record.source: (record.position.seq, record.position.hash) for record in applied}
    return Cursor(TopicPartition("case.events", LANE), 0, heads)


def read(records: Sequence[WireRecord | ChainBroken], start: Cursor | None = None) -> CheckedBatch:
    """The records as they stand in the partition, one offset after another."""
    placed = [replace(one, offset=at) if isinstance(one, WireRecord) else one for at, one in enumerate(records)]
    return check_batch(start or cursor(), placed, range(len(records)), PUBLIC.proves)


def passed_over(taken: CheckedBatch) -> list[tuple[int, str]]:
    return [(over.offset, over.reason) for over in taken.passed_over]


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


def test_the_progress_stands_behind_an_event_never_behind_a_copy_or_a_stranger() -> None:
    one, two = Chain().grow(2)
    taken = read([one, two, one, ChainBroken("foreign record")])
    assert (taken.next_offset, taken.duplicates, taken.passed_over[0].offset) == (2, 1, 3)


def test_a_missing_record_halts_before_the_gap() -> None:
    one, _, three = Chain().grow(3)
    taken = read([one, three])
    assert (sequence(taken), taken.next_offset, taken.gap) == ([(INTAKE, 1)], 1, True)
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


def test_changed_bytes_are_nobodys_and_the_next_event_shows_what_is_missing() -> None:
    one, two, three = Chain().grow(3)
    changed = replace(two, body=two.body.replace(b"zhou-min", b"zhou-mei"))
    taken = read([one, changed])
    assert (sequence(taken), passed_over(taken), taken.broken) == ([(INTAKE, 1)], [(1, "CONTENT")], None)
    further = read([one, changed, three])
    assert (sequence(further), further.gap) == ([(INTAKE, 1)], True)


def test_a_changed_header_is_passed_over() -> None:
    (one,) = Chain().grow(1)
    headers = [(name, b"chen-yu" if name == "ce_actor" else value) for name, value in one.headers]
    assert passed_over(read([replace(one, headers=headers)])) == [(0, "CONTENT")]


def test_a_source_that_does_not_belong_here_is_passed_over() -> None:
    one, two = Chain().grow(2)
    taken = read([one, Chain("/xunban/somebody").add(), two])
    assert (sequence(taken), passed_over(taken)) == ([(INTAKE, 1), (INTAKE, 2)], [(1, "FOREIGN")])


def test_a_genuine_record_copied_into_another_lane_is_passed_over() -> None:
    astray = Chain(lane=LANE - 1).add()
    taken = read([astray, Chain().add()])
    assert (sequence(taken), passed_over(taken)) == ([(INTAKE, 1)], [(0, "FOREIGN")])


def test_a_record_that_could_not_be_read_is_passed_over() -> None:
    one, two = Chain().grow(2)
    taken = read([one, ChainBroken("foreign record"), two])
    assert (sequence(taken), taken.next_offset) == ([(INTAKE, 1), (INTAKE, 2)], 3)


def test_one_signature_proves_the_whole_batch_before_it() -> None:
    taken = read(as_one_batch(Chain().grow(3)))
    assert sequence(taken) == [(INTAKE, 1), (INTAKE, 2), (INTAKE, 3)]
    assert (taken.next_offset, taken.waiting, taken.passed_over) == (3, (), ())


def test_what_waits_for_its_signature_is_applied_by_nobody_and_read_again_by_who_comes_after() -> None:
    one, two, three = as_one_batch(Chain().grow(3))
    taken = read([one, two])
    assert (sequence(taken), taken.next_offset, len(taken.waiting)) == ([], 0, 2)
    then = check_batch(taken.end, [replace(three, offset=2)], [2], PUBLIC.proves)
    assert (sequence(then), then.next_offset) == ([(INTAKE, 1), (INTAKE, 2), (INTAKE, 3)], 3)


def test_a_record_forged_with_a_sound_chain_is_passed_over_and_the_lane_goes_on_with_the_genuine_one() -> None:
    genuine = Chain().grow(3)
    forger = Chain()
    forger.records = genuine[:1]
    forged = replace(forger.add(OTHER), signature=None)
    taken = read([genuine[0], forged, *as_one_batch(genuine[1:])])
    assert sequence(taken) == [(INTAKE, 1), (INTAKE, 2), (INTAKE, 3)]
    assert (passed_over(taken), taken.broken) == ([(1, "UNSIGNED")], None)


def test_a_signature_of_somebody_else_proves_nothing() -> None:
    one, two = Chain().grow(2)
    taken = read([one, signed(two, STRANGER), two])
    assert (sequence(taken), passed_over(taken)) == ([(INTAKE, 1), (INTAKE, 2)], [(1, "FORGED")])


def test_a_forger_cannot_hide_behind_a_genuine_signature() -> None:
    one, two = Chain().grow(2)
    stolen = replace(Chain(records=[one]).add(OTHER), signature=two.signature)
    assert passed_over(read([one, stolen, two])) == [(1, "FORGED")]


def test_a_forger_who_goes_on_for_long_is_not_remembered() -> None:
    endless = [replace(record, signature=None) for record in Chain().grow(LONGEST_RUN + 30)]
    taken = read(endless)
    assert (sequence(taken), len(taken.waiting), len(taken.passed_over)) == ([], LONGEST_RUN, 30)


def test_what_was_written_before_signing_began_is_taken_up_to_where_it_began() -> None:
    unsigned = [replace(record, signature=None) for record in Chain().grow(3)]
    start = replace(cursor(), unsigned={INTAKE: (2, unsigned[1].position.hash)})
    taken = read(unsigned, start)
    assert (sequence(taken), taken.next_offset) == ([(INTAKE, 1), (INTAKE, 2)], 2)
    assert [record.position.seq for record in taken.waiting] == [3]


def test_a_fork_from_before_signing_began_is_passed_over() -> None:
    genuine = [replace(record, signature=None) for record in Chain().grow(2)]
    fork = replace(Chain(records=genuine[:1]).add(OTHER), signature=None)
    start = replace(cursor(), unsigned={INTAKE: (2, genuine[1].position.hash)})
    for log in ([*genuine, fork], [genuine[0], fork, genuine[1]]):
        taken = read(log, start)
        assert (sequence(taken), len(taken.passed_over), taken.broken) == ([(INTAKE, 1), (INTAKE, 2)], 1, None)


def test_the_events_of_one_signature_can_be_applied_one_by_one() -> None:
    whole = read(as_one_batch(Chain().grow(3)))
    steps = list(whole.one_by_one())
    assert [(sequence(step), step.next_offset) for step in steps] == [([(INTAKE, n)], n) for n in (1, 2, 3)]
    assert steps[-1].end == whole.end


def test_a_batch_is_cut_where_another_reader_stopped_in_its_midst() -> None:
    whole = read(as_one_batch(Chain().grow(3)))
    cut = whole.before(2)
    assert (sequence(cut), cut.next_offset, cut.heads[INTAKE][0]) == ([(INTAKE, 1), (INTAKE, 2)], 2, 2)


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
    taken = check_batch(start, [two, three], [1, 2], PUBLIC.proves)
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
    pairs = [record for pair in zip(intake, routing, strict=True) for record in pair]
    log = [replace(record, offset=offset) for offset, record in enumerate(pairs)]
    whole = read(log)
    at, events = cursor(), list[Recorded]()
    edges = sorted({0, *cuts, len(log)})
    for start, end in pairwise(edges):
        taken = check_batch(at, log[start:end], range(start, end), PUBLIC.proves)
        at = taken.end
        events += taken.events
    assert tuple(events) == whole.events
    assert (at.next_offset, at.heads) == (whole.next_offset, whole.heads)
