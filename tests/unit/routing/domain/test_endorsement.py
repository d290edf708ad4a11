"""审签: the leader's word for what his unit sends, where the class wants it (c.3 #19, #32)."""

from dataclasses import replace

from libs.case.facts import Facts
from libs.case.refusals import NotInThisState, NotYourUnit
from libs.case.testing import case_of, given
from libs.directory.facts.view import View
from libs.events.contracts.routing import (
    AssignmentAccepted,
    CitizenContacted,
    EndorsementGiven,
    EndorsementRefused,
    EndorsementRequested,
    FeedbackSubmitted,
    SeparationViolationAttempted,
)
from libs.events.errors import Forbidden
from libs.events.event import Event, Sealed
from libs.events.ids import PersonId
from libs.separation.refusal import SeparationForbids
from services.routing.domain.decider import DECIDER
from services.routing.domain.endorsement import DecideEndorsement, ReasonForGivingBackMissing
from services.routing.domain.handling import CitizenNotContacted, SubmitFeedback
from services.routing.domain.returns import RequestReturn, ReturnWindowOver
from tests.unit.directory.town import published, written
from tests.unit.routing.disputes import ASKED, DUTY, FIVE, PROPOSED, SENT, SIGNED, WINDOW, log, returned
from tests.unit.routing.givens import FANG_YUN, HOUSING, WATER, ZHENG_KAI, acting

ENDORSED: View = published(written("catalogue", "code", "sewer-odour", endorsement=["return", "feedback"])).latest
MA_JUN = acting("ma-jun-leader")
ASK = RequestReturn(FIVE, FANG_YUN, DUTY, WATER)
ENDORSE = DecideEndorsement(FIVE, MA_JUN, approved=True)
DRAFT = EndorsementRequested(
    act="return", unit=HOUSING, requested_by=PersonId("fang-yun"), basis=DUTY, suggested_unit=WATER
)
GIVEN = EndorsementGiven(act="return", unit=HOUSING, endorsed_by=PersonId("ma-jun"), requested_by=PersonId("fang-yun"))
HAD = (PROPOSED, SENT)
IN_WORK = (*HAD, AssignmentAccepted(unit=HOUSING, accepted_by=PersonId("fang-yun")))
CALLED = CitizenContacted(contacted_by=PersonId("zheng-kai"), reached=True)
REPORT = SubmitFeedback(FIVE, ZHENG_KAI, "EXPLAINED", "已说明")
REPLY = Sealed(sealed="k/case", type="routing.endorsement-requested.v1", field="reply", nonce="", data="")


def known(*own: Event) -> Facts:
    return Facts(case_of(*log(*own)), ENDORSED)


def test_a_class_that_wants_no_endorsement_sends_at_once() -> None:
    given(DECIDER, *HAD).when(ASK, Facts(case_of(*log(*HAD)), ENDORSED)).then(DRAFT)
    plain = published(written("catalogue", "code", "sewer-odour", endorsement=["feedback"])).latest
    given(DECIDER, *HAD).when(ASK, Facts(case_of(*log(*HAD)), plain)).then(ASKED)


def test_what_the_leader_endorses_is_sent_for_whoever_drafted_it() -> None:
    given(DECIDER, *HAD, DRAFT).when(ENDORSE, known(*HAD, DRAFT)).then(GIVEN, returned(HOUSING, "fang-yun", WATER))


def test_the_sealed_text_of_a_draft_is_sent_as_it_is() -> None:
    draft = EndorsementRequested(
        act="feedback", unit=HOUSING, requested_by=PersonId("zheng-kai"), result="EXPLAINED", reply=REPLY
    )
    own = (*IN_WORK, CALLED, draft)
    given(DECIDER, *own).when(ENDORSE, known(*own)).then(
        GIVEN.model_copy(update={"act": "feedback", "requested_by": PersonId("zheng-kai")}),
        FeedbackSubmitted(unit=HOUSING, submitted_by=PersonId("zheng-kai"), round=1, result="EXPLAINED", reply=REPLY),
    )


def test_a_draft_has_to_be_right_when_it_is_drafted_and_when_it_is_endorsed() -> None:
    given(DECIDER, *IN_WORK).when(REPORT, known(*IN_WORK)).then_refused(CitizenNotContacted)
    late = replace(ENDORSE, at=WINDOW.replace(hour=WINDOW.hour + 1))
    given(DECIDER, *HAD, DRAFT).when(late, known(*HAD, DRAFT)).then_refused(ReturnWindowOver, rule="RET-1")


def test_a_draft_given_back_needs_a_reason_and_waits_no_more() -> None:
    back = replace(ENDORSE, approved=False)
    refused = EndorsementRefused(act="return", unit=HOUSING, refused_by=PersonId("ma-jun"), reason="依据不足")
    given(DECIDER, *HAD, DRAFT).when(back, known(*HAD, DRAFT)).then_refused(ReasonForGivingBackMissing)
    given(DECIDER, *HAD, DRAFT).when(replace(back, reason="依据不足"), known(*HAD, DRAFT)).then(refused)
    given(DECIDER, *HAD, DRAFT, refused).when(ENDORSE, known(*HAD, DRAFT, refused)).then_refused(NotInThisState)


def test_a_newer_draft_takes_the_place_of_one_that_waits() -> None:
    other = DRAFT.model_copy(update={"basis": "职责清单第13条"})
    own = (*HAD, other, DRAFT)
    given(DECIDER, *own).when(ENDORSE, known(*own)).then(GIVEN, ASKED)


def test_only_the_leader_of_the_unit_endorses() -> None:
    facts = known(*HAD, DRAFT)
    for clerk, refusal in ((ZHENG_KAI, Forbidden), (replace(MA_JUN, unit=WATER), NotYourUnit)):
        given(DECIDER, *HAD, DRAFT).when(replace(ENDORSE, by=clerk), facts).then_refused(refusal)


def test_nobody_endorses_what_he_drafted_himself() -> None:
    own = (*HAD, DRAFT.model_copy(update={"requested_by": PersonId("ma-jun")}))
    attempted = SeparationViolationAttempted(
        person=PersonId("ma-jun"), unit=HOUSING, command="DecideEndorsement", rule="SEP-15"
    )
    refusal = given(DECIDER, *own).when(ENDORSE, known(*own)).then_refused(SeparationForbids, rule="SEP-15")
    assert isinstance(refusal, SeparationForbids)
    assert refusal.events == (attempted,)


def test_who_drafts_and_who_endorses_has_handled_the_case() -> None:
    handlers = known(*HAD, SIGNED, DRAFT, GIVEN).known_case().handlers
    assert {"fang-yun", "ma-jun"} <= handlers.keys()
