"""The two calendars of the tests and civil time in them. No tests here."""

from datetime import date, datetime, timedelta
from pathlib import Path

import yaml

from libs.directory.publish.documents import read_documents
from libs.directory.rules.work_calendar import WorkCalendar, calendar_of
from libs.events.contracts.directory import CalendarPublished
from libs.events.contracts.parts.rulebook import WorkClock

ROOT = Path(__file__).parents[4]
OFFICE_HOURS = WorkClock(tz="Asia/Shanghai", windows=("08:00-12:00", "14:00-18:00"), hours_per_workday=8)
YEARS = tuple(
    event
    for event in read_documents(
        yaml.safe_load((ROOT / "examples/calendar/china.yaml").read_text(encoding="utf-8"))
    ).events()
    if isinstance(event, CalendarPublished)
)
CHINA = calendar_of(OFFICE_HOURS, YEARS)
CITY_HALL = WorkClock(tz="America/New_York", windows=("09:00-17:00",), hours_per_workday=8)
BOSTON = calendar_of(
    CITY_HALL, [CalendarPublished(year=2011, off_days=(date(2011, 10, 10), date(2011, 11, 11), date(2011, 11, 24)))]
)


def china(text: str) -> datetime:
    """`2026-10-10 24:00` on the clocks of China."""
    return _civil(text, CHINA)


def boston(text: str) -> datetime:
    """`2011-11-04 10:00` on the clocks of Boston."""
    return _civil(text, BOSTON)


def _civil(text: str, calendar: WorkCalendar) -> datetime:
    day, time = text.split(" ")
    hours, minutes, *seconds = (int(part) for part in time.split(":"))
    return calendar.at(date.fromisoformat(day), timedelta(hours=hours, minutes=minutes, seconds=sum(seconds)))
