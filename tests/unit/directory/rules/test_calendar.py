"""Deadlines of the rulebook: rulebook.md (e.3), (e.5), (f.1)."""

from datetime import UTC, date, datetime, timedelta
from fractions import Fraction

import pytest

from libs.directory.rules.calendar import Limit, Unit, add, due, overdue_at, shift, used_after, used_at
from libs.directory.rules.work_calendar import WorkCalendar, calendar_of
from libs.events.contracts.directory import CalendarPublished
from tests.unit.directory.rules.calendars import BOSTON, CHINA, OFFICE_HOURS, YEARS, boston, china

WEEKENDS_ONLY = calendar_of(OFFICE_HOURS, [])
CLOSE_OF_BUSINESS = calendar_of(OFFICE_HOURS.model_copy(update={"day_end": "COB"}), YEARS)


def limit(text: str) -> Limit:
    parsed = Limit.parse(text)
    assert parsed is not None
    return parsed


@pytest.mark.parametrize(
    ("text", "amount", "unit"),
    [
        ("15min", 15, Unit.MINUTE),
        ("24h", 24, Unit.HOUR),
        ("4wh", 4, Unit.WORK_HOUR),
        ("5wd", 5, Unit.WORK_DAY),
        ("30d", 30, Unit.DAY),
    ],
)
def test_a_limit_is_read_and_written_the_same(text: str, amount: int, unit: Unit) -> None:
    assert limit(text) == Limit(amount, unit)
    assert str(limit(text)) == text


def test_no_limit_is_none() -> None:
    assert Limit.parse("none") is None


@pytest.mark.parametrize(
    "text", ["", "5", "wd", "5 wd", "5WD", "-5wd", "1.5h", "5wd ", "5wd\n", "refused", "٥wd", "0wd"]
)
def test_what_is_no_limit_says_so(text: str) -> None:
    with pytest.raises(ValueError, match="limit"):
        Limit.parse(text)


@pytest.mark.parametrize(
    ("start", "text", "expected"),
    [
        ("2026-09-18 16:50", "1wd", "2026-09-20 24:00"),
        ("2026-09-28 09:00", "5wd", "2026-10-10 24:00"),
        ("2026-09-30 17:45", "1wd", "2026-10-08 24:00"),
        ("2026-10-03 11:00", "5wd", "2026-10-13 24:00"),
        ("2026-09-30 16:00", "4wh", "2026-10-08 10:00"),
        ("2026-10-03 23:30", "2h", "2026-10-04 01:30"),
        ("2026-11-02 09:40", "5wd", "2026-11-09 24:00"),
        ("2026-11-11 10:00", "3wd", "2026-11-16 24:00"),
        ("2026-11-09 09:00", "15wd", "2026-11-30 24:00"),
        ("2026-11-09 00:00", "1wd", "2026-11-10 24:00"),
        ("2026-11-09 23:59", "1wd", "2026-11-10 24:00"),
        ("2026-11-09 09:00", "30d", "2026-12-09 24:00"),
        ("2026-11-09 23:50", "15min", "2026-11-10 00:05"),
        ("2026-11-09 13:00", "4wh", "2026-11-09 18:00"),
        ("2026-11-09 11:00", "2wh", "2026-11-09 15:00"),
        ("2026-11-13 18:00", "1wh", "2026-11-16 09:00"),
        ("2026-11-09 08:00", "16wh", "2026-11-10 18:00"),
    ],
)
def test_due_instants_of_the_rulebook(start: str, text: str, expected: str) -> None:
    assert due(china(start), limit(text), CHINA) == china(expected)


def test_a_limit_into_an_unpublished_year_is_provisional() -> None:
    start = china("2026-12-28 10:00")

    assert due(start, limit("5wd"), CHINA) == china("2027-01-05 24:00")
    assert CHINA.is_provisional(start, china("2027-01-05 24:00"))


def test_the_last_midnight_of_a_published_year_is_not_provisional() -> None:
    start = china("2026-12-28 10:00")

    assert due(start, limit("3wd"), CHINA) == china("2026-12-31 24:00")
    assert not CHINA.is_provisional(start, china("2026-12-31 24:00"))


def test_a_year_that_nobody_published_has_its_weekends() -> None:
    assert due(china("2030-12-31 10:00"), limit("1wd"), CHINA) == china("2031-01-01 24:00")
    assert CHINA.is_provisional(china("2030-12-31 10:00"), china("2031-01-01 24:00"))


@pytest.mark.parametrize(
    ("before", "text", "expected"),
    [
        ("2026-11-30 24:00", "10wd", "2026-12-14 24:00"),
        ("2026-11-09 24:00", "1wd", "2026-11-10 24:00"),
        ("2026-11-09 14:00", "1wd", "2026-11-10 24:00"),
        ("2026-11-13 24:00", "1wd", "2026-11-16 24:00"),
        ("2026-11-09 24:00", "30d", "2026-12-09 24:00"),
        ("2026-11-09 24:00", "4h", "2026-11-10 04:00"),
        ("2026-11-09 24:00", "4wh", "2026-11-10 12:00"),
    ],
)
def test_a_limit_counts_on_from_the_day_that_a_due_instant_ends(before: str, text: str, expected: str) -> None:
    assert add(china(before), limit(text), CHINA) == china(expected)


@pytest.mark.parametrize(
    ("before", "start", "end", "unit", "expected"),
    [
        ("2026-11-13 24:00", "2026-11-10 10:00", "2026-11-12 15:00", "wd", "2026-11-17 24:00"),
        ("2026-11-13 24:00", "2026-11-09 10:00", "2026-11-09 16:00", "wd", "2026-11-13 24:00"),
        ("2026-11-13 24:00", "2026-11-14 10:00", "2026-11-15 10:00", "wd", "2026-11-13 24:00"),
        ("2026-11-13 24:00", "2026-11-12 10:00", "2026-11-13 24:00", "wd", "2026-11-17 24:00"),
        ("2026-10-10 24:00", "2026-09-29 10:00", "2026-10-09 09:00", "wd", "2026-10-14 24:00"),
        ("2026-11-10 10:00", "2026-11-09 11:00", "2026-11-09 15:00", "wh", "2026-11-10 12:00"),
        ("2026-11-10 10:00", "2026-11-09 12:00", "2026-11-09 14:00", "wh", "2026-11-10 10:00"),
        ("2026-11-10 10:00", "2026-11-09 17:00", "2026-11-10 09:00", "wh", "2026-11-10 12:00"),
        ("2026-11-10 10:00", "2026-11-09 11:00", "2026-11-09 15:00", "h", "2026-11-10 14:00"),
        ("2026-11-10 10:00", "2026-11-09 11:00", "2026-11-09 15:00", "min", "2026-11-10 14:00"),
        ("2026-11-10 24:00", "2026-11-09 11:00", "2026-11-09 15:00", "d", "2026-11-11 04:00"),
    ],
)
def test_a_pause_moves_the_due_instant_in_the_unit_of_the_clock(
    before: str, start: str, end: str, unit: str, expected: str
) -> None:
    assert shift(china(before), china(start), china(end), Unit(unit), CHINA) == china(expected)


def test_yellow_comes_when_two_thirds_of_the_working_days_are_used() -> None:
    assert used_at(china("2026-09-28 09:00"), limit("5wd"), Fraction(2, 3), CHINA) == china("2026-10-09 10:40")


@pytest.mark.parametrize(
    ("text", "share", "expected"),
    [
        ("3wd", Fraction(2, 3), "2026-11-11 18:00"),
        ("3wd", Fraction(1, 6), "2026-11-10 12:00"),
        ("3wd", Fraction(1, 4), "2026-11-10 16:00"),
        ("6h", Fraction(2, 3), "2026-11-09 13:00"),
        ("6wh", Fraction(2, 3), "2026-11-09 15:00"),
        ("30d", Fraction(2, 3), "2026-11-29 24:00"),
        ("2d", Fraction(3, 4), "2026-11-11 12:00"),
    ],
)
def test_the_instant_at_which_a_share_of_a_limit_is_used(text: str, share: Fraction, expected: str) -> None:
    assert used_at(china("2026-11-09 09:00"), limit(text), share, CHINA) == china(expected)


def test_a_limit_that_counts_from_a_due_instant_uses_the_next_day_first() -> None:
    assert used_after(china("2026-11-09 24:00"), limit("2wd"), Fraction(1, 4), CHINA) == china("2026-11-10 12:00")


@pytest.mark.parametrize(
    ("before", "text", "share", "expected"),
    [
        ("2026-11-13 24:00", "5wd", Fraction(1), "2026-11-20 24:00"),
        ("2026-11-13 24:00", "3wd", Fraction(1, 2), "2026-11-17 12:00"),
        ("2026-11-13 14:00", "6h", Fraction(1), "2026-11-13 20:00"),
        ("2026-11-13 14:00", "4wh", Fraction(1), "2026-11-13 18:00"),
    ],
)
def test_the_instant_at_which_a_limit_is_overdue_by_a_share(
    before: str, text: str, share: Fraction, expected: str
) -> None:
    assert overdue_at(china(before), limit(text), share, CHINA) == china(expected)


def test_at_close_of_business_a_day_limit_ends_with_the_last_window() -> None:
    start = china("2026-11-09 09:00")

    assert due(start, limit("1wd"), CLOSE_OF_BUSINESS) == china("2026-11-10 18:00")
    assert due(start, limit("1d"), CLOSE_OF_BUSINESS) == china("2026-11-10 18:00")
    assert add(china("2026-11-10 18:00"), limit("1wd"), CLOSE_OF_BUSINESS) == china("2026-11-11 18:00")
    moved = shift(
        china("2026-11-10 18:00"),
        china("2026-11-10 17:00"),
        china("2026-11-10 19:00"),
        Unit.WORK_DAY,
        CLOSE_OF_BUSINESS,
    )
    assert moved == china("2026-11-11 18:00")


@pytest.mark.parametrize(
    ("start", "text", "expected"),
    [
        ("2011-11-04 10:00", "1wd", "2011-11-07 24:00"),
        ("2011-11-04 16:00", "4wh", "2011-11-07 12:00"),
        ("2011-11-04 10:00", "3d", "2011-11-07 24:00"),
        ("2011-11-23 10:00", "1wd", "2011-11-25 24:00"),
    ],
)
def test_civil_days_follow_the_zone_through_a_change_of_daylight_saving(start: str, text: str, expected: str) -> None:
    assert due(boston(start), limit(text), BOSTON) == boston(expected)


def test_midnight_in_boston_is_another_instant_after_daylight_saving() -> None:
    assert due(boston("2011-11-03 10:00"), limit("1wd"), BOSTON) == datetime(2011, 11, 5, 4, tzinfo=UTC)
    assert due(boston("2011-11-04 10:00"), limit("1wd"), BOSTON) == datetime(2011, 11, 8, 5, tzinfo=UTC)


def test_continuous_hours_do_not_notice_daylight_saving() -> None:
    start = boston("2011-11-05 12:00")

    assert due(start, limit("24h"), BOSTON) - start == timedelta(hours=24)
    assert due(start, limit("24h"), BOSTON) == boston("2011-11-06 11:00")


def test_due_instants_are_utc() -> None:
    start = china("2026-11-09 09:00").astimezone(CHINA.zone)

    assert {due(start, limit(text), CHINA).tzinfo for text in ("15min", "4h", "4wh", "5wd", "30d")} == {UTC}


def test_an_instant_without_its_offset_is_refused() -> None:
    with pytest.raises(ValueError, match="offset"):
        due(datetime(2026, 11, 9, 9), limit("5wd"), CHINA)  # noqa: DTZ001 - the point of the test


@pytest.mark.parametrize("windows", [(), ((14, 18), (8, 12)), ((8, 12), (11, 18)), ((8, 8),)])
def test_working_windows_must_be_in_order(windows: tuple[tuple[int, int], ...]) -> None:
    hours = tuple((timedelta(hours=opens), timedelta(hours=closes)) for opens, closes in windows)

    with pytest.raises(ValueError, match="windows"):
        WorkCalendar(CHINA.zone, hours)


def test_a_provisional_year_applies_its_days_and_stays_provisional() -> None:
    year = CalendarPublished(year=2027, off_days=(date(2027, 1, 1),), provisional=True)
    calendar = calendar_of(OFFICE_HOURS, [year])

    assert not calendar.is_working_day(date(2027, 1, 1))
    assert calendar.published == frozenset()


def test_a_day_listed_as_off_that_is_a_weekend_changes_nothing() -> None:
    year = CalendarPublished(year=2026, off_days=(date(2026, 11, 14),), work_days=(date(2026, 11, 13),))
    calendar = calendar_of(OFFICE_HOURS, [year])

    assert calendar.nth_working_day(date(2026, 11, 12), 2) == WEEKENDS_ONLY.nth_working_day(date(2026, 11, 12), 2)
