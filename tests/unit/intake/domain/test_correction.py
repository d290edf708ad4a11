"""更正与直接办结: what an operator may put right in an open case, and which question he may answer himself."""

from typing import Any

import pytest

from libs.case.facts import Facts
from libs.case.refusals import NotInThisState
from libs.case.testing import case_of, given
from libs.directory.rules.limits import UnknownClass
from libs.events.contracts.intake import (
    AnsweredDirectly,
    AppealReceived,
    AppealWithdrawn,
    CaseCorrected,
    CaseRegistered,
    CaseVoided,
)
from libs.events.contracts.supervision import CaseClosed
from libs.events.decider import Actor
from libs.events.errors import Forbidden, Malformed, NotFound
from libs.events.ids import ClassCode, GridCode, PersonId
from libs.events.telephones import NoTelephone
from services.intake.domain.allowed_actions import allowed
from services.intake.domain.correction import (
    AnswerDirectly,
    CorrectCase,
    NobodyToCorrect,
    NotAQuestion,
    NothingToCorrect,
)
from services.intake.domain.decider import DECIDER
from services.intake.domain.identity import reporter_of
from services.intake.domain.reception import Place, PlaceUnknown
from services.intake.domain.registration import RegisterCase
from tests.unit.directory.town import VIEW, local
from tests.unit.routing.givens import HOUSING, ODOUR, ZHOU_MIN, acting, dispatched, facts

NINE = local("2026-11-03 09:00")
TEN = local("2026-11-03 10:00")
ZHOU = PersonId("zhou-min")
NEW = Facts(None, VIEW)
APPEAL = AppealReceived(
    channel="phone", kind="complaint", content="下水道异味", grid=GridCode("G03"), reporter_kind="ANONYMOUS"
)
QUESTION = APPEAL.model_copy(update={"kind": "consult"})
REGISTERED = CaseRegistered(
    registered_by=ZHOU, kind="complaint", class_code=ClassCode("sewer-odour"), urgency="U3", grid=GridCode("G03")
)
MISSING_COVER = CaseRegistered(
    registered_by=ZHOU,
    kind="complaint",
    class_code=ClassCode("manhole"),
    urgency="U2",
    grid=GridCode("G03"),
    filing_condition="manhole-missing",
)
ANSWER = AnswerDirectly(TEN, ZHOU_MIN, "social-insurance-0012", "每年9月至12月办理")
ANSWERED = AnsweredDirectly(answered_by=ZHOU, knowledge_entry="social-insurance-0012", reply="每年9月至12月办理")


def correct(by: Actor = ZHOU_MIN, /, **what: Any) -> CorrectCase:
    """周敏 puts something right."""
    return CorrectCase(TEN, by, "登记有误", **what)


def corrected(**what: Any) -> CaseCorrected:
    """What follows."""
    return CaseCorrected(corrected_by=ZHOU, reason="登记有误", **what)


def test_a_correction_changes_only_what_is_given() -> None:
    command = correct(class_code="exposed-refuse")
    given(DECIDER, APPEAL, REGISTERED).when(command, facts(*ODOUR)).then(corrected(class_code="exposed-refuse"))


def test_what_stands_there_already_is_no_correction() -> None:
    command = correct(class_code="sewer-odour", urgency="U3", kind="complaint", place=Place(grid=GridCode("G03")))
    given(DECIDER, APPEAL, REGISTERED).when(command, facts(*ODOUR)).then()


def test_texts_and_place_are_put_right_at_any_time() -> None:
    there = Place(longitude=1193150000, latitude=321050000, address="示例路 2 号")
    expected = corrected(
        content="路面积水", grid=GridCode("G04"), location="1193150000,321050000", address="示例路 2 号"
    )
    given(DECIDER, APPEAL).when(correct(content="路面积水", place=there), NEW).then(expected)


def test_an_address_alone_leaves_the_grid_as_it_is() -> None:
    command = correct(place=Place(address="示例路 2 号"))
    given(DECIDER, APPEAL, REGISTERED).when(command, facts(*ODOUR)).then(corrected(address="示例路 2 号"))


@pytest.mark.parametrize("place", [Place(grid=GridCode("G99")), Place(longitude=0, latitude=0), Place(longitude=1)])
def test_a_place_outside_every_grid_is_refused_as_at_intake(place: Place) -> None:
    given(DECIDER, APPEAL).when(correct(place=place), NEW).then_refused(PlaceUnknown, code="E-PLACE")


@pytest.mark.parametrize(
    "what",
    [
        {"class_code": "no-such-class"},
        {"kind": "praise"},
        {"class_code": "consultation", "kind": "consult", "urgency": "U1"},
        {"filing_condition": "no-such-condition"},
    ],
)
def test_a_combination_that_the_rulebook_does_not_know_is_refused(what: dict[str, str]) -> None:
    refused = given(DECIDER, APPEAL, REGISTERED).when(correct(**what), facts(*ODOUR))
    refused.then_refused(UnknownClass, code="E-CLASS")


def test_another_class_does_not_inherit_the_filing_condition() -> None:
    decided = given(DECIDER, APPEAL, MISSING_COVER).when(correct(class_code="sewer-odour"), NEW)
    decided.then(corrected(class_code="sewer-odour"))
    case = case_of((NINE, APPEAL), (NINE, MISSING_COVER), (TEN, decided.events[0]))
    assert (case.class_code, case.filing_condition, case.urgency) == ("sewer-odour", None, "U2")


def test_another_filing_condition_of_the_same_class_is_taken() -> None:
    command = correct(filing_condition="manhole-broken")
    expected = corrected(filing_condition="manhole-broken")
    given(DECIDER, APPEAL, MISSING_COVER).when(command, NEW).then(expected)


def test_a_case_corrected_to_a_dangerous_class_becomes_most_urgent() -> None:
    command = correct(class_code="gas-leak", kind="help", urgency="U4")
    expected = corrected(class_code="gas-leak", kind="help", urgency="U1")
    given(DECIDER, APPEAL, REGISTERED).when(command, facts(*ODOUR)).then(expected)


def test_class_and_urgency_are_corrected_only_where_they_were_filed() -> None:
    for what in ({"class_code": "sewer-odour"}, {"urgency": "U2"}, {"filing_condition": "manhole-broken"}):
        refusal = given(DECIDER, APPEAL).when(correct(**what), NEW).then_refused(NotInThisState, code="E-STATE")
        assert refusal.allowed == ("register",)
    given(DECIDER, APPEAL).when(correct(kind="consult"), NEW).then(corrected(kind="consult"))


def test_what_was_corrected_before_registering_is_registered() -> None:
    elsewhere = corrected(kind="help", grid=GridCode("G04"))
    register = RegisterCase(TEN, ZHOU_MIN, ClassCode("street-light"), "U3")
    [registered] = given(DECIDER, APPEAL, elsewhere).when(register, NEW).events
    assert isinstance(registered, CaseRegistered)
    assert (registered.kind, registered.grid) == ("help", "G04")


def test_a_dispatched_case_is_still_corrected_and_an_ended_one_is_not() -> None:
    sent = (TEN, dispatched(HOUSING, "sewer-odour"))
    closed = (TEN, CaseClosed(closed_by=PersonId("wu-qian"), close_kind="HANDLED", round=1))
    given(DECIDER, APPEAL, REGISTERED).when(correct(urgency="U2"), facts(*ODOUR, sent)).then(corrected(urgency="U2"))
    refused = given(DECIDER, APPEAL, REGISTERED).when(correct(urgency="U2"), facts(*ODOUR, sent, closed))
    assert refused.then_refused(NotInThisState, code="E-STATE").evidence == ("e-4",)
    voided = CaseVoided(voided_by=ZHOU, reason="误录")
    given(DECIDER, APPEAL, voided).when(correct(kind="help"), NEW).then_refused(NotInThisState)


def test_a_correction_names_something_and_is_an_operators() -> None:
    given(DECIDER, APPEAL).when(correct(), NEW).then_refused(NothingToCorrect)
    given(DECIDER, APPEAL).when(correct(place=Place()), NEW).then_refused(Malformed)
    by_a_clerk = correct(acting("fang-yun-clerk"), kind="help")
    given(DECIDER, APPEAL).when(by_a_clerk, NEW).then_refused(Forbidden, code="E-ROLE")
    given(DECIDER).when(correct(kind="help"), NEW).then_refused(NotFound)


def test_a_question_is_answered_on_the_spot_once() -> None:
    given(DECIDER, QUESTION).when(ANSWER, NEW).then(ANSWERED)
    given(DECIDER, QUESTION, ANSWERED).when(ANSWER, NEW).then()
    case = case_of((NINE, QUESTION), (TEN, ANSWERED))
    assert (case.state, case.close_kind) == ("CLOSED", "DIRECT")
    assert allowed(DECIDER.fold([QUESTION, ANSWERED]), ZHOU_MIN, Facts(case, VIEW), TEN) == []


def test_what_is_no_question_is_not_answered_on_the_spot() -> None:
    given(DECIDER, APPEAL).when(ANSWER, NEW).then_refused(NotAQuestion, code="E-KIND")
    as_a_question = corrected(kind="consult")
    given(DECIDER, APPEAL, as_a_question).when(ANSWER, NEW).then(ANSWERED)


def test_a_registered_or_ended_case_is_not_answered_on_the_spot() -> None:
    registered = REGISTERED.model_copy(update={"kind": "consult", "class_code": "consultation"})
    given(DECIDER, QUESTION, registered).when(ANSWER, NEW).then_refused(NotInThisState, code="E-STATE")
    gone = AppealWithdrawn(proof="PHONE", continues=False)
    given(DECIDER, QUESTION, gone).when(ANSWER, NEW).then_refused(NotInThisState)
    given(DECIDER).when(ANSWER, NEW).then_refused(NotFound)
    by_a_clerk = AnswerDirectly(TEN, acting("fang-yun-clerk"), "entry", "答复")
    given(DECIDER, QUESTION).when(by_a_clerk, NEW).then_refused(Forbidden)


def test_an_answered_case_is_not_registered() -> None:
    register = RegisterCase(TEN, ZHOU_MIN, ClassCode("consultation"), "U3")
    given(DECIDER, QUESTION, ANSWERED).when(register, NEW).then_refused(NotInThisState)


def test_the_name_and_telephone_of_a_named_reporter_are_put_right() -> None:
    named = APPEAL.model_copy(update={"reporter_kind": "NAMED", "reporter_phone": "13800000001"})
    known = Facts(case_of((NINE, named)), VIEW)
    command = correct(reporter_name="某女士", reporter_phone="13800000000")
    given(DECIDER, named).when(command, known).then(corrected(reporter_name="某女士", reporter_phone="13800000000"))
    refusal = given(DECIDER, named).when(correct(reporter_phone="没有"), known)
    refusal.then_refused(NoTelephone, code="E-TELEPHONE")


def test_where_nobody_is_named_nobody_is_corrected() -> None:
    known = Facts(case_of((NINE, APPEAL)), VIEW)
    given(DECIDER, APPEAL).when(correct(reporter_name="某女士"), known).then_refused(NobodyToCorrect, code="E-REPORTER")


def test_who_the_reporter_is_follows_from_the_last_that_was_said_of_him() -> None:
    named = APPEAL.model_copy(update={"reporter_name": "某先生", "reporter_phone": "13800000001"})
    own = [named, corrected(content="x"), corrected(reporter_phone="13800000000")]
    assert reporter_of(own) == {"reporter_name": "某先生", "reporter_phone": "13800000000"}
    assert reporter_of([APPEAL]) == {}
