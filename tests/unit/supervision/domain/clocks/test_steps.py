"""Warnings, breaches and levels of a case, recorded behind the watermark: rulebook.md (f.2), architecture.md §5."""

from datetime import datetime, timedelta

from libs.events.contracts.supervision import AutoEscalated, CaseClosed, DeadlineBreached, DeadlineWarned
from libs.events.ids import ClockId, PersonId, UnitId
from services.supervision.domain.clocks.pinned_rules import told_unit
from tests.unit.directory.rules.calendars import china
from tests.unit.directory.town import TOWN, VIEW
from tests.unit.supervision.cases import FOUND_ON_PATROL, HOUSING, Worker

MICROSECOND = timedelta(microseconds=1)
DUE = china("2026-11-09 24:00")
SIGNED_AND_SILENT = FOUND_ON_PATROL[:4]


def test_a_breach_waits_until_no_fact_before_it_can_still_come() -> None:
    worker = Worker().read(*SIGNED_AND_SILENT)

    assert [type(event) for event in worker.elapse(DUE)] == [DeadlineWarned]
    assert [type(event) for event in worker.elapse(DUE + MICROSECOND)] == [
        DeadlineBreached,
        DeadlineBreached,
        AutoEscalated,
    ]


def test_a_step_says_its_own_instant_its_clock_and_who_is_responsible() -> None:
    worker = Worker().read(*SIGNED_AND_SILENT)
    warned, handling, overall, urged = worker.elapse(china("2026-11-10 08:00"))

    assert warned == DeadlineWarned(
        clock_id=ClockId("e-5/handling"),
        clock="handling",
        round=1,
        unit=HOUSING,
        instant=china("2026-11-06 10:40"),
        due_at=DUE,
    )
    assert isinstance(handling, DeadlineBreached)
    assert isinstance(overall, DeadlineBreached)
    assert (handling.clock, handling.instant, handling.unit) == ("handling", DUE, HOUSING)
    assert (overall.clock, overall.instant, overall.unit) == ("overall", DUE, HOUSING)
    assert isinstance(urged, AutoEscalated)
    assert (urged.level, urged.instant, urged.told_unit) == (1, DUE, HOUSING)


def test_what_is_recorded_is_not_recorded_again() -> None:
    worker = Worker().read(*SIGNED_AND_SILENT)
    worker.elapse(china("2026-11-10 08:00"))

    assert worker.elapse(china("2026-11-10 08:00")) == ()


def test_after_each_step_the_next_one_is_known() -> None:
    worker = Worker().read(*SIGNED_AND_SILENT)
    seen: list[tuple[str, int, datetime]] = []
    while worker.next_step and len(seen) < 9:
        step = worker.next_step
        seen.append((step.kind, step.level, step.instant))
        worker.elapse(step.instant + MICROSECOND)

    assert seen == [
        ("warn", 0, china("2026-11-06 10:40")),
        ("breach", 0, DUE),
        ("level", 2, china("2026-11-10 24:00")),
        ("level", 3, china("2026-11-12 24:00")),
        ("level", 4, china("2026-11-16 24:00")),
        ("level", 5, china("2026-11-23 24:00")),
    ]


def test_an_answer_given_in_time_but_read_late_is_no_breach() -> None:
    worker = Worker().read(*SIGNED_AND_SILENT)
    assert [type(event) for event in worker.elapse(china("2026-11-09 12:00"))] == [DeadlineWarned]
    worker.read((china("2026-11-09 23:30"), FOUND_ON_PATROL[5][1]))

    assert {getattr(step, "clock", None) for step in worker.elapse(china("2026-11-30 08:00"))} == {"review"}
    assert worker.clock("handling").on_time


def test_a_closed_case_takes_no_step() -> None:
    closed = CaseClosed(closed_by=PersonId("wu-qian"), close_kind="HANDLED", round=1)
    worker = Worker().read(*FOUND_ON_PATROL, (china("2026-11-06 09:00"), closed))

    assert worker.elapse(china("2026-12-30 08:00")) == ()
    assert worker.next_step is None


def test_an_unsigned_order_breaches_its_sign_clock_and_does_not_climb() -> None:
    worker = Worker().read(*FOUND_ON_PATROL[:3])

    events = worker.elapse(china("2026-11-04 08:00"))
    assert [(type(event), getattr(event, "clock", None)) for event in events] == [
        (DeadlineWarned, "sign"),
        (DeadlineBreached, "sign"),
    ]


def test_each_clock_climbs_by_the_rulebook_that_it_has_pinned() -> None:
    worker = Worker().read(*FOUND_ON_PATROL[:2])
    slower = TOWN.latest.rulebook.ladder_wd.model_copy(update={"L2": 3})
    rulebook = TOWN.latest.rulebook.model_copy(update={"version": 2, "ladder_wd": slower})
    worker.directory = TOWN.with_event(TOWN.version + 1, rulebook)
    worker.read(*FOUND_ON_PATROL[2:4])

    events = worker.elapse(china("2026-11-12 08:00"))
    levels = [(event.level, event.clock, event.instant) for event in events if isinstance(event, AutoEscalated)]
    assert levels == [(1, "handling", DUE), (2, "overall", china("2026-11-10 24:00"))]


def test_each_level_is_told_one_superior_higher() -> None:
    village = UnitId("shiqiao-committee")

    assert [told_unit(village, level, VIEW) for level in (1, 2, 3, 4)] == [
        "shiqiao-committee",
        "suishan-government",
        "county-government",
        "county-government",
    ]
    assert told_unit(None, 2, VIEW) is None
