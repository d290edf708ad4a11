"""Warnings, breaches and the ladder: rulebook.md (f.2), CLK-09, CLK-14; architecture.md §5."""

from datetime import timedelta

import pytest

from libs.directory.rules.calendar import Limit
from libs.directory.rules.ladder import levels_of
from libs.directory.rules.lamps import LampRule
from libs.events.contracts.parts.clock import Clock
from libs.events.contracts.parts.rulebook import Ladder
from libs.events.ids import ClockId
from services.supervision.domain.clocks.fold import ClockState, fold
from services.supervision.domain.clocks.ladder import Step, due_steps, step_key, steps
from services.supervision.domain.clocks.operations import (
    Continued,
    Held,
    Operation,
    Paused,
    Released,
    Resumed,
    Started,
    Stopped,
)
from tests.unit.directory.rules.calendars import CHINA, china

MICROSECOND = timedelta(microseconds=1)
WORKING_DAYS = Ladder(L2=1, L3=3, L4=5, L5=10)
HOURS = Ladder(L2=1, L3=2, L4=4, L5=24)
ORDINARY = levels_of(WORKING_DAYS, HOURS, "U3")
URGENT = levels_of(WORKING_DAYS, HOURS, "U1")
DISPATCHED_AT = china("2026-11-02 09:40")
DUE = china("2026-11-09 24:00")
HANDLING = ClockId("handling-of-round-1")
OVERALL = ClockId("overall")
SIGN = ClockId("sign")


def test_an_unanswered_case_climbs_the_whole_ladder() -> None:
    assert told({HANDLING: handling()}) == [
        ("warn", 0, "2026-11-06 10:40"),
        ("breach", 0, "2026-11-09 24:00"),
        ("level", 1, "2026-11-09 24:00"),
        ("level", 2, "2026-11-10 24:00"),
        ("level", 3, "2026-11-12 24:00"),
        ("level", 4, "2026-11-16 24:00"),
        ("level", 5, "2026-11-23 24:00"),
    ]


def test_an_urgent_case_climbs_by_the_hour() -> None:
    urgent = state(Started(at=china("2026-10-03 23:30"), position=1, clock="handling", limit=Limit.parse("2h")))

    assert [(step.level, step.instant) for step in steps({HANDLING: urgent}, URGENT) if step.kind == "level"] == [
        (1, china("2026-10-04 01:30")),
        (2, china("2026-10-04 02:30")),
        (3, china("2026-10-04 03:30")),
        (4, china("2026-10-04 05:30")),
        (5, china("2026-10-05 01:30")),
    ]


def test_an_answer_at_the_very_due_instant_takes_no_step_beyond_the_warning() -> None:
    assert kinds({HANDLING: handling(Stopped(at=DUE, position=2))}) == ["warn"]


def test_an_answer_one_microsecond_late_is_a_breach_and_the_first_level() -> None:
    late = handling(Stopped(at=DUE + MICROSECOND, position=2))

    assert [(step.kind, step.level) for step in steps({HANDLING: late}, ORDINARY)] == [
        ("warn", 0),
        ("breach", 0),
        ("level", 1),
    ]


def test_an_early_answer_takes_no_step() -> None:
    assert kinds({HANDLING: handling(Stopped(at=china("2026-11-05 10:00"), position=2))}) == []


def test_a_suspended_case_stands_still_on_the_ladder() -> None:
    paused = handling(Paused(at=china("2026-11-10 10:00"), position=2))

    assert kinds({HANDLING: paused}) == ["warn", "breach", "level"]


def test_the_ladder_goes_on_after_the_pause_where_it_stood() -> None:
    clock = handling(
        Paused(at=china("2026-11-10 10:00"), position=2), Resumed(at=china("2026-11-12 15:00"), position=3)
    )

    levels = [step for step in steps({HANDLING: clock}, ORDINARY) if step.kind == "level"]
    assert [(step.level, step.instant) for step in levels[:3]] == [
        (1, DUE),
        (2, china("2026-11-12 24:00")),
        (3, china("2026-11-16 24:00")),
    ]


def test_sign_dispatch_and_response_clocks_warn_and_breach_but_do_not_climb() -> None:
    for clock in ("dispatch", "sign", "response"):
        assert kinds({SIGN: state(start(clock))}) == ["warn", "breach"]


def test_handling_and_overall_climb_one_ladder_by_the_earlier_due_instant() -> None:
    later = state(start("overall", limit="6wd"))

    found = steps({OVERALL: later, HANDLING: handling()}, ORDINARY)
    assert [(step.kind, step.clock, step.level) for step in found] == [
        ("warn", "handling", 0),
        ("breach", "handling", 0),
        ("level", "handling", 1),
        ("breach", "overall", 0),
        ("level", "handling", 2),
        ("level", "handling", 3),
        ("level", "handling", 4),
        ("level", "handling", 5),
    ]


def test_the_overall_clock_climbs_on_when_the_handling_clock_has_stopped() -> None:
    later = state(start("overall", limit="6wd"))
    stopped = handling(Stopped(at=china("2026-11-10 10:00"), position=2))

    levels = [step for step in steps({OVERALL: later, HANDLING: stopped}, ORDINARY) if step.kind == "level"]
    assert [(step.clock, step.level, step.instant) for step in levels[:3]] == [
        ("handling", 1, DUE),
        ("overall", 2, china("2026-11-11 24:00")),
        ("overall", 3, china("2026-11-13 24:00")),
    ]


def test_every_round_has_its_own_ladder() -> None:
    first = handling(Stopped(at=china("2026-11-10 10:00"), position=2))
    rework = state(Started(at=china("2026-11-11 10:00"), position=3, clock="rework", round=2, limit=Limit.parse("3wd")))

    found = steps({HANDLING: first, ClockId("rework-of-round-2"): rework}, ORDINARY)
    assert [(step.round, step.level, step.instant) for step in found if step.kind == "level"][:3] == [
        (1, 1, DUE),
        (2, 1, china("2026-11-16 24:00")),
        (2, 2, china("2026-11-17 24:00")),
    ]


def test_an_overall_clock_that_runs_on_overdue_takes_the_levels_of_the_new_round_at_once() -> None:
    overall = state(
        start("overall"),
        Stopped(at=china("2026-11-12 10:00"), position=2),
        Continued(at=china("2026-11-13 10:00"), position=3, round=2),
    )

    found = steps({OVERALL: overall}, ORDINARY)
    assert [(step.round, step.level, step.instant) for step in found if step.kind == "level"][:5] == [
        (1, 1, DUE),
        (1, 2, china("2026-11-10 24:00")),
        (2, 1, china("2026-11-13 10:00")),
        (2, 2, china("2026-11-13 10:00")),
        (2, 3, china("2026-11-13 24:00")),
    ]
    assert [step.round for step in found if step.kind == "breach"] == [1]


def test_a_due_instant_that_passed_while_merged_takes_no_step() -> None:
    clock = handling(Held(at=china("2026-11-03 10:00"), position=2), Released(at=china("2026-11-12 10:00"), position=3))

    assert kinds({HANDLING: clock}) == []


def test_only_steps_strictly_before_the_watermark_are_recorded() -> None:
    found = steps({HANDLING: handling()}, ORDINARY)

    assert [step.kind for step in due_steps(found, DUE, ())] == ["warn"]
    assert [step.kind for step in due_steps(found, DUE + MICROSECOND, ())] == ["warn", "breach", "level"]


def test_a_recorded_step_is_not_due_again() -> None:
    found = steps({HANDLING: handling()}, ORDINARY)
    recorded = {
        step_key("warn", "handling", HANDLING, round=1),
        step_key("breach", "handling", HANDLING, round=1),
        step_key("level", "handling", HANDLING, round=1, level=1),
    }

    assert due_steps(found, DUE + MICROSECOND, recorded) == ()


def test_a_level_is_recorded_once_per_round_whichever_clock_climbed() -> None:
    recorded = {step_key("level", "overall", OVERALL, round=1, level=1)}

    left = due_steps(steps({HANDLING: handling()}, ORDINARY), DUE + MICROSECOND, recorded)
    assert [step.kind for step in left] == ["warn", "breach"]


@pytest.mark.parametrize(("urgency", "unit"), [("U1", "h"), ("U2", "h"), ("U3", "wd"), ("U4", "wd")])
def test_the_ladder_of_an_urgency(urgency: str, unit: str) -> None:
    levels = levels_of(WORKING_DAYS, HOURS, urgency)  # type: ignore[arg-type]

    assert {level: after and str(after.unit) for level, after in levels.items()} == {
        1: None,
        2: unit,
        3: unit,
        4: unit,
        5: unit,
    }


def start(clock: str, limit: str = "5wd") -> Started:
    kind: Clock = clock  # type: ignore[assignment]
    return Started(at=DISPATCHED_AT, position=1, clock=kind, limit=Limit.parse(limit))


def handling(*operations: Operation) -> ClockState:
    return state(start("handling"), *operations)


def state(*operations: Operation) -> ClockState:
    clock = fold(operations, CHINA, LampRule("U3"))
    assert clock is not None
    return clock


def kinds(clocks: dict[ClockId, ClockState]) -> list[str]:
    return [step.kind for step in steps(clocks, ORDINARY)]


def told(clocks: dict[ClockId, ClockState]) -> list[tuple[str, int, str]]:
    return [(step.kind, step.level, civil(step)) for step in steps(clocks, ORDINARY)]


def civil(step: Step) -> str:
    day = CHINA.day_ended_by(step.instant)
    minutes = (step.instant - CHINA.at(day, timedelta())) // timedelta(minutes=1)
    return f"{day} {minutes // 60:02}:{minutes % 60:02}"
