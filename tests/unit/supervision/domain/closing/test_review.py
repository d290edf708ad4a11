"""Review, rework and closing by the centre: rulebook.md c.3 #33, #37, #38; SEP-04."""

import pytest

from libs.case.facts import Facts
from libs.case.refusals import NotInThisState
from libs.case.testing import given
from libs.events.contracts.supervision import (
    CallbackCompleted,
    CallbackWaived,
    CaseClosed,
    FeedbackAccepted,
    FeedbackRejected,
    ReworkOrdered,
    SeparationViolationAttempted,
    VerificationAssigned,
)
from libs.events.decider import SYSTEM, Actor
from libs.events.errors import Forbidden, NotFound, Refused
from libs.events.ids import ClassCode, PersonId
from libs.separation.refusal import SeparationForbids
from services.supervision.domain.closing.review import (
    CloseCase,
    NotCalledBack,
    NotVerified,
    OrderRework,
    ReasonForSendingBackMissing,
    ReviewFeedback,
)
from services.supervision.domain.decider import DECIDER
from tests.unit.directory.rules.calendars import china
from tests.unit.directory.town import TOWN, VIEW
from tests.unit.supervision.cases import (
    ACCEPTED,
    APPEALED_BY_A_CITIZEN,
    FANG_YUN,
    FOUND_ON_PATROL,
    HAN_FENG,
    NOON,
    PASSED,
    REGISTERED,
    TANG_JING,
    WU_QIAN,
    XU_JING,
    ZHENG_KAI,
    acting,
    facts,
)

PERSON = PersonId("wu-qian")
ACCEPT = ReviewFeedback(NOON, WU_QIAN, accepted=True)
REJECT = ReviewFeedback(NOON, WU_QIAN, accepted=False, reason="未附照片")
CLOSE = CloseCase(NOON, WU_QIAN, "HANDLED")
CALLED_BACK = CallbackCompleted(
    agent=PersonId("xu-jing"), round=1, valid=True, contacted=True, solved=False, satisfaction="DISSATISFIED"
)
WAIVED = CallbackWaived(round=1, reason="GRID_REPORT")
CLOSED = CaseClosed(closed_by=PERSON, close_kind="HANDLED", round=1)
ACCEPTED_LOG = (*APPEALED_BY_A_CITIZEN, (NOON, ACCEPTED))


def test_accepted_feedback_of_a_class_that_is_checked_goes_to_verification() -> None:
    given(DECIDER).when(ACCEPT, facts(*APPEALED_BY_A_CITIZEN)).then(ACCEPTED)


def test_a_case_found_by_the_grid_is_not_called_back_and_the_reason_is_recorded() -> None:
    given(DECIDER).when(ACCEPT, facts(*FOUND_ON_PATROL)).then(ACCEPTED, WAIVED)


def test_without_a_check_the_reporter_is_asked_next() -> None:
    wages = REGISTERED.model_copy(
        update={"class_code": ClassCode("wage-arrears"), "kind": "complaint", "filing_condition": None}
    )
    log = (APPEALED_BY_A_CITIZEN[0], (china("2026-11-02 09:20"), wages), *APPEALED_BY_A_CITIZEN[2:])

    given(DECIDER).when(ACCEPT, facts(*log)).then(ACCEPTED.model_copy(update={"next": "CALLBACK"}))


def test_an_anonymous_reporter_is_not_called_back() -> None:
    anonymous = APPEALED_BY_A_CITIZEN[0][1].model_copy(update={"reporter_kind": "ANONYMOUS"})
    log = ((APPEALED_BY_A_CITIZEN[0][0], anonymous), *APPEALED_BY_A_CITIZEN[1:])

    given(DECIDER).when(ACCEPT, facts(*log)).then(ACCEPTED, CallbackWaived(round=1, reason="ANONYMOUS"))


def test_a_class_without_call_back_and_check_can_be_closed_next() -> None:
    item = VIEW.catalogue("wage-arrears")
    assert item is not None
    town = TOWN.with_event(TOWN.version + 1, item.model_copy(update={"callback": False}))
    wages = REGISTERED.model_copy(update={"class_code": item.code, "kind": "complaint", "filing_condition": None})
    log = (APPEALED_BY_A_CITIZEN[0], (china("2026-11-02 09:20"), wages), *APPEALED_BY_A_CITIZEN[2:])

    given(DECIDER).when(ACCEPT, facts(*log, directory=town)).then(
        ACCEPTED.model_copy(update={"next": "CLOSING"}), CallbackWaived(round=1, reason="CLASS_EXEMPT")
    )


def test_rejected_feedback_goes_back_in_the_same_round_with_the_reason() -> None:
    given(DECIDER).when(REJECT, facts(*FOUND_ON_PATROL)).then(
        FeedbackRejected(reviewed_by=PERSON, round=1, reason="未附照片")
    )


def test_feedback_is_not_sent_back_without_a_reason() -> None:
    silent = ReviewFeedback(NOON, WU_QIAN, accepted=False)

    given(DECIDER).when(silent, facts(*FOUND_ON_PATROL)).then_refused(ReasonForSendingBackMissing, code="E-REASON")


def test_reviewing_twice_the_same_way_changes_nothing() -> None:
    rejected = FeedbackRejected(reviewed_by=PERSON, round=1, reason="未附照片")

    given(DECIDER, ACCEPTED).when(ACCEPT, facts(*ACCEPTED_LOG)).then()
    given(DECIDER, rejected).when(REJECT, facts(*FOUND_ON_PATROL, (NOON, rejected))).then()


def test_what_is_accepted_cannot_be_rejected() -> None:
    refusal = given(DECIDER, ACCEPTED).when(REJECT, facts(*ACCEPTED_LOG)).then_refused(NotInThisState, code="E-STATE")

    assert refusal.allowed == ("verification", "verification/result", "rework")


def test_new_feedback_after_a_rejection_is_judged_anew() -> None:
    rejected = FeedbackRejected(reviewed_by=PERSON, round=1, reason="未附照片")
    log = (*FOUND_ON_PATROL, (china("2026-11-05 11:00"), rejected), (NOON, FOUND_ON_PATROL[5][1]))

    given(DECIDER, rejected).when(ACCEPT, facts(*log)).then(ACCEPTED, WAIVED)


def test_without_feedback_there_is_nothing_to_review() -> None:
    given(DECIDER).when(ACCEPT, facts(*FOUND_ON_PATROL[:5])).then_refused(NotInThisState)


def test_a_case_that_nobody_knows_is_not_found() -> None:
    given(DECIDER).when(ACCEPT, Facts(None, VIEW)).then_refused(NotFound)


@pytest.mark.parametrize("actor", [FANG_YUN, ZHENG_KAI, acting("ma-jun-leader"), acting("he-wei-handler")])
@pytest.mark.parametrize("command", [ReviewFeedback, CloseCase, OrderRework])
def test_the_handling_side_never_judges_its_own_work_whatever_its_role(actor: Actor, command: type) -> None:
    details = {ReviewFeedback: (True,), CloseCase: ("HANDLED",), OrderRework: ("再办",)}[command]
    decided = given(DECIDER).when(command(NOON, actor, *details), facts(*FOUND_ON_PATROL))

    refusal = decided.then_refused(SeparationForbids, rule="SEP-04", code="E-SEP-04")
    assert isinstance(refusal, Refused)
    (attempt,) = refusal.events
    assert isinstance(attempt, SeparationViolationAttempted)
    assert (attempt.person, attempt.unit, attempt.command) == (actor.person, "county-housing", command.__name__)
    assert refusal.allowed == ("wu-qian",)


def test_a_dispatcher_never_closes_even_as_reviewer() -> None:
    chen_li = Actor(person=PersonId("chen-li"), role="REVIEWER")

    given(DECIDER, ACCEPTED).when(CloseCase(NOON, chen_li, "HANDLED"), facts(*ACCEPTED_LOG)).then_refused(
        SeparationForbids, rule="SEP-09"
    )


@pytest.mark.parametrize("actor", [HAN_FENG, XU_JING, TANG_JING])
def test_whom_no_rule_names_lacks_the_role(actor: Actor) -> None:
    for command in (
        ReviewFeedback(NOON, actor, accepted=True),
        CloseCase(NOON, actor, "HANDLED"),
        OrderRework(NOON, actor, "x"),
    ):
        refusal = given(DECIDER).when(command, facts(*FOUND_ON_PATROL)).then_refused(Forbidden, code="E-ROLE")
        assert refusal.allowed == ("REVIEWER",)


def test_closing_needs_the_check_on_site_first() -> None:
    given(DECIDER, ACCEPTED, WAIVED).when(CLOSE, facts(*ACCEPTED_LOG)).then_refused(NotVerified, code="E-CLS-VERIFY")


def test_closing_needs_the_call_back() -> None:
    given(DECIDER, ACCEPTED, PASSED).when(CLOSE, facts(*ACCEPTED_LOG, (NOON, PASSED))).then_refused(
        NotCalledBack, code="E-CLS-CALLBACK"
    )


def test_the_centre_closes_what_is_verified_and_called_back_or_waived() -> None:
    for last in (CALLED_BACK, WAIVED):
        log = (*ACCEPTED_LOG, (NOON, PASSED), (NOON, last))
        given(DECIDER, ACCEPTED, PASSED, last).when(CLOSE, facts(*log)).then(CLOSED)


def test_closing_twice_changes_nothing() -> None:
    log = (*ACCEPTED_LOG, (NOON, PASSED), (NOON, WAIVED), (NOON, CLOSED))

    given(DECIDER, ACCEPTED, PASSED, WAIVED, CLOSED).when(CLOSE, facts(*log)).then()


def test_work_that_is_not_accepted_is_not_closed() -> None:
    refusal = given(DECIDER).when(CLOSE, facts(*FOUND_ON_PATROL)).then_refused(NotInThisState)

    assert refusal.allowed == ("review", "rework")


def test_scenario_8_an_unsolved_call_back_does_not_close_by_itself_the_reviewer_orders_rework() -> None:
    log = (*ACCEPTED_LOG, (NOON, PASSED), (NOON, CALLED_BACK))
    rework = OrderRework(NOON, WU_QIAN, "第二天又堆了")

    given(DECIDER, ACCEPTED, PASSED, CALLED_BACK).when(rework, facts(*log)).then(
        ReworkOrdered(round=2, ordered_by=PERSON, because="REVIEWER", reason="第二天又堆了")
    )


def test_who_was_still_to_look_at_the_place_is_named_by_the_rework_for_he_goes_in_vain() -> None:
    asked = VerificationAssigned(verifier=PersonId("li-fang"), assigned_by=SYSTEM.person, round=1, because="e-1")
    log = (*ACCEPTED_LOG, (NOON, asked))
    rework = OrderRework(NOON, WU_QIAN, "先补交照片")
    given(DECIDER, ACCEPTED, asked).when(rework, facts(*log)).then(
        ReworkOrdered(round=2, ordered_by=PERSON, because="REVIEWER", reason="先补交照片", relieved=PersonId("li-fang"))
    )


def test_the_next_round_begins_with_nothing_done() -> None:
    rework = ReworkOrdered(round=2, ordered_by=PERSON, because="REVIEWER")
    again = FOUND_ON_PATROL[5][1].model_copy(update={"round": 2})
    log = (*ACCEPTED_LOG, (NOON, PASSED), (NOON, CALLED_BACK), (NOON, rework), (NOON, again))
    second = given(DECIDER, ACCEPTED, PASSED, CALLED_BACK, rework)

    second.when(CLOSE, facts(*log)).then_refused(NotInThisState)
    second.when(ACCEPT, facts(*log)).then(FeedbackAccepted(reviewed_by=PERSON, round=2, next="VERIFYING"))


def test_a_case_that_has_ended_is_neither_reviewed_nor_reworked() -> None:
    log = (*ACCEPTED_LOG, (NOON, CLOSED))

    for command in (ACCEPT, OrderRework(NOON, WU_QIAN, "再办")):
        given(DECIDER, ACCEPTED, CLOSED).when(command, facts(*log)).then_refused(NotInThisState)
