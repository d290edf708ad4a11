"""Clocks of cases that were merged, ended, reopened, or go into another round: CLK-13, CLK-14, CLK-18."""

import pytest

from libs.directory.rules.calendar import Limit
from services.supervision.domain.clocks.fold import fold
from services.supervision.domain.clocks.operations import (
    Continued,
    Ended,
    Held,
    Paused,
    Released,
    Reopened,
    Resumed,
    Started,
    Stopped,
)
from tests.unit.directory.rules.calendars import CHINA, china
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


def test_a_due_instant_at_the_very_merge_is_exempt_and_at_the_very_release_it_is_not() -> None:
    merged_at_due = clock_after(DISPATCHED, Held(at=DUE, position=2), Released(at=DUE + MICROSECOND, position=3))
    released_at_due = clock_after(
        DISPATCHED, Held(at=china("2026-11-03 10:00"), position=2), Released(at=DUE, position=3)
    )

    assert (merged_at_due.exempt, merged_at_due.breach_at) == (True, None)
    assert (released_at_due.exempt, released_at_due.breach_at) == (False, DUE)


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


def test_an_extension_while_the_released_case_is_suspended_ends_the_exemption() -> None:
    clock = clock_after(
        DISPATCHED,
        Held(at=china("2026-11-03 10:00"), position=2),
        Paused(at=china("2026-11-10 10:00"), position=3),
        extension("2026-11-18 10:00", "5wd", position=4),
        Released(at=china("2026-11-18 10:00"), position=5),
        Resumed(at=china("2026-11-19 10:00"), position=6),
    )

    assert (clock.exempt, clock.breach_at) == (False, china("2026-11-25 24:00"))


def test_a_clock_that_starts_after_the_end_of_its_case_never_runs() -> None:
    assert fold([DISPATCHED, Ended(at=china("2026-11-02 09:39"), position=9)], CHINA, ORDINARY) is None


def test_a_clock_whose_stage_was_finished_before_never_runs() -> None:
    assert fold([DISPATCHED, Stopped(at=china("2026-11-02 09:39"), position=9)], CHINA, ORDINARY) is None


def test_at_one_instant_the_log_decides_whether_the_clock_ran() -> None:
    assert fold([DISPATCHED, Ended(at=DISPATCHED.at, position=0)], CHINA, ORDINARY) is None
    assert clock_after(DISPATCHED, Ended(at=DISPATCHED.at, position=2)).stopped_at == DISPATCHED.at


def test_a_start_that_crossed_the_end_of_its_case_counts_from_the_reopening_on() -> None:
    ended = Ended(at=china("2026-11-02 09:00"), position=2)
    clock = clock_after(ended, DISPATCHED, Reopened(at=china("2026-11-03 09:40"), position=3))

    assert (clock.started_at, clock.running, clock.stopped_at) == (DISPATCHED.at, True, None)
    assert (clock.due_at, [span.start for span in clock.spans]) == (
        china("2026-11-10 24:00"),
        [china("2026-11-03 09:40")],
    )


def test_a_start_that_crossed_the_end_of_its_stage_counts_never() -> None:
    stopped = Stopped(at=china("2026-11-02 08:50"), position=0)
    ended = Ended(at=china("2026-11-02 09:00"), position=2)
    reopened = Reopened(at=china("2026-11-03 09:00"), position=3)

    assert fold([stopped, ended, DISPATCHED, reopened], CHINA, ORDINARY) is None


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
