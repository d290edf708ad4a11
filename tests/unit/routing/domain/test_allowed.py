"""What a caller is offered: whatever is offered can be done, and whatever can be done is offered."""

from collections.abc import Iterator
from datetime import datetime
from itertools import product

from hypothesis import given

from libs.case.facts import Facts
from libs.case.testing import case_of
from libs.directory.facts.view import View
from libs.events.contracts.intake import AppealRestored, AppealWithdrawn, CaseCorrected, CaseVoided
from libs.events.contracts.routing import (
    ArbitrationOpened,
    AssignmentDeemedAccepted,
    CitizenContacted,
    CoUnitAdded,
    CoUnitReported,
    EndorsementRequested,
    FeedbackSubmitted,
    HandlerAssigned,
    HandlingResumed,
    WorkOrderCancelled,
)
from libs.events.contracts.supervision import FeedbackRejected
from libs.events.decider import Actor
from libs.events.event import Event
from libs.events.ids import ClassCode, PersonId, UnitId
from services.routing.domain.allowed_actions import MAY, allowed
from services.routing.domain.arbitration import OpenArbitration, RuleArbitration
from services.routing.domain.co_units import AddCoUnit, ReportAsCoUnit
from services.routing.domain.decider import DECIDER
from services.routing.domain.dispatch import DispatchCase
from services.routing.domain.endorsement import DecideEndorsement
from services.routing.domain.handling import (
    AcceptAssignment,
    AssignHandler,
    ContactCitizen,
    RecordProgress,
    SubmitFeedback,
)
from services.routing.domain.returns import DecideReturn, RequestReturn
from services.routing.domain.work_order import WorkOrder
from tests.unit.case.offers import Log, Question, Service, questions
from tests.unit.directory.town import VIEW, published, stricter, vacated, written
from tests.unit.examples import examples
from tests.unit.routing.disputes import (
    ASKED,
    DUTY,
    FIRST_RETURN,
    FIVE,
    NEXT_DAY,
    PROPOSED,
    REJECTED,
    SENT,
    SIGNED,
    THIRD_UNIT_HAS_IT,
    log,
    sent,
)
from tests.unit.routing.givens import (
    CAO_YING,
    CHEN_LI,
    DENG_HUI,
    ENFORCEMENT,
    FANG_YUN,
    HOUSING,
    LITTER,
    LIU_GUILAN,
    LIU_GUILAN_HANDLER,
    LUO_MIN,
    NOON,
    TANG_JING,
    TEN,
    URBAN,
    VILLAGE,
    WANG_JIANGUO,
    WATER,
    ZHENG_KAI,
    ZHOU_MIN,
    acting,
    dispatched,
)

PHOTO = ("a" * 64,)
REASONS = (None, "说明")
MA_JUN = acting("ma-jun-leader")
BY_ZHENG_KAI = {"contacted_by": PersonId("zheng-kai")}
CALLED = CitizenContacted(**BY_ZHENG_KAI, reached=True)
TRIED = CitizenContacted(**BY_ZHENG_KAI, reached=False)
NAMED = HandlerAssigned(unit=HOUSING, handler=PersonId("zheng-kai"), assigned_by=PersonId("fang-yun"))
ASKED_URBAN = CoUnitAdded(unit=URBAN, added_by=PersonId("fang-yun"), task="清掏路面雨水口")
URBAN_DONE = CoUnitReported(unit=URBAN, reported_by=PersonId("tang-jing"), report="已清掏")
REPORTED = FeedbackSubmitted(unit=HOUSING, submitted_by=PersonId("zheng-kai"), round=1, result="SOLVED", reply="已疏通")
SENT_BACK = FeedbackRejected(reviewed_by=PersonId("wu-qian"), round=1, reason="未附照片")
RESUMED = HandlingResumed(unit=HOUSING, round=1, because=SENT_BACK.ce_type)
DEEMED = AssignmentDeemedAccepted(unit=HOUSING, clock_id="e-5/sign")
THIRD = ArbitrationOpened(
    parties=(HOUSING, WATER, URBAN),
    because="RET-3",
    requested_by=PersonId("tang-jing"),
    basis="县城管局职责清单第7条",
    suggested_unit=HOUSING,
)
WITHDRAWN = AppealWithdrawn(proof="SECRET", continues=False)
CANCELLED = WorkOrderCancelled(unit=HOUSING, because=WITHDRAWN.ce_type)
RESTORED = AppealRestored(proof="SECRET")
BACK = HandlingResumed(unit=HOUSING, round=1, because=RESTORED.ce_type)
VOIDED = CaseVoided(voided_by=PersonId("zhou-min"), reason="误录")
MOVED = CaseCorrected(corrected_by=PersonId("zhou-min"), reason="分类", class_code=ClassCode("street-stall"))
VACATED: View = vacated("county-housing", "2026-11-03")
ENDORSED: View = published(written("catalogue", "code", "sewer-odour", endorsement=["return", "feedback"])).latest
DRAFT = EndorsementRequested(
    act="return", unit=HOUSING, requested_by=PersonId("fang-yun"), basis=DUTY, suggested_unit=WATER
)
OWN_DRAFT = DRAFT.model_copy(update={"requested_by": PersonId("ma-jun")})
TO_VILLAGE = dispatched(VILLAGE, "village-litter")
IN_VILLAGE = PROPOSED.model_copy(update={"unit": VILLAGE, "candidates": (VILLAGE,)})

HISTORIES: list[tuple[Log, View]] = [
    (log(PROPOSED, SENT, SIGNED, NAMED, CALLED, ASKED_URBAN, URBAN_DONE, REPORTED, SENT_BACK, RESUMED), VIEW),
    (log(PROPOSED, SENT, TRIED, SIGNED, TRIED, TRIED, REPORTED), stricter("strict")),
    (log(PROPOSED, SENT, ASKED, REJECTED, SIGNED, WITHDRAWN, CANCELLED, RESTORED, BACK, MOVED), VIEW),
    (log(PROPOSED, SENT, DEEMED, VOIDED, CANCELLED), VIEW),
    (log(*THIRD_UNIT_HAS_IT, THIRD), VIEW),
    (log(*FIRST_RETURN), stricter("compatible")),
    (log(PROPOSED.model_copy(update={"unit": None})), VIEW),
    (log(PROPOSED, SENT, SIGNED, CALLED, DRAFT), ENDORSED),
    (log(PROPOSED, SENT, OWN_DRAFT, ASKED), ENDORSED),
    ((*LITTER, (TEN, IN_VILLAGE), (TEN, TO_VILLAGE)), VIEW),
    (log(PROPOSED, SENT, SIGNED), VACATED),
]
CONCERNED = [
    *(CHEN_LI, DENG_HUI, LUO_MIN, ZHOU_MIN, FANG_YUN, ZHENG_KAI, MA_JUN, TANG_JING, CAO_YING),
    *(LIU_GUILAN, LIU_GUILAN_HANDLER, WANG_JIANGUO),
]


def units(asked: Question) -> Iterator[UnitId]:
    """Parties of the disputes, the village, one that no class names, and none."""
    return iter((HOUSING, URBAN, WATER, VILLAGE, ENFORCEMENT, UnitId("county-staffing"), UnitId("nowhere")))


def dispatches(asked: Question) -> Iterator[DispatchCase]:
    chosen = ((unit, reason) for unit in (None, *units(asked)) for reason in REASONS)
    return (DispatchCase(asked.at, asked.by, unit, reason) for unit, reason in chosen)


def assignments(asked: Question) -> Iterator[AssignHandler]:
    people = (PersonId("he-wei"), PersonId("nobody"), *(one.person for one in CONCERNED))
    return (AssignHandler(asked.at, asked.by, one) for one in people)


def feedbacks(asked: Question) -> Iterator[SubmitFeedback]:
    for photos in ((), PHOTO):
        yield SubmitFeedback(asked.at, asked.by, "SOLVED", "已疏通", photos)
        yield SubmitFeedback(asked.at, asked.by, "EXPLAINED", "属业主自用管道", photos)


def returns(asked: Question) -> Iterator[RequestReturn]:
    given_up = ((None, URBAN), (DUTY, None), *((DUTY, unit) for unit in units(asked)))
    return (RequestReturn(asked.at, asked.by, basis, unit) for basis, unit in given_up)


def decisions(asked: Question, *, approved: bool) -> Iterator[DecideReturn]:
    return (DecideReturn(asked.at, asked.by, approved, reason) for reason in REASONS)


def endorsements(asked: Question) -> Iterator[DecideEndorsement]:
    said = product((True, False), REASONS)
    return (DecideEndorsement(asked.at, asked.by, approved, reason) for approved, reason in said)


def rulings(asked: Question) -> Iterator[RuleArbitration]:
    ruled = ((URBAN, (HOUSING,)), *((unit, ()) for unit in units(asked)))
    return (RuleArbitration(asked.at, asked.by, unit, "裁定", groundless) for unit, groundless in ruled)


def told(log: Log, view: View) -> tuple[WorkOrder, Facts]:
    own: list[Event] = [event for _, event in log if event.owner == "routing"]
    return DECIDER.fold(own), Facts(case_of(*log), view)


ROUTING = Service(
    DECIDER,
    allowed,
    {
        "dispatch": dispatches,
        "accept": lambda asked: [AcceptAssignment(asked.at, asked.by)],
        "assign": assignments,
        "contact": lambda asked: [ContactCitizen(asked.at, asked.by, reached) for reached in (True, False)],
        "progress": lambda asked: [RecordProgress(asked.at, asked.by, "已到现场")],
        "feedback": feedbacks,
        "return": returns,
        "return/approve": lambda asked: decisions(asked, approved=True),
        "return/reject": lambda asked: decisions(asked, approved=False),
        "endorsement": endorsements,
        "arbitration": lambda asked: [OpenArbitration(asked.at, asked.by)],
        "arbitration/rule": rulings,
        "co-units": lambda asked: (AddCoUnit(asked.at, asked.by, unit, "协助") for unit in units(asked)),
        "co-units/report": lambda asked: [ReportAsCoUnit(asked.at, asked.by, "已办")],
    },
    told,
    HISTORIES,
    CONCERNED,
)


@examples(150)
@given(questions(ROUTING))
def test_what_is_offered_can_be_done_and_what_can_be_done_is_offered(asked: Question) -> None:
    """A command that finds it already so counts as neither offered nor refused."""
    assert ROUTING.disagreements(asked) == []


def test_so_it_is_at_every_stage_for_everybody_concerned_and_every_action_is_somebodys() -> None:
    """What is offered to nobody would agree with anything."""
    stages = [*ROUTING.stages()]
    assert [(asked.by, wrong) for asked in stages for wrong in ROUTING.disagreements(asked)] == []
    offered = {action for asked in stages for action in ROUTING.offered(asked)}
    assert offered == ROUTING.inputs.keys() == MAY.keys()


def offered(by: Actor, *own: Event, at: datetime = FIVE, view: View = VIEW) -> list[str]:
    """What somebody may do with the sewer's odour after these events of routing."""
    order, facts = told(log(*own), view)
    return allowed(order, by, facts, at)


def test_only_the_dispatcher_is_offered_to_dispatch_or_to_call_for_a_ruling() -> None:
    assert offered(CHEN_LI, PROPOSED) == ["dispatch", "arbitration"]
    assert offered(ZHOU_MIN, PROPOSED) == []
    assert offered(CHEN_LI) == []


def test_a_case_of_a_unit_with_nobody_left_is_offered_to_the_dispatcher_to_be_ruled_on() -> None:
    assert offered(CHEN_LI, PROPOSED, SENT, at=NEXT_DAY, view=VACATED) == ["arbitration"]
    assert offered(CHEN_LI, PROPOSED, SENT, SIGNED, at=NEXT_DAY, view=VACATED) == ["arbitration"]
    assert offered(CHEN_LI, PROPOSED, SENT, SIGNED, at=NEXT_DAY) == []


def test_who_found_the_case_is_offered_nothing_and_nor_is_another_unit() -> None:
    order, facts = told((*LITTER, (TEN, IN_VILLAGE), (TEN, TO_VILLAGE)), VIEW)
    assert allowed(order, LIU_GUILAN, facts, NOON) == ["accept"]
    assert allowed(order, WANG_JIANGUO, facts, NOON) == []
    assert allowed(order, TANG_JING, facts, NOON) == []


def test_feedback_is_offered_once_the_reporter_was_called_and_every_co_unit_has_reported() -> None:
    working = (PROPOSED, sent(HOUSING, None), SIGNED)
    assert offered(FANG_YUN, *working) == ["assign", "co-units"]
    assert offered(ZHENG_KAI, *working) == ["contact", "progress"]
    assert offered(ZHENG_KAI, *working, CALLED) == ["contact", "progress", "feedback"]
    assert offered(ZHENG_KAI, *working, CALLED, ASKED_URBAN) == ["contact", "progress"]


def test_a_return_is_offered_to_the_clerk_while_the_window_is_open() -> None:
    signed = (PROPOSED, SENT, SIGNED)
    assert offered(FANG_YUN, *signed) == ["assign", "co-units", "return"]
    assert "return" not in offered(FANG_YUN, PROPOSED, sent(HOUSING, FIVE), SIGNED, at=NEXT_DAY)
    assert "return" not in offered(ZHENG_KAI, *signed)
    assert offered(FANG_YUN, PROPOSED, SENT, ASKED, REJECTED) == ["accept"]


def test_the_decision_is_offered_to_the_dispatcher_and_the_ruling_to_an_arbiter_outside() -> None:
    pending = (PROPOSED, SENT, ASKED)
    assert offered(CHEN_LI, *pending) == ["return/approve", "return/reject", "arbitration"]
    assert offered(FANG_YUN, *pending) == []
    assert offered(CHEN_LI, *FIRST_RETURN, PROPOSED) == ["dispatch", "arbitration"]
    assert offered(DENG_HUI, *THIRD_UNIT_HAS_IT, THIRD) == ["arbitration/rule"]
    of_staffing = THIRD.model_copy(update={"parties": ("county-staffing",)})
    assert offered(DENG_HUI, *THIRD_UNIT_HAS_IT, of_staffing) == []
    assert offered(CHEN_LI, *THIRD_UNIT_HAS_IT, THIRD) == []


def test_co_handling_is_offered_to_who_may_ask_and_to_who_is_asked() -> None:
    working = (PROPOSED, SENT, SIGNED, ASKED_URBAN)
    assert offered(LUO_MIN, *working) == ["co-units"]
    assert offered(TANG_JING, *working) == ["co-units/report"]
    assert offered(TANG_JING, *working, URBAN_DONE) == []


def test_the_leader_is_offered_what_waits_for_him_and_who_drafted_it_is_not() -> None:
    assert "endorsement" in offered(MA_JUN, PROPOSED, SENT, DRAFT, view=ENDORSED)
    assert "endorsement" not in offered(MA_JUN, PROPOSED, SENT, OWN_DRAFT, view=ENDORSED)
    assert "endorsement" not in offered(MA_JUN, PROPOSED, SENT, view=ENDORSED)
    by_zheng_kai = DRAFT.model_copy(update={"requested_by": PersonId("zheng-kai")})
    assert "endorsement" not in offered(FANG_YUN, PROPOSED, SENT, by_zheng_kai, view=ENDORSED)
