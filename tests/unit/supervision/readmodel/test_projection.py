"""Events → the table of clocks; what a row says at an instant."""

from datetime import timedelta
from typing import Any

import pytest

from libs.case import lifecycle
from libs.case.lamp import lamp_of
from libs.case.testing import CASE_ID, log_of
from libs.events.contracts.intake import CaseVoided
from libs.events.ids import PersonId
from libs.log.read.rows import ReadModel, Row
from services.supervision.api.clock_columns import verdict_of
from services.supervision.readmodel.projection import project
from services.supervision.readmodel.tables import TABLES, clock
from tests.unit.directory.rules.calendars import china
from tests.unit.supervision.cases import DISPATCHED, FOUND_ON_PATROL, HOUSING, Worker

MICROSECOND = timedelta(microseconds=1)
DUE = china("2026-11-09 24:00")


def rows_of(worker: Worker) -> dict[str, Row]:
    """The rows after the worker's whole log, by clock."""
    model = ReadModel(TABLES)
    case = None
    for event in log_of(*worker.log):
        case = lifecycle.evolve(case, event)
        project(model, event, case)
    return {row["clock"]: row for row in model[clock].of_case(CASE_ID)}


def test_a_row_per_clock_under_the_unit_that_holds_the_case() -> None:
    rows = rows_of(Worker().read(*FOUND_ON_PATROL[:3]))

    assert {name: (row["unit"], row["stopped_at"]) for name, row in rows.items()} == {
        "dispatch": (HOUSING, china("2026-11-02 09:40")),
        "overall": (HOUSING, None),
        "sign": (HOUSING, None),
        "handling": (HOUSING, None),
    }
    handling = rows["handling"]
    assert (handling["due_at"], handling["grid"], handling["class_code"]) == (DUE, "G03", "manhole")


def test_a_breach_is_confirmed_when_its_event_is_read() -> None:
    worker = Worker().read(*FOUND_ON_PATROL[:4])
    before = rows_of(worker)["handling"]
    worker.elapse(DUE + MICROSECOND)

    assert before["breach_recorded_at"] is None
    assert rows_of(worker)["handling"]["breach_recorded_at"] == DUE + MICROSECOND


def test_a_clock_that_never_ran_has_no_row() -> None:
    voided = CaseVoided(voided_by=PersonId("zhou-min"), reason="误录入")
    worker = Worker().read(
        *FOUND_ON_PATROL[:2], (china("2026-11-02 09:40"), DISPATCHED), (china("2026-11-02 09:30"), voided)
    )

    assert sorted(rows_of(worker)) == ["dispatch", "overall"]


def row(**changes: Any) -> Row:
    return {
        "due_at": DUE,
        "yellow_at": china("2026-11-06 10:40"),
        "long_red_at": china("2026-11-16 24:00"),
        "stopped_at": None,
        "breach_at": DUE,
        "exempt": False,
    } | changes


@pytest.mark.parametrize(
    ("at", "lamp"),
    [
        ("2026-11-06 10:39", "GREEN"),
        ("2026-11-06 10:40", "YELLOW"),
        ("2026-11-09 24:00", "YELLOW"),
        ("2026-11-10 00:01", "RED"),
        ("2026-11-16 24:00", "RED"),
        ("2026-11-17 00:01", "LONG_RED"),
    ],
)
def test_the_lamp_of_a_running_clock(at: str, lamp: str) -> None:
    assert lamp_of(row(), china(at)) == lamp


def test_the_lamp_of_a_stopped_clock_stays_as_it_was() -> None:
    assert lamp_of(row(stopped_at=china("2026-11-05 10:00"), breach_at=None), china("2026-12-24 10:00")) == "GREEN"


def test_the_verdict_at_a_stated_instant() -> None:
    late = row(stopped_at=DUE + MICROSECOND)
    in_time = row(stopped_at=DUE, breach_at=None)

    assert [verdict_of(one, china("2026-12-01 08:00")) for one in (row(), late, in_time)] == [
        "OVERDUE",
        "OVERDUE",
        "ON_TIME",
    ]
    assert [verdict_of(one, DUE) for one in (row(), late, in_time)] == ["RUNNING", "RUNNING", "ON_TIME"]
    assert verdict_of(row(exempt=True, breach_at=None), china("2026-12-01 08:00")) == "EXEMPT"
