"""The checker itself: a log that is not whole is never called whole."""

from trials.faults.checker import (
    Acknowledged,
    Chains,
    Entry,
    broken_promises,
    log_faults,
    without_repeats,
)

PLACE = ("/xunban/intake", 7)


def entry(seq: int, body: bytes = b"{}") -> Entry:
    return Entry(seq, b"case", (("ce_id", f"event-{seq}".encode()),), body)


def chain(*entries: Entry) -> Chains:
    return {PLACE: entries}


WHOLE = chain(entry(1), entry(2), entry(3))


def test_a_topic_that_holds_what_was_committed_has_no_fault() -> None:
    assert log_faults(WHOLE, WHOLE) == []


def test_a_lost_event_is_named() -> None:
    assert log_faults(WHOLE, chain(entry(1), entry(3))) == ["lost: /xunban/intake lane 7 seq 2"]


def test_a_whole_lane_that_is_lost_is_named() -> None:
    assert len(log_faults(WHOLE, {})) == 3


def test_an_event_that_nobody_committed_is_a_phantom() -> None:
    assert log_faults(chain(entry(1)), chain(entry(1), entry(2))) == ["phantom: /xunban/intake lane 7 seq 2"]


def test_events_out_of_order_are_found() -> None:
    assert log_faults(WHOLE, chain(entry(2), entry(1), entry(3))) == ["out of order: /xunban/intake lane 7"]


def test_an_identical_copy_is_a_repeat_and_no_fault() -> None:
    kept, repeats = without_repeats([entry(1), entry(2), entry(1), entry(2), entry(3)])
    assert (log_faults(WHOLE, {PLACE: kept}), repeats) == ([], 2)


def test_another_copy_of_an_event_is_a_fault() -> None:
    kept, repeats = without_repeats([entry(1), entry(2), entry(2, b"[]"), entry(3)])
    assert repeats == 0
    assert "changed: /xunban/intake lane 7 seq 2" in log_faults(WHOLE, {PLACE: kept})


def test_an_answer_must_be_kept_at_its_place() -> None:
    kept = Acknowledged("intake.7.2", ("event-1", "event-2"))
    lost = Acknowledged("intake.7.4", ("event-4",))
    moved = Acknowledged("intake.7.3", ("event-2",))
    assert broken_promises(WHOLE, [kept]) == []
    assert [fault.partition(":")[0] for fault in broken_promises(WHOLE, [kept, lost, moved])] == [
        "acknowledged and lost",
        "acknowledged at another position",
    ]
