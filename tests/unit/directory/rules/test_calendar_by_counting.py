"""The closed-form calendar against plain counting, day by day and minute by minute, on calendars drawn at random."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from libs.directory.rules.calendar import Limit, Unit, add, due, shift, used_at
from libs.directory.rules.work_calendar import Season, Windows, WorkCalendar
from tests.unit.examples import examples

DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)
WINDOWS = ((timedelta(hours=8), timedelta(hours=12)), (timedelta(hours=14), timedelta(hours=18)))
SUMMER = ((timedelta(hours=7, minutes=30), timedelta(hours=12)), (timedelta(hours=15), timedelta(hours=17)))
WINTER = ((timedelta(hours=9), timedelta(hours=17, minutes=15)),)
days = st.dates(date(2011, 9, 1), date(2011, 12, 31))


def in_turn(edges: list[date], windows: list[Windows]) -> tuple[Season, ...]:
    """Seasons between these days; what is left over of either is not used."""
    spans = zip(sorted(edges)[::2], sorted(edges)[1::2], windows, strict=False)
    return tuple(Season(first, last - DAY, worked) for first, last, worked in spans)


seasons = st.builds(
    in_turn,
    st.lists(days, max_size=6, unique=True),
    st.lists(st.sampled_from([SUMMER, WINTER]), max_size=3),
)
calendars = st.builds(
    WorkCalendar,
    zone=st.sampled_from([ZoneInfo("Asia/Shanghai"), ZoneInfo("America/New_York")]),
    windows=st.just(WINDOWS),
    off_days=st.frozensets(days, max_size=20),
    make_up_days=st.frozensets(days, max_size=20),
    seasons=seasons,
)
instants = st.datetimes(datetime(2011, 9, 5), datetime(2011, 12, 1)).map(  # noqa: DTZ001 - given its zone here
    lambda wall: wall.replace(second=0, microsecond=0, tzinfo=UTC)
)
limits = st.builds(Limit, st.integers(1, 15), st.sampled_from(list(Unit)))
minutes = st.integers(0, 9000).map(lambda count: count * MINUTE)
twelfths = st.integers(1, 12).map(lambda count: Fraction(count, 12))


@given(calendars, instants, st.integers(1, 30))
def test_working_days_are_counted_from_the_day_after(calendar: WorkCalendar, start: datetime, count: int) -> None:
    day = civil_day(start, calendar)
    left = count
    while left:
        day += DAY
        left -= works(day, calendar)

    assert due(start, Limit(count, Unit.WORK_DAY), calendar) == midnight_after(day, calendar)


@given(calendars, instants, st.integers(1, 20), st.integers(1, 20))
def test_two_extensions_are_one(calendar: WorkCalendar, start: datetime, first: int, second: int) -> None:
    once = due(start, Limit(first + second, Unit.WORK_DAY), calendar)
    twice = add(due(start, Limit(first, Unit.WORK_DAY), calendar), Limit(second, Unit.WORK_DAY), calendar)

    assert once == twice


@examples(40)
@given(calendars, instants, st.integers(1, 9))
def test_working_hours_pass_only_while_the_office_is_open(calendar: WorkCalendar, start: datetime, hours: int) -> None:
    now, worked = start, 0
    while worked < hours * 60:
        worked += is_open(now, calendar)
        now += MINUTE

    assert due(start, Limit(hours, Unit.WORK_HOUR), calendar) == now


@examples(40)
@given(calendars, instants, st.integers(0, 6000))
def test_working_time_of_a_pause(calendar: WorkCalendar, start: datetime, length: int) -> None:
    worked = sum(is_open(start + count * MINUTE, calendar) for count in range(length))

    assert calendar.working_time(start, start + length * MINUTE) == worked * MINUTE


@given(calendars, instants, st.integers(0, 20 * 24 * 60))
def test_working_days_that_end_in_a_pause(calendar: WorkCalendar, start: datetime, length: int) -> None:
    end = start + length * MINUTE
    span = [civil_day(start, calendar) + count * DAY for count in range(-1, 23)]
    ended = [day for day in span if works(day, calendar) and start < midnight_after(day, calendar) <= end]

    assert calendar.working_days_ended(start, end) == len(ended)


@given(calendars, instants, limits, st.tuples(minutes, minutes, minutes))
def test_a_pause_in_two_parts_is_one_pause(
    calendar: WorkCalendar, start: datetime, limit: Limit, lengths: tuple[timedelta, timedelta, timedelta]
) -> None:
    until = due(start, limit, calendar)
    began, middle, ended = start + lengths[0], start + lengths[0] + lengths[1], start + sum(lengths, timedelta())

    halves = shift(shift(until, began, middle, limit.unit, calendar), middle, ended, limit.unit, calendar)
    assert halves == shift(until, began, ended, limit.unit, calendar)
    assert halves >= until


@given(calendars, instants, limits, st.tuples(twelfths, twelfths))
def test_a_larger_share_is_never_used_earlier(
    calendar: WorkCalendar, start: datetime, limit: Limit, shares: tuple[Fraction, Fraction]
) -> None:
    smaller, larger = (used_at(start, limit, share, calendar) for share in sorted(shares))

    assert start < smaller <= larger <= due(start, limit, calendar)


@given(calendars, instants, instants)
def test_seasons_with_the_windows_of_every_day_change_nothing(
    calendar: WorkCalendar, start: datetime, other: datetime
) -> None:
    plain = replace(calendar, seasons=())
    said = replace(calendar, seasons=tuple(replace(one, windows=WINDOWS) for one in calendar.seasons))
    for limit in (Limit(7, Unit.WORK_HOUR), Limit(3, Unit.WORK_DAY)):
        assert due(start, limit, said) == due(start, limit, plain)
        assert used_at(start, limit, Fraction(5, 12), said) == used_at(start, limit, Fraction(5, 12), plain)
    assert said.working_time(start, other) == plain.working_time(start, other)
    assert said.hours_at(start) == plain.hours_at(start)


def works(day: date, calendar: WorkCalendar) -> bool:
    return (day.weekday() < 5 and day not in calendar.off_days) or (day.weekday() > 4 and day in calendar.make_up_days)


def civil_day(instant: datetime, calendar: WorkCalendar) -> date:
    return instant.astimezone(calendar.zone).date()


def is_open(instant: datetime, calendar: WorkCalendar) -> bool:
    """Whether the minute that begins here is working time."""
    wall = instant.astimezone(calendar.zone)
    worked = [season.windows for season in calendar.seasons if season.first <= wall.date() <= season.last]
    time = timedelta(hours=wall.hour, minutes=wall.minute)
    return works(wall.date(), calendar) and any(opens <= time < closes for opens, closes in [*worked, WINDOWS][0])


def midnight_after(day: date, calendar: WorkCalendar) -> datetime:
    after = day + DAY
    return datetime(after.year, after.month, after.day, tzinfo=calendar.zone).astimezone(UTC)
