"""The notice for the next year is out: open limits that ran over its days are counted anew (CLK-15)."""

from datetime import date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from libs.directory.rules.calendar import Limit, Unit
from libs.directory.rules.work_calendar import WorkCalendar, calendar_of
from libs.events.contracts.directory import CalendarPublished, WorkingHours
from libs.events.contracts.supervision import AutoEscalated, DeadlineBreached, DeadlineRecomputed, DeadlineWarned
from libs.events.event import Event
from libs.events.ids import ClockId, UnitId
from services.supervision.domain.clocks.fold import ClockState, fold
from services.supervision.domain.clocks.ladder import Step, due_steps, steps
from services.supervision.domain.clocks.operations import (
    Continued,
    Extended,
    Operation,
    Paused,
    Recounted,
    Resumed,
    Started,
    Stopped,
)
from services.supervision.domain.clocks.recount import changes_by_unit
from services.supervision.domain.clocks.steps import all_steps
from tests.unit.directory.rules.calendars import CHINA, OFFICE_HOURS, YEARS, china
from tests.unit.directory.town import TOWN, appended
from tests.unit.examples import examples
from tests.unit.supervision.cases import DISPATCHED, FOUND, HOUSING, REGISTERED, REPORTED, SIGNED, Worker
from tests.unit.supervision.givens import ORDINARY

BEFORE_NEW_YEAR: tuple[tuple[datetime, Event], ...] = (
    (china("2026-12-30 09:10"), FOUND),
    (china("2026-12-30 09:20"), REGISTERED),
    (china("2026-12-30 09:40"), DISPATCHED),
    (china("2026-12-30 10:30"), SIGNED),
)
TOLD = china("2027-01-07 24:00")
"""Five working days, if only New Year's Day is off."""
NOTICE = CalendarPublished(year=2027, off_days=(date(2027, 1, 1), date(2027, 1, 4)), source="放假通知")
LATER = china("2027-01-08 24:00")
OUT = china("2026-12-31 08:00")


def worker(*log: tuple[datetime, Event]) -> Worker:
    return Worker().read(*(log or BEFORE_NEW_YEAR))


def publish(worker: Worker, calendar: CalendarPublished = NOTICE) -> Worker:
    worker.directory = appended(worker.directory, ((f"calendar-{calendar.year}", calendar),))
    return worker


def recounted(events: tuple[Event, ...], clock: str = "handling") -> DeadlineRecomputed:
    (found,) = [one for one in events if isinstance(one, DeadlineRecomputed) and one.clock == clock]
    return found


def test_a_limit_over_days_of_which_the_notice_says_more_ends_later_and_is_provisional_no_more() -> None:
    desk = worker()
    assert (desk.clock("handling").due_at, desk.clock("handling").provisional) == (TOLD, True)

    said = recounted(publish(desk).recount(OUT))

    version = TOWN.version + 1
    assert (said.due_at, said.provisional, said.at, said.calendar_version) == (LATER, False, OUT, version)
    assert said.because == f"e-{version}"
    assert (desk.clock("handling").due_at, desk.clock("handling").provisional) == (LATER, False)


def test_a_notice_with_a_make_up_working_day_never_makes_a_deadline_earlier_than_it_was_told() -> None:
    working_saturday = NOTICE.model_copy(update={"off_days": (date(2027, 1, 1),), "work_days": (date(2027, 1, 2),)})

    said = recounted(publish(worker(), working_saturday).recount(OUT))

    assert (said.due_at, said.provisional) == (TOLD, False)


def test_warning_and_breach_follow_the_new_count() -> None:
    desk = publish(worker())
    desk.recount(OUT)

    assert [type(one) for one in desk.elapse(LATER)] == [DeadlineWarned]
    breaches = [one.instant for one in desk.elapse(china("2027-01-09 08:00")) if isinstance(one, DeadlineBreached)]
    assert breaches == [LATER, LATER]


def test_what_was_recorded_before_the_notice_stands_and_the_ladder_climbs_on_by_the_new_count() -> None:
    desk = worker()
    before = desk.elapse(china("2027-01-08 08:00"))
    assert [one.instant for one in before if isinstance(one, DeadlineBreached)] == [TOLD, TOLD]

    publish(desk).recount(china("2027-01-08 09:00"))
    levels = [one for one in desk.elapse(china("2027-01-20 08:00")) if isinstance(one, AutoEscalated)]

    assert desk.clock("handling").breach_at == TOLD
    assert [(one.level, one.instant) for one in levels[:2]] == [
        (2, china("2027-01-11 24:00")),
        (3, china("2027-01-13 24:00")),
    ]


def test_it_is_said_once_however_often_it_is_looked_for() -> None:
    desk = publish(worker())

    assert {one.clock for one in desk.recount(OUT) if isinstance(one, DeadlineRecomputed)} == {"handling", "overall"}
    assert desk.recount(china("2026-12-31 09:00")) == ()


def test_days_that_are_known_better_but_not_for_good_are_counted_and_counted_again() -> None:
    guessed = NOTICE.model_copy(update={"provisional": True})
    desk = publish(worker(), guessed)

    first = recounted(desk.recount(OUT))
    last = recounted(publish(desk).recount(china("2027-01-02 08:00")))

    assert [(one.due_at, one.provisional) for one in (first, last)] == [(LATER, True), (LATER, False)]


def test_a_limit_within_the_published_year_a_finished_one_and_one_of_hours_are_left_alone() -> None:
    finished = worker(*BEFORE_NEW_YEAR, (china("2026-12-30 16:00"), REPORTED))
    in_time = worker(*((at - timedelta(days=14), event) for at, event in BEFORE_NEW_YEAR))

    assert publish(finished).recount(OUT) == ()
    assert publish(in_time).recount(OUT) == ()
    assert "sign" not in {one.clock for one in publish(worker()).recount(OUT) if isinstance(one, DeadlineRecomputed)}


OF_HOURS = REGISTERED.model_copy(update={"filing_condition": "manhole-broken"})
"""Handled within four working hours."""
TUESDAY: tuple[tuple[datetime, Event], ...] = (
    (china("2026-11-03 09:10"), FOUND),
    (china("2026-11-03 09:20"), OF_HOURS),
    (china("2026-11-03 09:40"), DISPATCHED),
)
LATE_AFTERNOON = WorkingHours(windows=("08:00-12:00", "15:00-18:00"), unit=HOUSING)


def year_with(*hours: WorkingHours) -> CalendarPublished:
    (year,) = [one for one in YEARS if one.year == 2026]
    return year.model_copy(update={"hours": hours})


def test_a_unit_s_work_is_counted_by_its_own_windows_and_the_centre_s_by_its() -> None:
    plain, own = worker(*TUESDAY), publish(Worker(), year_with(LATE_AFTERNOON)).read(*TUESDAY)
    assert plain.clock("handling").due_at == china("2026-11-03 15:40")
    assert own.clock("handling").due_at == china("2026-11-03 16:40")
    ours, theirs = own.clock("overall"), plain.clock("overall")
    assert (ours.due_at, ours.yellow_at, ours.long_red_at) == (theirs.due_at, theirs.yellow_at, theirs.long_red_at)


def test_windows_of_a_unit_that_are_published_count_its_open_limits_anew_and_no_clock_of_the_centre() -> None:
    desk = worker(*TUESDAY)
    said = publish(desk, year_with(LATE_AFTERNOON)).recount(china("2026-11-03 10:00"))
    assert {one.clock for one in said if isinstance(one, DeadlineRecomputed)} == {"sign", "handling"}
    assert recounted(said).due_at == desk.clock("handling").due_at == china("2026-11-03 16:40")
    assert desk.recount(china("2026-11-03 10:01")) == ()


def test_longer_windows_of_a_unit_never_end_a_limit_earlier_than_it_was_told() -> None:
    desk = worker(*TUESDAY)
    longer = LATE_AFTERNOON.model_copy(update={"windows": ("08:00-18:00",)})
    said = publish(desk, year_with(longer)).recount(china("2026-11-03 10:00"))
    assert recounted(said).due_at == china("2026-11-03 15:40")


def test_windows_of_another_unit_or_of_other_days_move_nothing() -> None:
    elsewhere = LATE_AFTERNOON.model_copy(update={"unit": UnitId("county-urban")})
    in_summer = LATE_AFTERNOON.model_copy(update={"first_day": date(2026, 6, 1), "last_day": date(2026, 9, 30)})
    assert publish(worker(*TUESDAY), year_with(elsewhere, in_summer)).recount(china("2026-11-03 10:00")) == ()


def test_which_units_days_have_changed_is_told_apart_only_where_a_unit_has_windows_of_its_own() -> None:
    after = appended(TOWN, (("calendar-2026", year_with(LATE_AFTERNOON)),)).latest
    by_days = changes_by_unit(TOWN.latest, after)
    ((days, units),) = [(days, units) for days, units in by_days.items() if days]
    assert units == [HOUSING]
    assert all(begin < end for begin, end in days)
    assert None in by_days[()]
    noticed = appended(TOWN, (("calendar-2027", NOTICE),)).latest
    assert [*changes_by_unit(TOWN.latest, noticed).values()] == [[None]]


def test_a_finished_limit_that_goes_on_is_counted_anew_then() -> None:
    continued: list[Operation] = [
        Stopped(at=china("2026-12-30 16:00"), position=2),
        Continued(at=china("2027-01-05 10:00"), position=3),
    ]
    anew = Recounted(at=china("2027-01-05 10:01"), position=4, calendar_version=2)

    clock = folded([STARTED, *continued, anew], calendar_with(NOTICE))

    assert clock.due_at == fold_of([STARTED, *continued], calendar_with(NOTICE)).due_at == china("2027-01-12 24:00")


def test_the_overall_limit_counts_on_from_the_end_of_dispatch_counted_anew() -> None:
    evening = china("2026-12-31 17:00")
    log = ((evening - timedelta(minutes=9), FOUND), (evening, REGISTERED))
    desk = publish(worker(*log))

    said = recounted(desk.recount(china("2026-12-31 18:00")), "overall")

    assert said.counted_from == china("2027-01-05 11:00")
    assert said.due_at == china("2027-01-12 24:00")


NOVEMBER: tuple[tuple[datetime, Event], ...] = (
    (china("2026-11-03 09:10"), FOUND),
    (china("2026-11-03 09:20"), REGISTERED),
    (china("2026-11-03 09:40"), DISPATCHED),
    (china("2026-11-03 10:30"), SIGNED),
)
"""Tuesday; five working days end on 10 November."""
(THIS_YEAR,) = [one for one in TOWN.latest.calendars if one.year == 2026]


def with_days(off: tuple[date, ...] = (), work: tuple[date, ...] = ()) -> CalendarPublished:
    """The calendar of 2026 published again, with other days."""
    days = {"off_days": (*THIS_YEAR.off_days, *off), "work_days": (*THIS_YEAR.work_days, *work)}
    return THIS_YEAR.model_copy(update=days)


def test_a_day_off_more_within_a_running_limit_makes_it_end_a_day_later() -> None:
    desk = worker(*NOVEMBER)
    assert (desk.clock("handling").due_at, desk.clock("handling").provisional) == (china("2026-11-10 24:00"), False)

    said = recounted(publish(desk, with_days(off=(date(2026, 11, 6),))).recount(china("2026-11-04 08:00")))

    assert (said.due_at, said.provisional) == (china("2026-11-11 24:00"), False)
    assert desk.clock("handling").due_at == desk.clock("overall").due_at == china("2026-11-11 24:00")
    assert desk.recount(china("2026-11-04 09:00")) == ()


def test_a_make_up_day_within_a_running_limit_makes_nothing_earlier_and_the_day_given_back_is_counted() -> None:
    desk = publish(worker(*NOVEMBER), with_days(work=(date(2026, 11, 7),)))
    assert recounted(desk.recount(china("2026-11-04 08:00"))).due_at == china("2026-11-10 24:00")

    publish(desk, with_days())
    assert recounted(desk.recount(china("2026-11-04 09:00"))).due_at == china("2026-11-10 24:00")


def test_days_outside_of_a_limit_and_days_that_change_nothing_say_nothing() -> None:
    outside = with_days(off=(date(2026, 11, 2), date(2026, 11, 11)), work=(date(2026, 11, 14),))
    idle = with_days(off=(date(2026, 11, 8),), work=(date(2026, 11, 5),))

    assert publish(worker(*NOVEMBER), outside).recount(china("2026-11-04 08:00")) == ()
    assert publish(worker(*NOVEMBER), idle).recount(china("2026-11-04 08:00")) == ()


def test_a_limit_that_is_over_is_left_alone() -> None:
    desk = worker(*NOVEMBER)
    desk.elapse(china("2026-11-11 08:00"))

    assert publish(desk, with_days(off=(date(2026, 11, 12),))).recount(china("2026-11-11 09:00")) == ()


# Properties

HANDLING, LEVELS = ClockId("handling"), {1: None, 2: Limit(1, Unit.WORK_DAY), 3: Limit(3, Unit.WORK_DAY)}
STARTED = Started(at=china("2026-12-30 09:40"), position=1, clock="handling", limit=Limit.parse("5wd"))
january = st.frozensets(st.dates(date(2027, 1, 1), date(2027, 1, 31)), max_size=12)
notices = st.tuples(january, january).map(
    lambda days: CalendarPublished(year=2027, off_days=tuple(days[0]), work_days=tuple(days[1] - days[0]))
)
minutes = st.integers(0, 30 * 24 * 60).map(lambda one: STARTED.at + timedelta(minutes=one))
kinds = st.sampled_from([Stopped, Continued, Paused, Resumed])
limits = st.builds(Limit, st.integers(1, 10), st.sampled_from([Unit.WORK_DAY, Unit.WORK_HOUR]))


@st.composite
def lives(draw: st.DrawFn) -> list[Operation]:
    """A limit around New Year: paused, finished, continued, extended."""
    found: list[Operation] = [Started(at=STARTED.at, position=1, clock="handling", limit=draw(limits))]
    for position, at in enumerate(sorted(draw(st.lists(minutes, max_size=6))), start=2):
        more = draw(st.one_of(kinds, limits))
        found.append(
            Extended(at=at, position=position, limit=more)
            if isinstance(more, Limit)
            else more(at=at, position=position)
        )
    return found


def calendar_with(notice: CalendarPublished) -> WorkCalendar:
    return calendar_of(OFFICE_HOURS, [*(one for one in YEARS if one.year != 2027), notice])


def fold_of(operations: list[Operation], calendar: WorkCalendar) -> ClockState:
    state = fold(operations, calendar, ORDINARY)
    assert state is not None
    return state


def due_before(at: datetime, clock: ClockState) -> tuple[Step, ...]:
    return due_steps(steps({HANDLING: clock}, LEVELS), at, ())


def folded(operations: list[Operation], anew: WorkCalendar) -> ClockState:
    state = fold(operations, CHINA, ORDINARY, {2: anew})
    assert state is not None
    return state


@given(lives(), notices, minutes)
def test_the_later_of_both_counts_holds_and_nothing_is_earlier_than_it_was_told(
    life: list[Operation], notice: CalendarPublished, at: datetime
) -> None:
    until = [one for one in life if one.at <= at]
    told = fold_of(until, CHINA)

    anew = folded([*until, Recounted(at=at, position=99, calendar_version=2)], calendar_with(notice))

    assert anew.due_at == max(told.due_at, fold_of(until, calendar_with(notice)).due_at) >= told.due_at


@given(lives(), notices, minutes, st.data())
def test_what_was_due_before_the_notice_stays_and_the_order_of_reading_does_not_matter(
    life: list[Operation], notice: CalendarPublished, at: datetime, data: st.DataObject
) -> None:
    operations, calendar = [*life, Recounted(at=at, position=99, calendar_version=2)], calendar_with(notice)
    clock, without = folded(operations, calendar), fold_of(life, CHINA)

    assert folded(data.draw(st.permutations(operations)), calendar) == clock
    assert due_before(at, clock) == due_before(at, without)


@examples(50)
@given(st.lists(st.integers(0, 24 * 24), min_size=1, max_size=8), st.integers(0, 24 * 20), notices)
def test_the_recorded_steps_are_those_of_the_resulting_log_whenever_the_notice_comes(
    looks: list[int], out: int, notice: CalendarPublished
) -> None:
    """The watermark comes to some hours, the notice in between: nothing is missing, doubled or wrong."""
    desk, begin = worker(), BEFORE_NEW_YEAR[-1][0]
    marks = sorted({*looks, out})
    for hour in marks:
        instant = begin + timedelta(hours=hour)
        desk.elapse(instant)
        if hour == out:
            publish(desk, notice).recount(instant)

    last = begin + timedelta(hours=marks[-1])
    clocks = desk.state.clocks
    expected = due_steps(all_steps(clocks, desk.facts), last, ())
    assert clocks.recorded == {one.key for one in expected}
    said = [one for one in desk.own if isinstance(one, DeadlineWarned | DeadlineBreached | AutoEscalated)]
    assert sorted(one.instant for one in said) == sorted(one.instant for one in expected)


def test_a_limit_that_starts_now_is_counted_by_the_notice_at_once() -> None:
    desk = publish(Worker()).read(*BEFORE_NEW_YEAR)

    assert desk.clock("handling").due_at == LATER
    assert desk.recount(OUT) == ()
