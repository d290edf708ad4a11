"""What a clock says after its operations: rulebook.md (e.3), architecture.md §5."""

from itertools import permutations

from libs.directory.rules.calendar import Limit
from services.supervision.domain.clocks.fold import fold
from services.supervision.domain.clocks.operations import Continued, Ended, Operation, Paused, Resumed, Started, Stopped
from tests.unit.directory.rules.calendars import BOSTON, CHINA, boston, china
from tests.unit.supervision.givens import (
    DISPATCHED,
    DUE,
    FIVE_DAYS,
    MICROSECOND,
    ORDINARY,
    clock_after,
    extension,
    started,
)


def test_a_running_clock_has_a_due_instant_and_no_verdict() -> None:
    clock = clock_after(DISPATCHED)

    assert (clock.running, clock.due_at, clock.on_time, clock.stopped_at) == (True, DUE, None, None)
    assert clock.limit == FIVE_DAYS


def test_exactly_at_the_due_instant_is_on_time() -> None:
    clock = clock_after(DISPATCHED, Stopped(at=DUE, position=2))

    assert (clock.on_time, clock.stopped_at, clock.breach_at) == (True, DUE, None)


def test_one_microsecond_later_is_overdue() -> None:
    clock = clock_after(DISPATCHED, Stopped(at=DUE + MICROSECOND, position=2))

    assert (clock.on_time, clock.breach_at) == (False, DUE)


def test_the_earliest_stop_counts_in_whatever_order_the_stops_are_read() -> None:
    in_time = Stopped(at=china("2026-11-05 10:00"), position=7)
    operations: list[Operation] = [DISPATCHED, Stopped(at=china("2026-11-12 10:00"), position=3), in_time]

    assert {str(fold(order, CHINA, ORDINARY)) for order in permutations(operations)} == {
        str(clock_after(DISPATCHED, in_time))
    }


def test_a_rejected_feedback_lets_the_same_clock_go_on_and_charges_nothing_between() -> None:
    clock = clock_after(
        DISPATCHED,
        Stopped(at=china("2026-11-05 10:00"), position=2),
        Continued(at=china("2026-11-09 15:00"), position=3),
    )

    assert (clock.running, clock.stopped_at, clock.on_time) == (True, None, None)
    assert clock.due_at == china("2026-11-11 24:00")


def test_a_clock_stopped_again_is_judged_by_the_moved_due_instant() -> None:
    clock = clock_after(
        DISPATCHED,
        Stopped(at=china("2026-11-05 10:00"), position=2),
        Continued(at=china("2026-11-09 15:00"), position=3),
        Stopped(at=china("2026-11-12 00:00"), position=4),
    )

    assert (clock.on_time, clock.stopped_at) == (True, china("2026-11-11 24:00"))


def test_an_overdue_feedback_stays_overdue_after_its_rejection() -> None:
    clock = clock_after(
        DISPATCHED,
        Stopped(at=china("2026-11-10 10:00"), position=2),
        Continued(at=china("2026-11-12 15:00"), position=3),
    )

    assert clock.breach_at == DUE


def test_a_suspension_moves_the_due_instant_by_the_working_days_that_end_in_it() -> None:
    clock = clock_after(
        DISPATCHED,
        Paused(at=china("2026-11-03 10:00"), position=2),
        Resumed(at=china("2026-11-05 15:00"), position=3),
    )

    assert clock.due_at == china("2026-11-11 24:00")


def test_a_suspended_clock_neither_runs_nor_is_finished() -> None:
    clock = clock_after(DISPATCHED, Paused(at=china("2026-11-03 10:00"), position=2))

    assert (clock.running, clock.stopped_at, clock.on_time, clock.breach_at) == (False, None, None, None)


def test_closing_a_finished_case_does_not_move_its_due_instant() -> None:
    clock = clock_after(
        DISPATCHED,
        Stopped(at=china("2026-11-05 10:00"), position=2),
        Ended(at=china("2026-11-20 10:00"), position=3),
    )

    assert (clock.due_at, clock.stopped_at, clock.on_time) == (DUE, china("2026-11-05 10:00"), True)


def test_a_clock_that_starts_in_a_suspended_case_is_free_from_its_own_start() -> None:
    clock = clock_after(
        Paused(at=china("2026-10-20 10:00"), position=0),
        DISPATCHED,
        Resumed(at=china("2026-11-05 15:00"), position=3),
    )

    assert clock.due_at == china("2026-11-12 24:00")


def test_a_pause_and_a_rejection_that_overlap_are_not_counted_twice() -> None:
    clock = clock_after(
        DISPATCHED,
        Paused(at=china("2026-11-03 10:00"), position=2),
        Stopped(at=china("2026-11-04 10:00"), position=3),
        Resumed(at=china("2026-11-05 10:00"), position=4),
        Continued(at=china("2026-11-06 10:00"), position=5),
    )

    assert clock.due_at == china("2026-11-12 24:00")


def test_an_extension_counts_from_the_due_instant() -> None:
    clock = clock_after(
        Started(at=china("2026-11-09 09:00"), position=1, clock="handling", limit=Limit.parse("15wd")),
        extension("2026-11-27 10:00", "10wd"),
    )

    assert (clock.due_at, str(clock.limit)) == (china("2026-12-14 24:00"), "25wd")


def test_the_lamp_of_an_extended_clock_measures_the_whole_limit() -> None:
    clock = clock_after(
        Started(at=china("2026-11-09 09:00"), position=1, clock="handling", limit=Limit.parse("15wd")),
        extension("2026-11-13 10:00", "15wd"),
    )

    assert clock.yellow_at == china("2026-12-07 18:00")
    assert [span.yellow_at for span in clock.spans] == [china("2026-11-23 18:00"), china("2026-12-07 18:00")]


def test_an_extension_that_takes_effect_at_the_due_instant_is_in_time() -> None:
    assert clock_after(DISPATCHED, extension("2026-11-09 24:00", "1wd")).breach_at == china("2026-11-10 24:00")


def test_an_extension_after_the_due_instant_does_not_undo_the_breach() -> None:
    clock = clock_after(
        DISPATCHED, extension("2026-11-10 10:00", "5wd"), Stopped(at=china("2026-11-11 10:00"), position=3)
    )

    assert (clock.breach_at, clock.on_time) == (DUE, False)


def test_an_extension_in_another_unit_makes_elapsed_time_the_measure() -> None:
    clock = clock_after(DISPATCHED, extension("2026-11-03 10:00", "14h"))

    assert (clock.due_at, clock.limit) == (china("2026-11-10 14:00"), None)
    assert clock.yellow_at == china("2026-11-02 09:40") + (clock.due_at - china("2026-11-02 09:40")) * 2 / 3


def test_the_earlier_of_limit_and_upstream_deadline_holds() -> None:
    earlier = started("handling", "5wd", upstream="2026-11-06 12:00")
    later = started("handling", "5wd", upstream="2026-11-16 12:00")

    assert clock_after(earlier).due_at == china("2026-11-06 12:00")
    assert clock_after(later).due_at == DUE


def test_an_extension_does_not_move_the_deadline_of_the_sender() -> None:
    clock = clock_after(started("handling", "5wd", upstream="2026-11-10 12:00"), extension("2026-11-03 10:00", "5wd"))

    assert clock.due_at == china("2026-11-10 12:00")


def test_a_deadline_earlier_than_the_start_is_broken_from_the_start() -> None:
    clock = fold(
        [Started(at=boston("2011-07-01 10:00"), position=1, clock="overall", upstream=boston("2011-06-30 17:00"))],
        BOSTON,
        ORDINARY,
    )

    assert clock is not None
    assert (clock.due_at, clock.breach_at) == (boston("2011-06-30 17:00"), boston("2011-07-01 10:00"))
    assert (clock.yellow_at, clock.long_red_at) == (clock.due_at, clock.due_at)
