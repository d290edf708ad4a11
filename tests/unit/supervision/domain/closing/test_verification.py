"""Who checks on site, and what he finds: rulebook.md c.3 #34, #35; SEP-03, SEP-06; scenarios 1 and 2."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import pytest

from libs.case.evidence import PhotoNotSent
from libs.case.refusals import NotInThisState
from libs.case.testing import given
from libs.events.contracts.routing import AssignmentAccepted
from libs.events.contracts.supervision import CallbackWaived, ReworkOrdered, VerificationAssigned, VerificationFailed
from libs.events.decider import SYSTEM
from libs.events.errors import Forbidden
from libs.events.event import Event
from libs.events.ids import ClassCode, GridCode, PersonId, UnitId
from libs.separation.refusal import SeparationForbids
from services.supervision.domain.closing.verification import (
    AssignVerification,
    NotAssigned,
    NotAVerifier,
    PlaceNotShown,
    SubmitVerification,
)
from services.supervision.domain.decider import DECIDER
from tests.unit.directory.rules.calendars import china
from tests.unit.supervision.cases import (
    ACCEPTED,
    APPEALED_BY_A_CITIZEN,
    ASSIGNED,
    DISPATCHED,
    FOUND,
    FOUND_ON_PATROL,
    IN_G03,
    IN_G04,
    LI_FANG,
    LI_FANG_ACTING,
    NOON,
    PASSED,
    PHOTO,
    REGISTERED,
    REPORTED,
    SHOWN,
    WU_QIAN,
    XU_JING,
    ZHENG_KAI,
    acting,
    facts,
)

BY_SYSTEM = AssignVerification(NOON, SYSTEM)
LOG = (*APPEALED_BY_A_CITIZEN, (NOON, ACCEPTED), (NOON, ASSIGNED), (NOON, SHOWN))
ZHAO_QIANG = PersonId("zhao-qiang")
VILLAGE = UnitId("shiqiao-committee")
DUAL_HATTED: tuple[tuple[datetime, Event], ...] = (
    (
        china("2026-11-03 09:00"),
        FOUND.model_copy(
            update={
                "discoverer": "wang-jianguo",
                "grid": "G04",
                "class_code": "village-litter",
                "kind": "grid_livelihood",
            }
        ),
    ),
    (
        china("2026-11-03 09:20"),
        REGISTERED.model_copy(
            update={
                "grid": GridCode("G04"),
                "class_code": ClassCode("village-litter"),
                "kind": "grid_livelihood",
                "filing_condition": None,
            }
        ),
    ),
    (china("2026-11-03 09:40"), DISPATCHED.model_copy(update={"unit": VILLAGE, "dual_hat": True})),
    (china("2026-11-04 09:00"), AssignmentAccepted(unit=VILLAGE, accepted_by=PersonId("liu-guilan"))),
    (china("2026-11-05 10:00"), REPORTED.model_copy(update={"unit": VILLAGE, "submitted_by": "liu-guilan"})),
    (NOON, ACCEPTED),
)


def submitting(**details: Any) -> SubmitVerification:
    """李芳 at the place with a photo, unless said otherwise."""
    longitude, latitude = details.pop("place", IN_G03)
    given_details: dict[str, Any] = {"by": LI_FANG_ACTING, "passed": True, "photos": (PHOTO,)} | details
    return SubmitVerification(at=NOON, longitude=longitude, latitude=latitude, **given_details)


def test_scenario_1_the_system_asks_the_grid_worker_who_found_it() -> None:
    log = (*FOUND_ON_PATROL, (NOON, ACCEPTED))

    given(DECIDER, ACCEPTED).when(BY_SYSTEM, facts(*log)).then(ASSIGNED)


def test_a_citizens_case_is_checked_by_the_worker_of_its_own_grid() -> None:
    log = (*APPEALED_BY_A_CITIZEN, (NOON, ACCEPTED))

    given(DECIDER, ACCEPTED).when(BY_SYSTEM, facts(*log)).then(ASSIGNED.model_copy(update={"because": "OWN_GRID"}))


def test_scenario_2_a_dual_hat_case_is_checked_from_another_grid() -> None:
    given(DECIDER, ACCEPTED).when(BY_SYSTEM, facts(*DUAL_HATTED)).then(
        VerificationAssigned(verifier=LI_FANG, assigned_by=SYSTEM.person, round=1, because="NEIGHBOUR_GRID")
    )


def test_the_system_asks_once() -> None:
    given(DECIDER, ACCEPTED, ASSIGNED).when(BY_SYSTEM, facts(*LOG)).then()


def test_nobody_is_asked_before_the_feedback_is_accepted() -> None:
    given(DECIDER).when(BY_SYSTEM, facts(*FOUND_ON_PATROL)).then()


def test_a_reviewer_may_ask_somebody_else() -> None:
    command = AssignVerification(NOON, WU_QIAN, ZHAO_QIANG)

    given(DECIDER, ACCEPTED, ASSIGNED).when(command, facts(*LOG)).then(
        VerificationAssigned(
            verifier=ZHAO_QIANG, assigned_by=PersonId("wu-qian"), round=1, because="REVIEWER", relieved=LI_FANG
        )
    )


def test_asking_the_same_person_again_changes_nothing() -> None:
    given(DECIDER, ACCEPTED, ASSIGNED).when(AssignVerification(NOON, WU_QIAN, LI_FANG), facts(*LOG)).then()


def test_a_reviewer_cannot_ask_the_handler() -> None:
    command = AssignVerification(NOON, WU_QIAN, PersonId("zheng-kai"))

    refusal = given(DECIDER, ACCEPTED).when(command, facts(*LOG)).then_refused(SeparationForbids, rule="SEP-03")
    assert "li-fang" in refusal.allowed


def test_only_a_grid_worker_can_be_asked() -> None:
    command = AssignVerification(NOON, WU_QIAN, PersonId("xu-jing"))

    given(DECIDER, ACCEPTED).when(command, facts(*LOG)).then_refused(NotAVerifier, code="E-VERIFIER")


def test_only_a_reviewer_asks() -> None:
    given(DECIDER, ACCEPTED).when(AssignVerification(NOON, XU_JING, LI_FANG), facts(*LOG)).then_refused(Forbidden)


def test_the_verifier_at_the_place_finds_it_done() -> None:
    given(DECIDER, ACCEPTED, ASSIGNED).when(submitting(), facts(*LOG)).then(PASSED)


def test_a_failed_check_orders_the_rework_in_the_same_breath() -> None:
    command = submitting(passed=False, note="仍有破损")

    given(DECIDER, ACCEPTED, ASSIGNED).when(command, facts(*LOG)).then(
        VerificationFailed(
            verifier=LI_FANG,
            round=1,
            grid=GridCode("G03"),
            location="1193050000,321050000",
            photos=(PHOTO,),
            note="仍有破损",
        ),
        ReworkOrdered(round=2, ordered_by=SYSTEM.person, because="VERIFICATION_FAILED"),
    )


@pytest.mark.parametrize("details", [{"photos": ()}, {"place": IN_G04}, {"place": (0, 0)}])
def test_a_check_is_made_at_the_place_with_a_photo(details: dict[str, Any]) -> None:
    given(DECIDER, ACCEPTED, ASSIGNED).when(submitting(**details), facts(*LOG)).then_refused(
        PlaceNotShown, code="E-EVIDENCE"
    )


@pytest.mark.parametrize(
    "log",
    [
        (*FOUND_ON_PATROL, (NOON, ACCEPTED), (NOON, ASSIGNED)),
        (*LOG[:-1], (NOON, SHOWN.model_copy(update={"sent_by": ZHAO_QIANG}))),
        LOG[:-1],
    ],
)
def test_a_photo_of_the_finding_of_somebody_else_or_of_nobody_shows_nothing(
    log: Sequence[tuple[datetime, Event]],
) -> None:
    decided = given(DECIDER, ACCEPTED, ASSIGNED).when(submitting(), facts(*log))
    assert decided.then_refused(PhotoNotSent, code="E-PHOTO").allowed == ()


def test_the_handler_cannot_check_his_own_work() -> None:
    given(DECIDER, ACCEPTED, ASSIGNED).when(submitting(by=ZHENG_KAI), facts(*LOG)).then_refused(
        SeparationForbids, rule="SEP-03", code="E-SEP-03"
    )


def test_scenario_2_the_dual_hatted_finder_cannot_check() -> None:
    wang = acting("wang-jianguo-grid")

    given(DECIDER, ACCEPTED).when(submitting(by=wang, place=IN_G04), facts(*DUAL_HATTED)).then_refused(
        SeparationForbids, rule="SEP-03"
    )


def test_another_grid_worker_was_not_asked() -> None:
    refusal = (
        given(DECIDER, ACCEPTED, ASSIGNED)
        .when(submitting(by=acting("zhao-qiang-grid")), facts(*LOG))
        .then_refused(NotAssigned, code="E-SCOPE")
    )
    assert refusal.allowed == ("li-fang",)


def test_who_is_no_grid_worker_does_not_check() -> None:
    given(DECIDER, ACCEPTED, ASSIGNED).when(submitting(by=XU_JING), facts(*LOG)).then_refused(Forbidden, code="E-ROLE")


def test_a_check_that_is_done_is_done() -> None:
    log = (*LOG, (NOON, PASSED))
    done = given(DECIDER, ACCEPTED, ASSIGNED, PASSED)

    done.when(submitting(), facts(*log)).then()
    done.when(submitting(passed=False), facts(*log)).then_refused(NotInThisState)


def test_without_a_reporter_to_call_back_the_case_can_be_closed_next() -> None:
    waived = CallbackWaived(round=1, reason="GRID_REPORT")

    given(DECIDER, ACCEPTED, waived, ASSIGNED).when(submitting(), facts(*LOG)).then(
        PASSED.model_copy(update={"next": "CLOSING"})
    )
