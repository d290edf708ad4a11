"""What supervision does on facts of the log, and its second look at its own powers: SEP-18."""

import pytest

from libs.events.contracts.routing import AssignmentAccepted, ProgressRecorded
from libs.events.contracts.supervision import (
    CallbackAttempted,
    CallbackWaived,
    CaseClosed,
    ClocksEnded,
    DeadlineSet,
    FeedbackAccepted,
    SeparationViolationDetected,
    StageFinished,
    VerificationAssigned,
)
from libs.events.event import Event
from libs.events.ids import PersonId
from tests.unit.directory.rules.calendars import china
from tests.unit.supervision.cases import (
    ACCEPTED,
    APPEALED_BY_A_CITIZEN,
    ASSIGNED,
    FOUND_ON_PATROL,
    HOUSING,
    NOON,
    PASSED,
    Worker,
)

WU_QIAN = PersonId("wu-qian")


def test_scenario_1_the_log_of_a_case_that_goes_as_it_should() -> None:
    worker = Worker().read(*FOUND_ON_PATROL, (NOON, ACCEPTED), (NOON, CallbackWaived(round=1, reason="GRID_REPORT")))
    worker.read((NOON, PASSED), (NOON, CaseClosed(closed_by=WU_QIAN, close_kind="HANDLED", round=1)))

    assert [type(event) for event in worker.own] == [
        DeadlineSet,
        DeadlineSet,
        StageFinished,
        DeadlineSet,
        DeadlineSet,
        StageFinished,
        StageFinished,
        StageFinished,
        DeadlineSet,
        FeedbackAccepted,
        StageFinished,
        DeadlineSet,
        VerificationAssigned,
        CallbackWaived,
        type(PASSED),
        StageFinished,
        DeadlineSet,
        CaseClosed,
        ClocksEnded,
    ]


def test_without_a_check_nobody_is_asked_to_make_one() -> None:
    worker = Worker().read(*FOUND_ON_PATROL, (NOON, ACCEPTED.model_copy(update={"next": "CALLBACK"})))

    assert worker.happened(VerificationAssigned) == []


@pytest.mark.parametrize(
    ("act", "person", "rule"),
    [
        (ACCEPTED, "wu-qian", "SEP-04"),
        (CaseClosed(closed_by=WU_QIAN, close_kind="HANDLED", round=1), "wu-qian", "SEP-04"),
        (PASSED.model_copy(update={"verifier": "wu-qian"}), "wu-qian", "SEP-03"),
        (
            CallbackAttempted(agent=WU_QIAN, round=1, attempt=1, day=NOON.date(), half="PM", reached=False),
            "wu-qian",
            "SEP-04",
        ),
    ],
)
def test_a_power_used_while_a_barring_fact_was_on_its_way_is_found_when_it_is_read_back(
    act: Event, person: str, rule: str
) -> None:
    """吴倩 also acted for the unit, which supervision did not know when she decided."""
    on_its_way = ProgressRecorded(recorded_by=WU_QIAN, note="代办")
    worker = Worker().read(*APPEALED_BY_A_CITIZEN, (china("2026-11-05 11:59"), on_its_way), (NOON, act))

    (detected,) = worker.happened(SeparationViolationDetected)
    assert isinstance(detected, SeparationViolationDetected)
    assert (detected.person, detected.rule) == (person, rule)
    assert len(detected.evidence) == 2


def test_a_breach_is_detected_once_per_person_and_rule() -> None:
    on_its_way = ProgressRecorded(recorded_by=WU_QIAN, note="代办")
    closed = CaseClosed(closed_by=WU_QIAN, close_kind="HANDLED", round=1)
    worker = Worker().read(*APPEALED_BY_A_CITIZEN, (NOON, on_its_way), (NOON, ACCEPTED), (NOON, closed))

    assert len(worker.happened(SeparationViolationDetected)) == 1


def test_what_stands_later_in_the_log_than_the_power_is_the_other_services_to_find() -> None:
    late = AssignmentAccepted(unit=HOUSING, accepted_by=WU_QIAN)
    worker = Worker().read(*APPEALED_BY_A_CITIZEN, (NOON, ACCEPTED), (NOON, late))

    assert worker.happened(SeparationViolationDetected) == []


def test_a_clean_case_raises_nothing() -> None:
    worker = Worker().read(*APPEALED_BY_A_CITIZEN, (NOON, ACCEPTED), (NOON, ASSIGNED), (NOON, PASSED))

    assert worker.happened(SeparationViolationDetected) == []
