"""What a caller is offered: whatever is offered can be done, and whatever can be done is offered."""

from collections.abc import Iterator
from datetime import date, timedelta
from itertools import product

from hypothesis import given

from libs.case import lifecycle
from libs.case.facts import Facts
from libs.case.testing import next_of
from libs.directory.facts.view import View
from libs.events.contracts.intake import AppealRestored, AppealWithdrawn
from libs.events.contracts.routing import FeedbackSubmitted, ReturnApproved
from libs.events.contracts.supervision import (
    CallbackAttempted,
    CallbackCompleted,
    CaseClosed,
    CaseUrged,
    FeedbackRejected,
    ReworkOrdered,
    SupervisionIssued,
    SupervisionLifted,
    SupervisionResponded,
    VerificationFailed,
)
from libs.events.event import Event
from libs.events.ids import GridCode, PersonId
from services.supervision.domain.allowed_actions import MAY, allowed
from services.supervision.domain.closing.callback import Answers, RecordCallback
from services.supervision.domain.closing.review import CloseCase, OrderRework, ReviewFeedback
from services.supervision.domain.closing.verification import AssignVerification, SubmitVerification
from services.supervision.domain.decider import DECIDER, State
from services.supervision.domain.orders.orders import IssueSupervision, LiftSupervision, RespondSupervision
from services.supervision.domain.orders.urging import UrgeCase
from tests.unit.case.offers import Log, Question, Service, questions
from tests.unit.directory.rules.calendars import china
from tests.unit.directory.town import VIEW
from tests.unit.examples import examples
from tests.unit.supervision.cases import (
    ACCEPTED,
    APPEALED_BY_A_CITIZEN,
    FANG_YUN,
    FOUND_ON_PATROL,
    HAN_FENG,
    HOUSING,
    IN_G03,
    IN_G04,
    LI_FANG,
    LI_FANG_ACTING,
    MA_JUN,
    PASSED,
    PHOTO,
    SHOWN,
    TANG_JING,
    WU_QIAN,
    XU_JING,
    ZHENG_KAI,
    Worker,
    acting,
)

ZHAO_QIANG = acting("zhao-qiang-grid")
REPORTED_AGAIN = FeedbackSubmitted(
    unit=HOUSING, submitted_by=PersonId("zheng-kai"), round=2, result="SOLVED", reply="已重新修复", photos=(PHOTO,)
)
REJECTED = FeedbackRejected(reviewed_by=PersonId("wu-qian"), round=1, reason="未附照片")
FAILED = VerificationFailed(
    verifier=LI_FANG, round=1, grid=GridCode("G03"), location="1193050000,321050000", photos=(PHOTO,)
)
AGAIN = ReworkOrdered(round=2, ordered_by=PersonId("system"), because="VERIFICATION_FAILED")
TO_CLOSE = ACCEPTED.model_copy(update={"next": "CLOSING"})
TRIED = CallbackAttempted(
    agent=PersonId("xu-jing"), round=1, attempt=1, day=date(2026, 11, 5), half="PM", reached=False
)
ASKED = CallbackCompleted(
    agent=PersonId("xu-jing"), round=1, valid=True, contacted=True, solved=True, satisfaction="SATISFIED"
)
CLOSED = CaseClosed(closed_by=PersonId("wu-qian"), close_kind="HANDLED", round=1)
URGED = CaseUrged(urged_by=PersonId("han-feng"), source="SUPERVISOR", unit=HOUSING, supervisor_told=False, unit_acts=2)
RESPONDED = SupervisionResponded(responded_by=PersonId("ma-jun"), unit=HOUSING, plan="周五前完成")
LIFTED = SupervisionLifted(lifted_by=PersonId("han-feng"), level=1, reason="已整改")
GIVEN_BACK = ReturnApproved(unit=HOUSING, decided_by=PersonId("chen-li"))
GONE = AppealWithdrawn(proof="SECRET", continues=False)
LEFT = AppealWithdrawn(proof="SECRET", continues=True)
BACK = AppealRestored(proof="SECRET")


def ordered(level: int) -> SupervisionIssued:
    return SupervisionIssued(level=level, issued_by=PersonId("han-feng"), unit=HOUSING, order="请报计划")


def after(log: Log, *events: Event) -> Log:
    """These events after the log, an hour apart."""
    last = log[-1][0]
    return [*log, *((last + timedelta(hours=number), event) for number, event in enumerate(events, 1))]


HISTORIES: list[tuple[Log, View]] = [
    (after(APPEALED_BY_A_CITIZEN, REJECTED, REPORTED_AGAIN, ACCEPTED, PASSED, TRIED, ASKED, CLOSED), VIEW),
    (after(FOUND_ON_PATROL, ACCEPTED, FAILED, AGAIN, REPORTED_AGAIN, TO_CLOSE, CLOSED), VIEW),
    (after(APPEALED_BY_A_CITIZEN, LEFT, ACCEPTED, PASSED, BACK, ASKED), VIEW),
    (after(FOUND_ON_PATROL[:5], URGED, ordered(2), RESPONDED, LIFTED, ordered(3), ordered(4), GONE, BACK), VIEW),
    (after(FOUND_ON_PATROL[:4], *map(ordered, (1, 2, 3, 4, 5)), GIVEN_BACK), VIEW),
    ([*FOUND_ON_PATROL[:5], (china("2026-11-12 09:00"), ordered(2)), (china("2026-11-12 10:00"), CLOSED)], VIEW),
]
CONCERNED = [
    *(WU_QIAN, XU_JING, HAN_FENG, LI_FANG_ACTING, ZHAO_QIANG),
    *(FANG_YUN, ZHENG_KAI, MA_JUN, TANG_JING),
]


def reviews(asked: Question) -> Iterator[ReviewFeedback]:
    for reason in (None, "未附照片"):
        yield ReviewFeedback(asked.at, asked.by, accepted=True, reason=reason)
        yield ReviewFeedback(asked.at, asked.by, accepted=False, reason=reason)


def verifiers(asked: Question) -> Iterator[AssignVerification]:
    people = (PersonId("wang-jianguo"), PersonId("nobody"), *(one.person for one in CONCERNED))
    return (AssignVerification(asked.at, asked.by, one) for one in people)


def findings(asked: Question) -> Iterator[SubmitVerification]:
    for place, photos, passed in product((IN_G03, IN_G04, (0, 0)), ((), (PHOTO,)), (True, False)):
        yield SubmitVerification(asked.at, asked.by, passed, *place, photos)


def callbacks(asked: Question) -> Iterator[RecordCallback]:
    yield RecordCallback(asked.at, asked.by)
    yield RecordCallback(asked.at, asked.by, Answers(contacted=True, solved=False, satisfaction="BASICALLY"))


def orders(asked: Question) -> Iterator[IssueSupervision]:
    for level in (1, 2, 3, 4, 5):
        yield IssueSupervision(asked.at, asked.by, level, "请报计划")


def told(log: Log, view: View) -> tuple[State, Facts]:
    """With the clocks that run, and whatever else follows from these events; whoever is to check it took a photo."""
    worker = Worker().read(*log)
    if (case := worker.case) and case.verifier:
        worker.case = lifecycle.evolve(
            case, next_of(worker.recorded, log[-1][0], SHOWN.model_copy(update={"sent_by": case.verifier}))
        )
    return worker.state, worker.facts


SUPERVISION = Service(
    DECIDER,
    allowed,
    {
        "review": reviews,
        "rework": lambda asked: [OrderRework(asked.at, asked.by, "未修好")],
        "verification": verifiers,
        "verification/result": findings,
        "callback": callbacks,
        "close": lambda asked: [CloseCase(asked.at, asked.by, "HANDLED")],
        "urge": lambda asked: [UrgeCase(asked.at, asked.by, "请尽快办理")],
        "supervision": orders,
        "supervision/lift": lambda asked: (LiftSupervision(asked.at, asked.by, level, "已整改") for level in range(6)),
        "supervision/response": lambda asked: [RespondSupervision(asked.at, asked.by, "周五前完成")],
    },
    told,
    HISTORIES,
    CONCERNED,
)


@examples(150)
@given(questions(SUPERVISION))
def test_what_is_offered_can_be_done_and_what_can_be_done_is_offered(asked: Question) -> None:
    """A command that finds it already so counts as neither offered nor refused."""
    assert SUPERVISION.disagreements(asked) == []


def test_so_it_is_at_every_stage_for_everybody_concerned_and_every_action_is_somebodys() -> None:
    """What is offered to nobody would agree with anything."""
    stages = [*SUPERVISION.stages()]
    assert [(asked.by, wrong) for asked in stages for wrong in SUPERVISION.disagreements(asked)] == []
    assert (
        {action for asked in stages for action in SUPERVISION.offered(asked)} == SUPERVISION.inputs.keys() == MAY.keys()
    )
