"""Who withdraws from a matter of public interest is called back no more, unless he returns: scenario 14 (b)."""

from datetime import timedelta

from libs.case.refusals import NotInThisState
from libs.case.testing import given
from libs.events.contracts.intake import AppealRestored, AppealWithdrawn
from libs.events.contracts.supervision import CallbackWaived, CaseClosed, CaseUrged
from libs.events.ids import PersonId
from services.supervision.domain.allowed_actions import allowed
from services.supervision.domain.closing.callback import Answers, RecordCallback
from services.supervision.domain.closing.review import CloseCase, NotCalledBack, ReviewFeedback
from services.supervision.domain.closing.verification import SubmitVerification
from services.supervision.domain.decider import DECIDER
from tests.unit.supervision.cases import (
    ACCEPTED,
    APPEALED_BY_A_CITIZEN,
    ASSIGNED,
    IN_G03,
    LI_FANG_ACTING,
    NOON,
    PASSED,
    PHOTO,
    SHOWN,
    WU_QIAN,
    XU_JING,
    facts,
)

LEFT = (NOON - timedelta(hours=1), AppealWithdrawn(proof="SECRET", continues=True))
BACK = (NOON - timedelta(minutes=30), AppealRestored(proof="SECRET"))
CHECKED = (ACCEPTED, ASSIGNED, PASSED)
CALLED = RecordCallback(NOON, XU_JING, Answers(contacted=True, solved=True, satisfaction="SATISFIED"))
CLOSE = CloseCase(NOON, WU_QIAN, "HANDLED")
CLOSED = CaseClosed(closed_by=PersonId("wu-qian"), close_kind="HANDLED", round=1)


def test_who_left_is_not_called_and_the_waiver_is_recorded_when_the_case_is_closed() -> None:
    known = facts(*APPEALED_BY_A_CITIZEN, *((NOON, event) for event in CHECKED), LEFT)

    given(DECIDER, *CHECKED).when(CALLED, known).then_refused(NotInThisState)
    given(DECIDER, *CHECKED).when(CLOSE, known).then(CallbackWaived(round=1, reason="REPORTER_LEFT"), CLOSED)


def test_who_came_back_is_called_after_all() -> None:
    known = facts(*APPEALED_BY_A_CITIZEN, *((NOON, event) for event in CHECKED), LEFT, BACK)

    given(DECIDER, *CHECKED).when(CLOSE, known).then_refused(NotCalledBack)
    assert given(DECIDER, *CHECKED).when(CALLED, known).events


def test_the_steps_after_review_and_check_lead_to_the_closing() -> None:
    known = facts(*APPEALED_BY_A_CITIZEN, LEFT)
    given(DECIDER).when(ReviewFeedback(NOON, WU_QIAN, accepted=True), known).then(ACCEPTED)

    longitude, latitude = IN_G03
    checked = SubmitVerification(
        NOON, LI_FANG_ACTING, passed=True, longitude=longitude, latitude=latitude, photos=(PHOTO,)
    )
    asked = facts(*APPEALED_BY_A_CITIZEN, LEFT, (NOON, ACCEPTED), (NOON, ASSIGNED), (NOON, SHOWN))
    given(DECIDER, ACCEPTED, ASSIGNED).when(checked, asked).then(PASSED.model_copy(update={"next": "CLOSING"}))


def test_the_reviewer_is_offered_the_closing() -> None:
    known = facts(*APPEALED_BY_A_CITIZEN, *((NOON, event) for event in CHECKED), LEFT)
    assert known.case is not None

    state = DECIDER.fold([*CHECKED, CaseUrged(source="SUPERVISOR")])
    assert allowed(state, WU_QIAN, known, NOON) == ["close", "rework"]
    assert allowed(state, XU_JING, known, NOON) == []
