"""督办单: issue, answer, lift: rulebook.md c.3 #45, (f.2)."""

from libs.case.refusals import NotInThisState, NotYourUnit
from libs.case.testing import given
from libs.events.contracts.supervision import AutoEscalated, SupervisionIssued, SupervisionLifted, SupervisionResponded
from libs.events.errors import Forbidden
from libs.events.ids import ClockId, PersonId
from services.supervision.domain.decider import DECIDER
from services.supervision.domain.orders.orders import (
    CauseRemains,
    IssueSupervision,
    LiftSupervision,
    RespondSupervision,
    StepSkipped,
)
from tests.unit.directory.rules.calendars import china
from tests.unit.supervision.cases import FOUND_ON_PATROL, HAN_FENG, HOUSING, MA_JUN, WU_QIAN, Worker, acting, facts

LATE = china("2026-11-10 09:00")
LOG = FOUND_ON_PATROL[:5]
ISSUE = IssueSupervision(LATE, HAN_FENG, 2, "请报计划")
ISSUED = SupervisionIssued(level=2, issued_by=PersonId("han-feng"), unit=HOUSING, order="请报计划")
RESPOND = RespondSupervision(LATE, MA_JUN, "周五前完成")
RESPONDED = SupervisionResponded(responded_by=PersonId("ma-jun"), unit=HOUSING, plan="周五前完成")
LIFT = LiftSupervision(LATE, HAN_FENG, 0, "已办")


def test_a_supervisor_orders_an_answer_from_the_unit() -> None:
    given(DECIDER).when(ISSUE, facts(*LOG)).then(ISSUED)


def test_one_order_per_level_is_open_at_a_time() -> None:
    open_order = given(DECIDER, ISSUED)

    open_order.when(ISSUE, facts(*LOG, (LATE, ISSUED))).then()
    open_order.when(IssueSupervision(LATE, HAN_FENG, 1, "请尽快"), facts(*LOG, (LATE, ISSUED))).then(
        ISSUED.model_copy(update={"level": 1, "order": "请尽快"})
    )


def test_an_answered_order_may_be_followed_by_another() -> None:
    given(DECIDER, ISSUED, RESPONDED).when(ISSUE, facts(*LOG, (LATE, ISSUED))).then(ISSUED)


def test_only_a_supervisor_orders() -> None:
    command = IssueSupervision(LATE, WU_QIAN, 2, "请报计划")

    given(DECIDER).when(command, facts(*LOG)).then_refused(Forbidden, code="E-ROLE")


def test_a_case_that_no_unit_has_cannot_be_supervised() -> None:
    given(DECIDER).when(ISSUE, facts(*FOUND_ON_PATROL[:2])).then_refused(NotInThisState)


def test_the_units_leader_answers() -> None:
    given(DECIDER, ISSUED).when(RESPOND, facts(*LOG, (LATE, ISSUED))).then(RESPONDED)


def test_another_units_leader_does_not() -> None:
    command = RespondSupervision(LATE, acting("gao-feng-leader"), "计划")

    refusal = given(DECIDER, ISSUED).when(command, facts(*LOG, (LATE, ISSUED))).then_refused(NotYourUnit, code="E-UNIT")
    assert refusal.allowed == ("county-housing",)


def test_without_an_order_there_is_nothing_to_answer() -> None:
    given(DECIDER).when(RESPOND, facts(*LOG)).then_refused(NotInThisState)
    given(DECIDER, ISSUED, RESPONDED).when(RESPOND, facts(*LOG, (LATE, ISSUED))).then_refused(NotInThisState)


def test_a_level_is_lifted_when_its_cause_is_gone() -> None:
    worker = Worker().read(*FOUND_ON_PATROL, (LATE, ISSUED))

    given(DECIDER, *worker.own).when(LIFT, worker.facts).then(
        SupervisionLifted(lifted_by=PersonId("han-feng"), level=0, reason="已办")
    )


def test_while_the_case_runs_overdue_the_cause_remains() -> None:
    worker = Worker().read(*LOG)
    worker.elapse(LATE)

    given(DECIDER, *worker.own).when(LIFT, worker.facts).then_refused(CauseRemains, code="E-SUP-CAUSE")


def test_a_level_is_never_lifted_upwards_nor_twice() -> None:
    escalated = AutoEscalated(
        clock_id=ClockId("e-3/handling"), clock="handling", level=1, round=1, unit=HOUSING, instant=LATE
    )
    log = (*FOUND_ON_PATROL, (LATE, escalated))

    given(DECIDER).when(LiftSupervision(LATE, HAN_FENG, 2, "x"), facts(*log)).then_refused(NotInThisState)
    given(DECIDER).when(LiftSupervision(LATE, HAN_FENG, 1, "x"), facts(*log)).then()
    given(DECIDER).when(LiftSupervision(LATE, MA_JUN, 0, "x"), facts(*log)).then_refused(Forbidden)


def test_an_important_matter_may_start_at_orange_and_red_follows_orange() -> None:
    orange, red = IssueSupervision(LATE, HAN_FENG, 3, "请报计划"), IssueSupervision(LATE, HAN_FENG, 4, "约谈")
    ordered = ISSUED.model_copy(update={"level": 3})

    given(DECIDER).when(orange, facts(*LOG)).then(ordered)
    given(DECIDER).when(red, facts(*LOG)).then_refused(StepSkipped, code="E-SUP-STEP")
    given(DECIDER, ordered).when(red, facts(*LOG, (LATE, ordered))).then(
        ISSUED.model_copy(update={"level": 4, "order": "约谈"})
    )


def test_accountability_is_proposed_once_the_ladder_has_come_to_red() -> None:
    propose = IssueSupervision(LATE, HAN_FENG, 5, "建议通报批评")
    climbed = AutoEscalated(
        clock_id=ClockId("e-3/handling"), clock="handling", level=4, round=1, unit=HOUSING, instant=LATE
    )

    given(DECIDER).when(propose, facts(*LOG)).then_refused(StepSkipped)
    given(DECIDER).when(propose, facts(*LOG, (LATE, climbed))).then(
        ISSUED.model_copy(update={"level": 5, "order": "建议通报批评"})
    )
