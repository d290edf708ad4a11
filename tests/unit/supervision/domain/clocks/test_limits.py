"""Which clocks a case has: rulebook.md (e.2), CLK-09."""

from datetime import timedelta

import pytest

from libs.directory.rules.lamps import LampRule
from services.supervision.domain.clocks.fold import fold
from services.supervision.domain.clocks.limits import CaseLimits, start_of
from tests.unit.directory.rules.calendars import CHINA, china

LIMITS = CaseLimits.of(dispatch="1wd", sign="1wd", handling="5wd", rework="3wd", response="2wd")
REGISTERED = china("2026-11-02 09:20")


@pytest.mark.parametrize(
    ("clock", "expected"),
    [
        ("dispatch", "2026-11-03 24:00"),
        ("sign", "2026-11-03 24:00"),
        ("handling", "2026-11-09 24:00"),
        ("rework", "2026-11-05 24:00"),
        ("response", "2026-11-04 24:00"),
        ("overall", "2026-11-10 24:00"),
    ],
)
def test_the_limits_of_a_case_make_its_clocks(clock: str, expected: str) -> None:
    assert due_of(clock, LIMITS) == expected


def test_the_overall_clock_counts_handling_on_from_the_due_instant_of_dispatch() -> None:
    by_hours = CaseLimits.of(dispatch="4wh", handling="5wd")
    without_dispatch = CaseLimits.of(dispatch="none", handling="5wd")

    assert due_of("overall", by_hours) == "2026-11-09 24:00"
    assert due_of("overall", without_dispatch) == "2026-11-09 24:00"
    assert due_of("overall", CaseLimits.of(dispatch="10min", handling="2h")) == "2026-11-02 11:30"


def test_an_upstream_deadline_replaces_the_overall_limit_and_bounds_handling() -> None:
    long = CaseLimits.of(china("2026-11-20 17:00"), dispatch="4wh", handling="5wd", sign="1wd")
    short = CaseLimits.of(china("2026-11-04 17:00"), dispatch="4wh", handling="5wd", sign="1wd")

    assert (due_of("overall", long), due_of("handling", long)) == ("2026-11-20 17:00", "2026-11-09 24:00")
    assert (due_of("overall", short), due_of("handling", short)) == ("2026-11-04 17:00", "2026-11-04 17:00")
    assert due_of("sign", short) == "2026-11-03 24:00"


@pytest.mark.parametrize("clock", ["dispatch", "sign", "handling", "rework", "response", "overall"])
def test_no_limit_and_no_upstream_deadline_is_no_clock(clock: str) -> None:
    nothing = CaseLimits.of(dispatch="none", sign="none", handling="none", rework="refused")

    assert due_of(clock, nothing) is None


def test_an_upstream_deadline_alone_makes_the_handling_and_overall_clocks() -> None:
    only = CaseLimits.of(china("2026-11-20 17:00"), dispatch="none", sign="none", handling="none", rework="none")

    dues = {clock: due_of(clock, only) for clock in ("dispatch", "sign", "handling", "rework", "overall")}
    assert {clock for clock, due in dues.items() if due} == {"handling", "overall"}
    assert (dues["handling"], dues["overall"]) == ("2026-11-20 17:00", "2026-11-20 17:00")


def due_of(clock: str, limits: CaseLimits) -> str | None:
    """The due instant of a clock that starts at REGISTERED, as civil time; 24:00 of a day as such."""
    start = start_of(clock, limits, CHINA, at=REGISTERED, position=1)  # type: ignore[arg-type]
    if start is None:
        return None
    state = fold([start], CHINA, LampRule("U3"))
    assert state is not None
    due = state.due_at
    day = CHINA.day_ended_by(due)
    minutes = (due - CHINA.at(day, timedelta())) // timedelta(minutes=1)
    return f"{day} {minutes // 60:02}:{minutes % 60:02}"
