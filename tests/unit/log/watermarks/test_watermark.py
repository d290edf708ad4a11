"""Heartbeats and watermarks of one reader, without Kafka or a database."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.log.watermarks.watermark import Beat, NoBeat, Watermarks
from tests.unit.log.chains import MORNING

INTAKE, ROUTING = "/xunban/intake", "/xunban/routing"
MINUTE = timedelta(minutes=1)
NOON = MORNING + timedelta(hours=3)


def knowing(**seqs: int) -> Watermarks:
    """A reader of lane 5 that has applied these sequence numbers."""
    marks = Watermarks()
    rows = [
        {"source": f"/xunban/{name}", "lane": 5, "seq": seq, "at": MORNING, "sent": MORNING}
        for name, seq in seqs.items()
    ]
    marks.restore(rows)
    return marks


def beat(seq: int, at: datetime, source: str = INTAKE, lane: int = 5) -> Beat:
    return Beat(source, at + timedelta(seconds=1), ((lane, seq, at),))


def test_a_heartbeat_comes_back_from_the_topic_as_it_was_sent() -> None:
    sent = Beat(INTAKE, NOON, ((0, 0, MORNING), (63, 12, NOON)))
    assert Beat.parse(sent.body()) == sent


def test_the_directory_s_host_says_how_far_its_lane_is_known_and_older_readers_pass_that_over() -> None:
    sent = Beat(ROUTING, NOON, ((0, 0, MORNING),), directory=(7, NOON))
    assert Beat.parse(sent.body()) == sent
    assert Beat.parse(Beat(ROUTING, NOON, ((0, 0, MORNING),)).body()).directory is None
    assert [*sent.marks][-1] == ("/xunban/directory", 64, 7, NOON)


@pytest.mark.parametrize(
    "said", [b"[7]", b"7", b'[-1, "2026-11-02T09:00:00Z"]', b'[7, "2026-11-02T09:00:00"]', b"[7, null]", b"{}"]
)
def test_what_is_no_mark_of_the_directory_is_no_beat(said: bytes) -> None:
    body = Beat(ROUTING, NOON, ()).body()[:-1] + b', "directory": ' + said + b"}"
    with pytest.raises(NoBeat):
        Beat.parse(body)


def test_nobody_but_its_host_beats_for_the_directory() -> None:
    with pytest.raises(NoBeat):
        Beat.parse(Beat(INTAKE, NOON, (), directory=(7, NOON)).body())


def test_the_directory_stands_where_its_reader_stands() -> None:
    marks = Watermarks()
    marks.restore([{"source": "/xunban/directory", "lane": 64, "seq": 7, "at": MORNING, "sent": MORNING}])
    marks.beat(Beat(ROUTING, NOON, (), directory=(8, NOON)))
    assert marks.lane(64, ["/xunban/directory"]) == MORNING
    marks.apply("/xunban/directory", 64, 8, MORNING + MINUTE)
    assert marks.lane(64, ["/xunban/directory"]) == NOON


def test_a_beat_whose_events_are_applied_counts_at_once() -> None:
    marks = knowing(intake=3)
    marks.beat(beat(3, NOON))
    assert marks.lane(5, [INTAKE]) == NOON
    assert marks.sent[INTAKE, 5] == NOON + timedelta(seconds=1)


def test_a_beat_ahead_of_the_applied_events_counts_only_once_they_are_applied() -> None:
    marks = knowing(intake=3)
    marks.beat(beat(5, NOON))
    assert marks.lane(5, [INTAKE]) == MORNING
    marks.apply(INTAKE, 5, 4, MORNING + MINUTE)
    assert marks.lane(5, [INTAKE]) == MORNING + MINUTE
    marks.apply(INTAKE, 5, 5, MORNING + 2 * MINUTE)
    assert marks.lane(5, [INTAKE]) == NOON


def test_an_applied_event_is_itself_a_watermark_but_says_nothing_of_the_lag() -> None:
    marks = knowing(intake=3)
    marks.apply(INTAKE, 5, 4, NOON)
    assert marks.lane(5, [INTAKE]) == NOON
    assert marks.sent[INTAKE, 5] == MORNING


def test_a_lane_is_complete_only_as_far_as_its_slowest_source() -> None:
    marks = knowing(intake=0, routing=0)
    marks.beat(beat(0, NOON, INTAKE))
    assert marks.lane(5, [INTAKE, ROUTING]) == MORNING
    marks.beat(beat(0, MORNING + MINUTE, ROUTING))
    assert marks.lane(5, [INTAKE, ROUTING]) == MORNING + MINUTE


def test_a_watermark_never_moves_backwards() -> None:
    marks = knowing(intake=0)
    marks.beat(beat(0, NOON))
    marks.beat(beat(0, MORNING + MINUTE))
    assert marks.lane(5, [INTAKE]) == NOON
    assert marks.sent[INTAKE, 5] == NOON + timedelta(seconds=1)


def test_lanes_of_another_worker_are_forgotten_and_their_beats_pass_by() -> None:
    marks = knowing(intake=0)
    marks.beat(beat(9, NOON))
    marks.forget([5])
    marks.beat(beat(0, NOON))
    assert (marks.applied, marks.at, marks.sent) == ({}, {}, {})


def test_a_lane_taken_up_again_starts_where_the_database_says() -> None:
    marks = knowing(intake=0)
    marks.beat(beat(9, NOON))
    marks.forget([5])
    marks.restore([{"source": INTAKE, "lane": 5, "seq": 9, "at": MORNING + MINUTE, "sent": MORNING}])
    assert marks.lane(5, [INTAKE]) == MORNING + MINUTE
    marks.apply(INTAKE, 5, 10, MORNING + 2 * MINUTE)
    assert marks.lane(5, [INTAKE]) == MORNING + 2 * MINUTE, "the beat that waited before belongs to the past"


def test_a_source_never_heard_of_holds_the_lane_at_the_beginning() -> None:
    assert knowing(intake=0).lane(5, [INTAKE, ROUTING]) < MORNING


def test_while_a_partition_is_halted_its_waiting_beats_do_not_pile_up() -> None:
    marks = knowing(intake=3)
    for second in range(10_000):
        marks.beat(beat(7, MORNING + timedelta(seconds=second)))
    assert len(marks.waiting[INTAKE, 5]) == 1
    marks.apply(INTAKE, 5, 7, MORNING)
    assert marks.lane(5, [INTAKE]) == MORNING + timedelta(seconds=9_999)


STEPS = st.lists(
    st.tuples(st.sampled_from(["event", "touch", "publish", "read", "apply"]), st.integers(0, 30)), max_size=60
)


@given(STEPS)
def test_whatever_the_order_no_later_event_lies_before_a_watermark(steps: list[tuple[str, int]]) -> None:
    """Writer, heartbeat and reader move on independently; the promise of architecture.md §5 holds at every step."""
    clock, lane_at, recorded = MORNING, MORNING, list[datetime]()
    touched, published = list[Beat](), list[Beat]()
    marks = knowing(intake=0)
    for kind, amount in steps:
        clock += timedelta(seconds=amount - 10)  # the machine's clock may step back
        if kind == "event":
            lane_at = max(lane_at, clock)
            recorded.append(lane_at)
        elif kind == "touch":
            lane_at = max(lane_at, clock)
            touched.append(beat(len(recorded), lane_at))
        elif kind == "publish" and touched:
            published.append(touched.pop(amount % len(touched)))
        elif kind == "read" and published:
            marks.beat(published.pop(0))
        elif kind == "apply" and marks.applied[INTAKE, 5] < len(recorded):
            seq = marks.applied[INTAKE, 5] + 1
            marks.apply(INTAKE, 5, seq, recorded[seq - 1])
        applied = marks.applied[INTAKE, 5]
        assert all(at >= marks.lane(5, [INTAKE]) for at in recorded[applied:])


def test_beats_that_wait_for_a_lane_that_stands_still_do_not_pile_up() -> None:
    marks = knowing(intake=3)
    for seq in range(4, 5004):
        marks.beat(beat(seq, NOON + timedelta(seconds=seq)))
    assert len(marks.waiting[INTAKE, 5]) <= 1000
    assert marks.lane(5, [INTAKE]) == MORNING
    marks.apply(INTAKE, 5, 5003, NOON)
    assert marks.lane(5, [INTAKE]) == NOON + timedelta(seconds=5003)


def test_a_beat_says_whether_its_source_has_recorded_anything_since_the_last_one() -> None:
    marks = knowing(intake=3)
    assert marks.beat(beat(3, NOON))
    assert not marks.beat(beat(3, NOON + MINUTE))
    assert marks.beat(beat(4, NOON + 2 * MINUTE))
    assert marks.beat(beat(4, NOON + 2 * MINUTE, source=ROUTING))
