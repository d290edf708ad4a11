"""Working hours by season and unit: whose windows count on which day, and what changes when they are published anew."""

from datetime import date, timedelta
from fractions import Fraction
from typing import Any

from libs.directory.facts.view import View
from libs.directory.rules.calendar import Limit, Unit, due
from libs.directory.rules.lamps import Counted, LampRule, lamp_turns
from libs.directory.rules.work_calendar import WorkCalendar, calendar_at, calendar_for, changed_days, windows_of
from libs.events.ids import UnitId
from tests.unit.directory.town import RAW, VIEW, published

COUNTY, HOUSING, URBAN = UnitId("suishan-county"), UnitId("county-housing"), UnitId("county-urban")
SUMMER = ["08:00-12:00", "15:00-18:30"]
OWN = ["09:00-12:00", "13:00-16:00"]


def town(*hours: dict[str, Any]) -> View:
    """The town with working hours in the calendar of 2026."""
    years = RAW["years"] | {2026: RAW["years"][2026] | {"hours": [*hours]}}
    return published(RAW | {"years": years}).latest


def worked(calendar: WorkCalendar, day: date) -> object:
    return calendar.windows_on(day)


JULY, NOVEMBER = date(2026, 7, 1), date(2026, 11, 3)
SUMMER_OF_ALL = {"windows": SUMMER, "first_day": "06-01", "last_day": "09-30"}


def test_a_season_holds_for_everybody_on_its_days_alone_the_first_and_the_last_included() -> None:
    view = town(SUMMER_OF_ALL)
    for calendar in (calendar_at(view), calendar_for(view, HOUSING)):
        days = [date(2026, 5, 31), date(2026, 6, 1), date(2026, 9, 30), date(2026, 10, 1), date(2027, 7, 1)]
        plain, summer = windows_of(RAW["rulebook"]["clock"]["windows"]), windows_of(SUMMER)
        assert [worked(calendar, day) for day in days] == [plain, summer, summer, plain, plain]


def test_a_unit_s_own_windows_go_before_those_of_the_town_and_hold_for_no_other() -> None:
    view = town(SUMMER_OF_ALL, {"windows": OWN, "unit": HOUSING})
    assert worked(calendar_for(view, HOUSING), JULY) == worked(calendar_for(view, HOUSING), NOVEMBER) == windows_of(OWN)
    assert worked(calendar_for(view, URBAN), JULY) == worked(calendar_at(view), JULY) == windows_of(SUMMER)


def test_what_one_above_says_holds_for_a_unit_that_says_nothing_and_the_unit_s_season_goes_before_its_year() -> None:
    above = VIEW.ancestors(HOUSING)[0]
    view = town({"windows": OWN, "unit": above}, {"windows": SUMMER, "unit": HOUSING, **days("06-01", "09-30")})
    assert worked(calendar_for(view, HOUSING), JULY) == windows_of(SUMMER)
    assert worked(calendar_for(view, HOUSING), NOVEMBER) == windows_of(OWN)


def days(first: str, last: str) -> dict[str, str]:
    return {"first_day": first, "last_day": last}


def test_without_windows_of_its_own_a_unit_has_the_centre_s_calendar_itself() -> None:
    """The same object: what is remembered of it is remembered for all."""
    assert calendar_for(VIEW, HOUSING) is calendar_at(VIEW)
    view = town({"windows": OWN, "unit": HOUSING})
    assert calendar_for(view, URBAN) is calendar_for(view, None) is calendar_at(view)
    above = town({"windows": OWN, "unit": VIEW.ancestors(HOUSING)[0]})
    assert calendar_for(above, HOUSING) is calendar_for(above, URBAN) is not calendar_at(above)


def test_working_hours_are_counted_by_the_windows_of_each_day_they_run_over() -> None:
    """Tuesday, 2026-09-29, 17:00: an hour and a half of summer, then the 30th, seven hours and a half, then October."""
    calendar = calendar_at(town(SUMMER_OF_ALL))
    start = calendar.at(date(2026, 9, 29), timedelta(hours=17))
    assert due(start, Limit(2, Unit.WORK_HOUR), calendar) == calendar.at(date(2026, 9, 30), timedelta(hours=8.5))
    after = calendar.nth_working_day(date(2026, 9, 30), 1)
    assert due(start, Limit(10, Unit.WORK_HOUR), calendar) == calendar.at(after, timedelta(hours=9))


def test_a_working_day_stands_for_as_many_hours_as_it_has_where_a_share_is_taken() -> None:
    """CLK-06: of nine working hours a day of eight is left until yellow; in a summer of seven and a half, that."""
    calendar = calendar_at(town(SUMMER_OF_ALL))
    assert (
        calendar.hours_at(calendar.at(JULY, timedelta())),
        calendar.hours_at(calendar.at(NOVEMBER, timedelta())),
    ) == (
        Fraction(15, 2),
        Fraction(8),
    )
    limit, rule = Limit(9, Unit.WORK_HOUR), LampRule("U3")
    for day, left in ((JULY, Fraction(15, 2)), (NOVEMBER, Fraction(8))):
        start = calendar.at(day, timedelta(hours=8))
        due_at = due(start, limit, calendar)
        yellow, _ = lamp_turns(Counted(start, after_due=False, due_at=due_at, limit=limit, gaps=()), calendar, rule)
        assert calendar.working_time(yellow, due_at) == timedelta(hours=float(left))


def test_days_worked_in_other_windows_have_changed_and_days_off_have_not() -> None:
    before, after = calendar_at(VIEW), calendar_at(town({"windows": OWN, **days("11-05", "11-09")}))
    assert changed_days(before, after) == (date(2026, 11, 5), date(2026, 11, 6), date(2026, 11, 9))
    assert changed_days(after, before) == changed_days(before, after)


def test_saying_of_some_days_what_holds_anyway_changes_none() -> None:
    plain = RAW["rulebook"]["clock"]["windows"]
    assert changed_days(calendar_at(VIEW), calendar_at(town({"windows": plain, **days("11-05", "11-09")}))) == ()
