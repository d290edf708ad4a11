"""A source that is silent for over a minute is named: architecture.md §5."""

from datetime import UTC, datetime, timedelta

from services.supervision.jobs.silence import silent

NOON = datetime(2026, 11, 5, 4, 0, tzinfo=UTC)
INTAKE, ROUTING = "/xunban/intake", "/xunban/routing"


def test_a_source_is_silent_when_one_owned_lane_has_not_been_heard_of_for_over_a_minute() -> None:
    sent = {
        (INTAKE, 3): NOON - timedelta(seconds=60),
        (ROUTING, 3): NOON - timedelta(seconds=61),
        (ROUTING, 4): NOON - timedelta(seconds=90),
        (ROUTING, 5): NOON - timedelta(hours=1),
    }

    assert silent(sent, [3, 4], NOON) == {ROUTING: timedelta(seconds=90)}


def test_a_source_never_heard_of_is_not_missed_yet() -> None:
    assert silent({}, [3], NOON) == {}
