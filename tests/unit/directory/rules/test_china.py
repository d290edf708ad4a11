"""The calendar file of China against the sources that it was taken from, day by day."""

import csv
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import chinese_calendar
import pytest
import yaml
from holidays import country_holidays

from tests.unit.directory.rules.calendars import CHINA, ROOT, YEARS

FILE = ROOT / "examples/calendar/china.yaml"
NOTICES = ROOT.parent / "shared/data/cn_holidays_2007_2026_holiday_cn.csv"


def test_the_file_holds_what_chinesecalendar_says_and_nothing_else() -> None:
    written = yaml.safe_load(FILE.read_text(encoding="utf-8"))["years"]

    for year in range(2004, 2027):
        days = list(days_of(year))
        off = [f"{day:%m-%d}" for day in days if day.weekday() < 5 and not chinese_calendar.is_workday(day)]
        work = [f"{day:%m-%d}" for day in days if day.weekday() >= 5 and chinese_calendar.is_workday(day)]
        assert (year, written[year]["off"], written[year]["work"]) == (year, off, work)
    assert sorted(written) == list(range(2004, 2028))


def test_every_day_is_a_working_day_exactly_where_chinesecalendar_says_so() -> None:
    wrong = [
        day
        for year in range(2004, 2027)
        for day in days_of(year)
        if CHINA.is_working_day(day) != chinese_calendar.is_workday(day)
    ]

    assert wrong == []


@pytest.mark.parametrize(("year", "count"), [(2004, 252), (2020, 249), (2024, 251), (2025, 248), (2026, 248)])
def test_working_days_of_a_year(year: int, count: int) -> None:
    assert sum(CHINA.is_working_day(day) for day in days_of(year)) == count
    assert CHINA.nth_working_day(date(year - 1, 12, 31), count) == max(filter(CHINA.is_working_day, days_of(year)))


def test_2027_is_provisional_with_the_statutory_weekdays() -> None:
    statutory = sorted(day for day in country_holidays("CN", years=2027) if day.weekday() < 5)
    published = {event.year: event for event in YEARS}

    assert published[2027].provisional
    assert list(published[2027].off_days) == statutory
    assert published[2027].work_days == ()
    assert CHINA.published == frozenset(range(2004, 2027))


@pytest.mark.skipif(not NOTICES.exists(), reason="the independent list of holidays is not beside the project")
def test_every_day_is_a_working_day_exactly_where_an_independent_list_says_so() -> None:
    listed = read_listed(NOTICES)

    for year in range(2007, 2027):
        for day in days_of(year):
            assert (day, CHINA.is_working_day(day)) == (day, listed.get(day, day.weekday() < 5))


def read_listed(path: Path) -> dict[date, bool]:
    """Exceptional day → whether it is worked."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        return {date.fromisoformat(row["date"]): row["is_off_day"] == "False" for row in csv.DictReader(file)}


def days_of(year: int) -> Iterator[date]:
    day = date(year, 1, 1)
    while day.year == year:
        yield day
        day += timedelta(days=1)
