"""What a clock says after its operations: domain.md (e.3), architecture.md §5."""

from datetime import timedelta
from itertools import permutations

import pytest

from services.supervision.calendar import Limit
from services.supervision.clocks import ClockState, fold
from services.supervision.lamps import LampRule
from services.supervision.operations import (
    Continued,
    Ended,
    Extended,
    Held,
    Operation,
    Paused,
    Released,
    Reopened,
    Resumed,
    Started,
    Stopped,
)
from tests.unit.supervision.calendars import BOSTON, CHINA, boston, china

ORDINARY = LampRule("U3")
MICROSECOND = timedelta(microseconds=1)
FIVE_DAYS = Limit.parse("5wd")
DISPATCHED = Started(at=china("2026-11-02 09:40"), position=1, clock="handling", limit=FIVE_DAYS)
DUE = china("2026-11-09 24:00")


def clock_after(*operations: Operation, rule: LampRule = ORDINARY) -> ClockState:
    state = fold(operations, CHINA, rule)
    assert state is not None
    return state


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


def test_a_merged_case_gets_its_original_due_instant_back() -> None:
    clock = clock_after(
        DISPATCHED,
        Held(at=china("2026-11-03 10:00"), position=2),
        Released(at=china("2026-11-06 10:00"), position=3),
    )

    assert (clock.due_at, clock.running, clock.breach_at) == (DUE, True, DUE)


def test_a_due_instant_that_passes_while_held_is_exempt() -> None:
    clock = clock_after(
        DISPATCHED,
        Held(at=china("2026-11-03 10:00"), position=2),
        Released(at=china("2026-11-11 10:00"), position=3),
        Stopped(at=china("2026-11-12 10:00"), position=4),
    )

    assert (clock.exempt, clock.breach_at, clock.on_time) == (True, None, None)


def test_a_breach_before_the_merge_is_not_exempt() -> None:
    clock = clock_after(
        DISPATCHED,
        Held(at=china("2026-11-10 10:00"), position=2),
        Released(at=china("2026-11-11 10:00"), position=3),
    )

    assert (clock.exempt, clock.breach_at) == (False, DUE)


def test_an_extension_beyond_the_release_ends_the_exemption() -> None:
    clock = clock_after(
        DISPATCHED,
        Held(at=china("2026-11-03 10:00"), position=2),
        Released(at=china("2026-11-10 10:00"), position=3),
        extension("2026-11-10 11:00", "5wd", position=4),
    )

    assert (clock.exempt, clock.breach_at) == (False, china("2026-11-16 24:00"))


def test_a_clock_that_starts_after_the_end_of_its_case_never_runs() -> None:
    assert fold([DISPATCHED, Ended(at=china("2026-11-02 09:39"), position=9)], CHINA, ORDINARY) is None


def test_a_clock_whose_stage_was_finished_before_never_runs() -> None:
    assert fold([DISPATCHED, Stopped(at=china("2026-11-02 09:39"), position=9)], CHINA, ORDINARY) is None


def test_at_one_instant_the_log_decides_whether_the_clock_ran() -> None:
    assert fold([DISPATCHED, Ended(at=DISPATCHED.at, position=0)], CHINA, ORDINARY) is None
    assert clock_after(DISPATCHED, Ended(at=DISPATCHED.at, position=2)).stopped_at == DISPATCHED.at


def test_a_clock_that_never_ran_does_not_begin_when_the_case_is_reopened() -> None:
    ended = Ended(at=china("2026-11-02 09:00"), position=2)

    assert fold([ended, DISPATCHED, Reopened(at=china("2026-11-03 09:00"), position=3)], CHINA, ORDINARY) is None


def test_a_rework_clock_starts_in_a_reopened_case() -> None:
    clock = clock_after(
        Ended(at=china("2026-11-10 10:00"), position=1),
        Reopened(at=china("2026-11-11 10:00"), position=2),
        Started(at=china("2026-11-11 10:00"), position=3, clock="rework", round=2, limit=Limit.parse("3wd")),
    )

    assert (clock.round, clock.due_at) == (2, china("2026-11-16 24:00"))


def test_a_restored_appeal_goes_on_and_is_not_charged_for_its_withdrawal() -> None:
    clock = clock_after(
        DISPATCHED,
        Ended(at=china("2026-11-03 23:00"), position=2),
        Reopened(at=china("2026-11-04 01:00"), position=3),
    )

    assert (clock.running, clock.due_at) == (True, china("2026-11-10 24:00"))


def test_a_finished_stage_does_not_begin_again_when_the_case_is_reopened() -> None:
    clock = clock_after(
        DISPATCHED,
        Stopped(at=china("2026-11-05 10:00"), position=2),
        Ended(at=china("2026-11-06 10:00"), position=3),
        Reopened(at=china("2026-11-20 10:00"), position=4),
    )

    assert (clock.running, clock.stopped_at, clock.on_time) == (False, china("2026-11-05 10:00"), True)


def test_the_overall_clock_runs_on_into_the_next_round() -> None:
    clock = clock_after(
        started("overall", "5wd"),
        Stopped(at=china("2026-11-05 10:00"), position=2),
        Continued(at=china("2026-11-06 10:00"), position=3, round=2),
    )

    assert (clock.round, clock.due_at) == (2, china("2026-11-10 24:00"))
    assert [span.round for span in clock.spans] == [1, 2]


def test_a_second_start_and_stray_operations_change_nothing() -> None:
    clock = clock_after(
        DISPATCHED,
        Started(at=china("2026-11-04 09:00"), position=2, clock="handling", limit=Limit.parse("1wd")),
        Resumed(at=china("2026-11-04 09:00"), position=3),
        Continued(at=china("2026-11-04 09:00"), position=4),
    )

    assert (clock.due_at, clock.started_at, clock.running) == (DUE, DISPATCHED.at, True)


def test_nothing_is_no_clock() -> None:
    assert fold([], CHINA, ORDINARY) is None
    assert fold([Stopped(at=DUE, position=1)], CHINA, ORDINARY) is None


def test_a_start_without_limit_and_deadline_is_refused() -> None:
    with pytest.raises(ValueError, match="no such clock"):
        Started(at=DUE, position=1, clock="sign")


def test_a_clock_into_an_unpublished_year_is_provisional() -> None:
    late = Started(at=china("2026-12-28 10:00"), position=1, clock="handling", limit=FIVE_DAYS)
    continuous = Started(at=china("2026-12-31 23:00"), position=1, clock="handling", limit=Limit.parse("24h"))

    assert clock_after(late).provisional
    assert not clock_after(continuous).provisional
    assert not clock_after(DISPATCHED).provisional


def started(clock: str, limit: str, upstream: str | None = None) -> Started:
    return Started(
        at=china("2026-11-02 09:40"),
        position=1,
        clock=clock,  # type: ignore[arg-type]
        limit=Limit.parse(limit),
        upstream=china(upstream) if upstream else None,
    )


def extension(at: str, limit: str, position: int = 2) -> Extended:
    parsed = Limit.parse(limit)
    assert parsed is not None
    return Extended(at=china(at), position=position, limit=parsed)
