"""When the lamp of a clock turns, and what it shows: rulebook.md (f.1)."""

from dataclasses import replace
from fractions import Fraction

import pytest

from libs.case.lamp import Lamp
from libs.directory.rules.calendar import Limit
from libs.directory.rules.lamps import LampRule
from services.supervision.domain.clocks.fold import ClockState, fold
from services.supervision.domain.clocks.ladder import lamp_at
from services.supervision.domain.clocks.operations import Held, Operation, Paused, Resumed, Started, Stopped
from tests.unit.directory.rules.calendars import CHINA, china

ORDINARY = LampRule("U3")
FIVE_DAYS = Limit.parse("5wd")
DISPATCHED = Started(at=china("2026-09-28 09:00"), position=1, clock="handling", limit=FIVE_DAYS)


def clock_after(*operations: Operation, rule: LampRule = ORDINARY) -> ClockState:
    state = fold(operations, CHINA, rule)
    assert state is not None
    return state


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        ("2026-09-28 08:59", "GREEN"),
        ("2026-10-09 10:39", "GREEN"),
        ("2026-10-09 10:40", "YELLOW"),
        ("2026-10-10 24:00", "YELLOW"),
        ("2026-10-11 00:01", "RED"),
        ("2026-10-16 24:00", "RED"),
        ("2026-10-17 00:01", "LONG_RED"),
    ],
)
def test_what_the_lamp_of_a_running_clock_shows(at: str, expected: Lamp) -> None:
    assert lamp_at(clock_after(DISPATCHED), china(at)) == expected


@pytest.mark.parametrize(
    ("stop", "expected"),
    [("2026-09-30 10:00", "GREEN"), ("2026-10-10 24:00", "YELLOW"), ("2026-10-11 00:01", "RED")],
)
def test_the_lamp_of_a_finished_clock_stays_as_it_was(stop: str, expected: Lamp) -> None:
    clock = clock_after(DISPATCHED, Stopped(at=china(stop), position=2))

    assert lamp_at(clock, china("2026-12-01 10:00")) == expected


def test_the_lamp_of_a_held_clock_stays_as_it_was() -> None:
    clock = clock_after(DISPATCHED, Held(at=china("2026-09-29 10:00"), position=2))

    assert lamp_at(clock, china("2026-12-01 10:00")) == "GREEN"


@pytest.mark.parametrize(
    ("urgency", "limit", "yellow"),
    [
        ("U3", "5wd", "2026-11-13 10:40"),
        ("U3", "3wd", "2026-11-11 18:00"),
        ("U3", "2wd", "2026-11-10 18:00"),
        ("U3", "1wd", "2026-11-10 15:20"),
        ("U4", "10wh", "2026-11-09 11:00"),
        ("U4", "4wh", "2026-11-09 11:40"),
        ("U3", "36h", "2026-11-09 21:00"),
        ("U3", "30d", "2026-11-29 24:00"),
        ("U2", "24h", "2026-11-10 01:00"),
        ("U1", "70min", "2026-11-09 09:40"),
        ("U1", "60min", "2026-11-09 09:40"),
        ("U2", "1wd", "2026-11-10 15:20"),
    ],
)
def test_when_the_lamp_turns_yellow(urgency: str, limit: str, yellow: str) -> None:
    start = Started(at=china("2026-11-09 09:00"), position=1, clock="handling", limit=Limit.parse(limit))
    rule = {name: LampRule(name) for name in ("U1", "U2", "U3", "U4")}[urgency]

    assert clock_after(start, rule=rule).yellow_at == china(yellow)


def test_yellow_never_comes_after_the_due_instant() -> None:
    close_of_business = replace(CHINA, day_end="COB")
    late = LampRule("U3", yellow=Fraction(9, 10))
    clock = fold(
        [Started(at=china("2026-11-09 09:00"), position=1, clock="handling", limit=Limit.parse("1d"))],
        close_of_business,
        late,
    )

    assert clock is not None
    assert (clock.yellow_at, clock.due_at) == (china("2026-11-10 18:00"), china("2026-11-10 18:00"))


def test_yellow_moves_with_a_pause_before_it() -> None:
    clock = clock_after(
        Started(at=china("2026-09-28 09:00"), position=1, clock="handling", limit=FIVE_DAYS),
        Paused(at=china("2026-09-29 10:00"), position=2),
        Resumed(at=china("2026-09-30 15:00"), position=3),
    )

    assert (clock.due_at, clock.yellow_at) == (china("2026-10-12 24:00"), china("2026-10-10 10:40"))


@pytest.mark.parametrize(("yellow", "long_red"), [(0, 2), (2, 3), (1, 1)])
def test_a_lamp_rule_out_of_order_is_refused(yellow: int, long_red: int) -> None:
    with pytest.raises(ValueError, match="lamp"):
        LampRule("U3", Fraction(yellow), Fraction(long_red))
