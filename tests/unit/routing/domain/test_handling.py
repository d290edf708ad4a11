"""Signing, assigning, contacting and reporting – and 巡办分离 where the power is used."""

from datetime import datetime

import pytest

from libs.case.evidence import PhotoNotSent
from libs.case.refusals import NotInThisState, NotYourUnit
from libs.case.testing import given
from libs.events.contracts.intake import AttachmentAdded, CaseRegistered
from libs.events.contracts.routing import (
    AssignmentAccepted,
    AssignmentDeemedAccepted,
    CitizenContacted,
    FeedbackSubmitted,
    HandlerAssigned,
    HandlingResumed,
    ProgressRecorded,
    SeparationViolationAttempted,
)
from libs.events.contracts.supervision import ReworkOrdered, VerificationPassed
from libs.events.errors import Forbidden
from libs.events.event import Event
from libs.events.ids import GridCode, PersonId
from libs.separation.refusal import SeparationForbids
from services.routing.domain.decider import DECIDER
from services.routing.domain.handling import (
    AcceptAssignment,
    AssignHandler,
    CitizenNotContacted,
    ContactCitizen,
    FinishedWorkNotShown,
    HandlerNotOfUnit,
    RecordProgress,
    SameTry,
    SubmitFeedback,
    UnknownPerson,
)
from tests.unit.directory.rules.calendars import china
from tests.unit.routing.givens import (
    CHEN_LI,
    FANG_YUN,
    HOUSING,
    LITTER,
    LIU_GUILAN,
    LIU_GUILAN_HANDLER,
    NOON,
    ODOUR,
    TANG_JING,
    TEN,
    VILLAGE,
    WANG_JIANGUO,
    ZHENG_KAI,
    acting,
    dispatched,
    facts,
)

TO_VILLAGE = dispatched(VILLAGE, "village-litter", dual_hat=True)
TO_HOUSING = dispatched(HOUSING, "sewer-odour")
LITTER_SENT = (*LITTER, (TEN, TO_VILLAGE))
ODOUR_SENT = (*ODOUR, (TEN, TO_HOUSING))
SIGNED = AssignmentAccepted(unit=HOUSING, accepted_by=PersonId("fang-yun"))
REACHED = CitizenContacted(contacted_by=PersonId("zheng-kai"), reached=True)
MISSED = CitizenContacted(contacted_by=PersonId("zheng-kai"), reached=False)
PHOTO = ("b" * 64,)
SHOWN = AttachmentAdded(
    sha256=PHOTO[0], media_type="image/jpeg", size=90_000, sent_by=PersonId("zheng-kai"), unit=HOUSING
)
DONE = SubmitFeedback(NOON, ZHENG_KAI, "SOLVED", "管道已疏通", PHOTO)


BY_THE_VILLAGE = SHOWN.model_copy(update={"sent_by": "liu-guilan", "unit": VILLAGE})
BY_THE_DESK = SHOWN.model_copy(update={"sent_by": "zhou-min", "unit": None})
ANEW = ReworkOrdered(round=2, ordered_by=PersonId("wu-qian"), because="REVIEWER")


def test_the_cadre_who_reported_it_cannot_sign_for_the_village() -> None:
    """场景2: SEP-01 first, SEP-02 beside it, with the evidence and who may instead."""
    decided = given(DECIDER, TO_VILLAGE).when(AcceptAssignment(NOON, WANG_JIANGUO), facts(*LITTER_SENT))
    refusal = decided.then_refused(SeparationForbids, rule="SEP-01", code="E-SEP-01")
    assert isinstance(refusal, SeparationForbids)
    assert refusal.evidence[0] == "e-1"
    assert refusal.allowed == ("liu-guilan",)
    assert refusal.document()["also"] == ["SEP-02"]
    [attempt] = refusal.events
    assert isinstance(attempt, SeparationViolationAttempted)
    assert (attempt.person, attempt.command, attempt.also) == ("wang-jianguo", "AcceptAssignment", ("SEP-02",))


def test_his_colleague_signs() -> None:
    signed = AssignmentAccepted(unit=VILLAGE, accepted_by=PersonId("liu-guilan"))
    given(DECIDER, TO_VILLAGE).when(AcceptAssignment(NOON, LIU_GUILAN), facts(*LITTER_SENT)).then(signed)


def test_the_grid_worker_of_the_grid_is_told_the_rule_not_the_role() -> None:
    """赵强 patrols G04 and holds no post in the village: SEP-02 names him before anybody asks for his role."""
    decided = given(DECIDER, TO_VILLAGE).when(AcceptAssignment(NOON, acting("zhao-qiang-grid")), facts(*LITTER_SENT))
    decided.then_refused(SeparationForbids, rule="SEP-02", code="E-SEP-02")


def test_another_department_cannot_sign() -> None:
    decided = given(DECIDER, TO_HOUSING).when(AcceptAssignment(NOON, TANG_JING), facts(*ODOUR_SENT))
    decided.then_refused(NotYourUnit, code="E-UNIT")


def test_a_dispatcher_has_no_power_to_sign_a_case_that_he_did_not_dispatch() -> None:
    sent = TO_HOUSING.model_copy(update={"dispatched_by": "system"})
    decided = given(DECIDER, sent).when(AcceptAssignment(NOON, CHEN_LI), facts(*ODOUR, (TEN, sent)))
    assert decided.then_refused(Forbidden, code="E-ROLE").allowed == ("DEPT_CLERK",)


def test_the_dispatcher_of_the_case_is_barred_from_signing_it() -> None:
    decided = given(DECIDER, TO_HOUSING).when(AcceptAssignment(NOON, CHEN_LI), facts(*ODOUR_SENT))
    decided.then_refused(SeparationForbids, rule="SEP-09")


def test_signing_twice_is_signing_once() -> None:
    decided = given(DECIDER, TO_HOUSING, SIGNED).when(AcceptAssignment(NOON, FANG_YUN), facts(*ODOUR_SENT))
    decided.then()


def test_an_order_held_to_be_signed_needs_no_signature() -> None:
    deemed = AssignmentDeemedAccepted(unit=HOUSING, clock_id="e-9")
    given(DECIDER, TO_HOUSING, deemed).when(AcceptAssignment(NOON, FANG_YUN), facts(*ODOUR_SENT)).then()


def test_the_clerk_names_a_handler_of_his_unit() -> None:
    command = AssignHandler(NOON, FANG_YUN, PersonId("zheng-kai"))
    named = HandlerAssigned(unit=HOUSING, handler=PersonId("zheng-kai"), assigned_by=PersonId("fang-yun"))
    given(DECIDER, TO_HOUSING, SIGNED).when(command, facts(*ODOUR_SENT, (TEN, SIGNED))).then(named)
    given(DECIDER, TO_HOUSING, SIGNED, named).when(command, facts(*ODOUR_SENT, (TEN, SIGNED))).then()


def test_a_handler_must_serve_in_the_unit() -> None:
    known = facts(*ODOUR_SENT, (TEN, SIGNED))
    elsewhere = AssignHandler(NOON, FANG_YUN, PersonId("song-tao"))
    refusal = given(DECIDER, TO_HOUSING, SIGNED).when(elsewhere, known).then_refused(HandlerNotOfUnit)
    assert refusal.allowed == ("fang-yun", "he-wei", "ma-jun", "zheng-kai")
    nobody = AssignHandler(NOON, FANG_YUN, PersonId("nobody"))
    given(DECIDER, TO_HOUSING, SIGNED).when(nobody, known).then_refused(UnknownPerson)


def test_the_finder_cannot_be_named_as_handler() -> None:
    signed = AssignmentAccepted(unit=VILLAGE, accepted_by=PersonId("liu-guilan"))
    command = AssignHandler(NOON, LIU_GUILAN, PersonId("wang-jianguo"))
    decided = given(DECIDER, TO_VILLAGE, signed).when(command, facts(*LITTER_SENT, (TEN, signed)))
    refusal = decided.then_refused(SeparationForbids, rule="SEP-01")
    assert isinstance(refusal, SeparationForbids)
    [attempt] = refusal.events
    assert isinstance(attempt, SeparationViolationAttempted)
    assert attempt.person == "wang-jianguo"


def test_who_verified_an_earlier_round_cannot_handle_the_next() -> None:
    checked = VerificationPassed(
        verifier=PersonId("zheng-kai"), round=1, grid=GridCode("G03"), location="x", photos=PHOTO, next="CLOSING"
    )
    command = RecordProgress(NOON, ZHENG_KAI, "继续处理")
    decided = given(DECIDER, TO_HOUSING, SIGNED).when(command, facts(*ODOUR_SENT, (TEN, SIGNED), (TEN, checked)))
    decided.then_refused(SeparationForbids, rule="SEP-03", code="E-SEP-03")


def test_the_handler_may_call_before_the_order_is_signed() -> None:
    command = ContactCitizen(NOON, ZHENG_KAI, reached=False)
    given(DECIDER, TO_HOUSING).when(command, facts(*ODOUR_SENT)).then(missed(NOON))


def with_urgency(event: Event, urgency: str) -> Event:
    return event.model_copy(update={"urgency": urgency}) if isinstance(event, CaseRegistered) else event


def missed(at: datetime) -> CitizenContacted:
    return CitizenContacted(contacted_by=PersonId("zheng-kai"), reached=False, tried_at=at)


@pytest.mark.parametrize(
    ("urgency", "last", "at", "another"),
    [
        ("U3", "2026-11-02 14:00", "2026-11-02 14:01", False),
        ("U3", "2026-11-02 12:00", "2026-11-02 23:59", False),
        ("U3", "2026-11-02 11:59", "2026-11-02 12:00", True),
        ("U4", "2026-11-02 23:59", "2026-11-03 00:00", True),
        ("U4", "2026-11-02 14:00", "2026-11-03 14:00", True),
        ("U2", "2026-11-02 14:00", "2026-11-02 14:14", False),
        ("U2", "2026-11-02 14:00", "2026-11-02 14:15", True),
        ("U1", "2026-11-02 11:59", "2026-11-02 12:00", False),
    ],
)
def test_a_try_counts_in_another_half_day_and_where_it_is_urgent_a_quarter_of_an_hour_later(
    urgency: str, last: str, at: str, another: bool
) -> None:
    registered = [(when, with_urgency(event, urgency)) for when, event in ODOUR_SENT]
    command = ContactCitizen(china(at), ZHENG_KAI, reached=False)
    decided = given(DECIDER, TO_HOUSING, missed(china(last))).when(command, facts(*registered))
    if another:
        decided.then(missed(china(at)))
    else:
        decided.then_refused(SameTry, code="E-CONTACT")


def test_whoever_is_reached_was_reached_however_soon() -> None:
    command = ContactCitizen(NOON, ZHENG_KAI, reached=True)
    [event] = given(DECIDER, TO_HOUSING, missed(NOON)).when(command, facts(*ODOUR_SENT)).events
    assert isinstance(event, CitizenContacted)
    assert event.reached


def test_a_try_of_which_no_time_is_known_stands_in_no_later_one_s_way() -> None:
    command = ContactCitizen(NOON, ZHENG_KAI, reached=False)
    given(DECIDER, TO_HOUSING, MISSED).when(command, facts(*ODOUR_SENT)).then(missed(NOON))


def test_progress_is_recorded_only_on_a_signed_order() -> None:
    command = RecordProgress(NOON, ZHENG_KAI, "已到现场")
    given(DECIDER, TO_HOUSING).when(command, facts(*ODOUR_SENT)).then_refused(NotInThisState)
    noted = ProgressRecorded(recorded_by=PersonId("zheng-kai"), note="已到现场")
    given(DECIDER, TO_HOUSING, SIGNED).when(command, facts(*ODOUR_SENT, (TEN, SIGNED))).then(noted)


def test_a_clerk_who_is_not_the_assigned_handler_does_not_report() -> None:
    command = SubmitFeedback(NOON, FANG_YUN, "SOLVED", "已疏通", PHOTO)
    known = facts(*ODOUR_SENT, (TEN, SIGNED), (TEN, SHOWN))
    given(DECIDER, TO_HOUSING, SIGNED, REACHED).when(command, known).then_refused(Forbidden, code="E-ROLE")
    named = HandlerAssigned(unit=HOUSING, handler=PersonId("fang-yun"), assigned_by=PersonId("fang-yun"))
    [reported] = given(DECIDER, TO_HOUSING, SIGNED, named, REACHED).when(command, known).events
    assert isinstance(reported, FeedbackSubmitted)


def test_the_unit_reports_completion() -> None:
    reported = FeedbackSubmitted(
        unit=HOUSING,
        submitted_by=PersonId("zheng-kai"),
        round=1,
        result="SOLVED",
        reply="管道已疏通",
        photos=PHOTO,
    )
    known = facts(*ODOUR_SENT, (TEN, SIGNED), (TEN, SHOWN))
    given(DECIDER, TO_HOUSING, SIGNED, REACHED).when(DONE, known).then(reported)


@pytest.mark.parametrize("sent", [(), (BY_THE_VILLAGE,), (BY_THE_DESK,), (SHOWN, ANEW)])
def test_a_photo_that_the_unit_has_not_sent_in_this_round_shows_nothing(sent: tuple[Event, ...]) -> None:
    known = facts(*ODOUR_SENT, (TEN, SIGNED), *((TEN, one) for one in sent))
    again = [HandlingResumed(unit=HOUSING, round=2, because=ANEW.ce_type)] if ANEW in sent else []
    decided = given(DECIDER, TO_HOUSING, SIGNED, REACHED, *again).when(DONE, known)
    assert decided.then_refused(PhotoNotSent, code="E-PHOTO").allowed == ()


def test_a_named_reporter_must_have_been_reached_or_called_three_times() -> None:
    known = facts(*ODOUR_SENT, (TEN, SIGNED), (TEN, SHOWN))
    twice = given(DECIDER, TO_HOUSING, SIGNED, MISSED, MISSED).when(DONE, known)
    twice.then_refused(CitizenNotContacted, code="E-FB-CONTACT")
    [reported] = given(DECIDER, TO_HOUSING, SIGNED, MISSED, MISSED, MISSED).when(DONE, known).events
    assert isinstance(reported, FeedbackSubmitted)


def test_a_case_found_by_the_grid_has_nobody_to_call() -> None:
    signed = AssignmentAccepted(unit=VILLAGE, accepted_by=PersonId("liu-guilan"))
    command = SubmitFeedback(NOON, LIU_GUILAN_HANDLER, "SOLVED", "已清运", PHOTO)
    [reported] = (
        given(DECIDER, TO_VILLAGE, signed)
        .when(command, facts(*LITTER_SENT, (TEN, signed), (TEN, BY_THE_VILLAGE)))
        .events
    )
    assert isinstance(reported, FeedbackSubmitted)


def test_a_matter_that_is_checked_on_site_needs_a_photo_unless_it_was_only_explained() -> None:
    known = facts(*ODOUR_SENT, (TEN, SIGNED), (TEN, SHOWN))
    bare = SubmitFeedback(NOON, ZHENG_KAI, "SOLVED", "管道已疏通")
    past = given(DECIDER, TO_HOUSING, SIGNED, REACHED)
    past.when(bare, known).then_refused(FinishedWorkNotShown, code="E-FB-EVIDENCE")
    [explained] = past.when(SubmitFeedback(NOON, ZHENG_KAI, "EXPLAINED", "属业主自用管道"), known).events
    assert isinstance(explained, FeedbackSubmitted)
