"""What the board showed at a past instant: what a reader of the facts recorded up to it would show."""

from datetime import datetime, timedelta

import pytest

from libs.case import lifecycle
from libs.case.testing import CASE_ID, log_of
from libs.events.contracts.intake import CaseCorrected, CaseVoided
from libs.events.contracts.routing import CaseDispatched
from libs.events.contracts.supervision import FeedbackRejected, SupervisionIssued
from libs.events.event import Event
from libs.events.ids import ClassCode, GridCode, PersonId, UnitId
from libs.log.read.rows import ReadModel, Row
from services.supervision.readmodel.projection import project
from services.supervision.readmodel.tables import TABLES, case_past, clock, clock_past
from services.supervision.readmodel.versions import amend
from tests.unit.directory.rules.calendars import china
from tests.unit.supervision.cases import FOUND_ON_PATROL, HOUSING, REPORTED, Worker

MINUTE = timedelta(minutes=1)
URBAN = UnitId("county-urban")
OF_VERSION = ("case_id", "clock_id", "known_from", "known_until")

Log = tuple[tuple[datetime, Event], ...]

REJECTED = FeedbackRejected(reviewed_by=PersonId("wu-qian"), round=1, reason="未附照片")
ORDERED = SupervisionIssued(level=1, issued_by=PersonId("han-feng"), unit=HOUSING, order="请尽快办理")
CORRECTED = CaseCorrected(corrected_by=PersonId("zhou-min"), grid=GridCode("G04"), reason="位置有误")
ELSEWHERE = CaseDispatched(unit=URBAN, dispatched_by=PersonId("chen-li"), class_code=ClassCode("manhole"))
VOIDED = CaseVoided(voided_by=PersonId("zhou-min"), reason="误录入")

SENT_BACK: Log = (
    *FOUND_ON_PATROL,
    (china("2026-11-05 12:00"), REJECTED),
    (china("2026-11-06 09:00"), ORDERED),
    (china("2026-11-06 10:00"), CORRECTED),
    (china("2026-11-06 16:00"), REPORTED),
)
DISPATCHED_ELSEWHERE_AND_READ_LATE: Log = (*FOUND_ON_PATROL, (china("2026-11-03 09:00"), ELSEWHERE))
CORRECTED_AND_READ_LATE: Log = (*FOUND_ON_PATROL, (china("2026-11-02 10:00"), CORRECTED))
VOIDED_AND_READ_LATE: Log = (*FOUND_ON_PATROL, (china("2026-11-02 09:30"), VOIDED))


def shown(facts: Log) -> ReadModel:
    """Supervision's tables after these facts and what follows from them, in log order."""
    model = ReadModel(TABLES)
    case = None
    for event in log_of(*Worker().read(*facts).log):
        case = lifecycle.evolve(case, event)
        project(model, event, case)
    return model


def clocks_at(model: ReadModel, at: datetime) -> dict[tuple[str, str, datetime], Row]:
    """The clocks as the versions say they were at an instant."""
    now = [row for row in model[clock].of_case(CASE_ID) if row["known_from"] <= at]
    past = [row for row in model[clock_past].of_case(CASE_ID) if row["known_from"] <= at < row["known_until"]]
    said = [{name: row[name] for name in row if name not in OF_VERSION} for row in (*now, *past)]
    return {(row["clock"], row["unit"], row["started_at"]): row for row in said}


def case_at(model: ReadModel, at: datetime) -> Row:
    """The case as its versions say it was at an instant."""
    known = [row for row in model[case_past].of_case(CASE_ID) if row["known_from"] <= at]
    newest = max(known, key=lambda row: row["known_from"])
    return {name: newest[name] for name in newest if name not in OF_VERSION}


@pytest.mark.parametrize("log", [SENT_BACK, DISPATCHED_ELSEWHERE_AND_READ_LATE, CORRECTED_AND_READ_LATE])
def test_at_every_instant_only_the_facts_recorded_up_to_it_count(log: Log) -> None:
    known = shown(log)

    for at in {moment + shift for moment, _ in log for shift in (timedelta(), MINUTE)}:
        then = shown(tuple(fact for fact in log if fact[0] <= at))
        assert clocks_at(known, at) == clocks_at(then, at), at
        assert case_at(known, at) == case_at(then, at), at


def test_a_clock_that_never_ran_was_never_shown() -> None:
    known = shown(VOIDED_AND_READ_LATE)

    assert {name for name, *_ in clocks_at(known, china("2026-11-03 09:00"))} == {"dispatch", "overall"}
    assert case_at(known, china("2026-11-02 09:30"))["state"] == "VOID"


def test_versions_are_few_and_follow_one_another() -> None:
    known = shown(SENT_BACK)
    handling = [row for row in known[clock_past].of_case(CASE_ID) if row["clock"] == "handling"]
    spans = sorted((row["known_from"], row["known_until"]) for row in handling)

    assert spans == [
        (china("2026-11-02 09:40"), china("2026-11-05 10:00")),
        (china("2026-11-05 10:00"), china("2026-11-05 12:00")),
        (china("2026-11-05 12:00"), china("2026-11-06 09:00")),
        (china("2026-11-06 09:00"), china("2026-11-06 10:00")),
        (china("2026-11-06 10:00"), china("2026-11-06 16:00")),
    ]


def test_a_fact_read_late_takes_its_place_and_holds_from_then_on() -> None:
    first, second, third = china("2026-11-02 09:00"), china("2026-11-03 09:00"), china("2026-11-04 09:00")
    before = [{"known_from": first, "grid": "G03", "unit": "a"}, {"known_from": third, "grid": "G03", "unit": "b"}]

    assert amend(before, second, {"grid": "G04"}) == [
        {"known_from": first, "grid": "G03", "unit": "a"},
        {"known_from": second, "grid": "G04", "unit": "a"},
        {"known_from": third, "grid": "G04", "unit": "b"},
    ]


def test_what_says_nothing_new_is_no_version() -> None:
    first, second = china("2026-11-02 09:00"), china("2026-11-03 09:00")

    assert amend([{"known_from": first, "grid": "G03"}], second, {"grid": "G03"}) == [
        {"known_from": first, "grid": "G03"}
    ]
