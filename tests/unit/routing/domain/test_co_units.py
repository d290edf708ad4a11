"""协办: who asks whom, who reports, and that the lead waits for everybody – of 场景12 that much (rulebook.md i)."""

from dataclasses import replace

from libs.case.facts import Facts
from libs.case.refusals import NotInThisState, NotYourUnit
from libs.case.testing import case_of, given
from libs.events.contracts.routing import CoUnitAdded, CoUnitReported
from libs.events.errors import Forbidden
from libs.events.ids import PersonId, UnitId
from libs.separation.refusal import SeparationForbids
from services.routing.domain.co_units import AddCoUnit, LeadIsNoCoUnit, NotYourTown, ReportAsCoUnit
from services.routing.domain.decider import DECIDER
from services.routing.domain.dispatch import UnknownUnit
from services.routing.domain.handling import CoUnitOutstanding, SubmitFeedback
from tests.unit.directory.town import VIEW
from tests.unit.routing.disputes import FIRST_RETURN, FIVE, NEXT_DAY, SENT, SIGNED, TO_WATER, log, sent
from tests.unit.routing.givens import (
    CAO_YING,
    FANG_YUN,
    HOUSING,
    LUO_MIN,
    TANG_JING,
    URBAN,
    VILLAGE,
    WANG_JIANGUO,
    WATER,
    ZHENG_KAI,
    acting,
    facts,
)

IN_WORK = (SENT, SIGNED)
ADD = AddCoUnit(FIVE, FANG_YUN, URBAN, "清掏路面雨水口")
ASKED_URBAN = CoUnitAdded(unit=URBAN, added_by=PersonId("fang-yun"), task="清掏路面雨水口")
URBAN_DONE = CoUnitReported(unit=URBAN, reported_by=PersonId("tang-jing"), report="已清掏")
REPORT = ReportAsCoUnit(NEXT_DAY, TANG_JING, "已清掏")


def test_the_leads_clerk_asks_another_unit_for_its_part() -> None:
    given(DECIDER, *IN_WORK).when(ADD, facts(*log(*IN_WORK))).then(ASKED_URBAN)


def test_the_coordinator_of_the_town_may_ask_too() -> None:
    asked = ASKED_URBAN.model_copy(update={"added_by": PersonId("luo-min")})
    command = AddCoUnit(FIVE, LUO_MIN, URBAN, "清掏路面雨水口")
    given(DECIDER, *IN_WORK).when(command, facts(*log(*IN_WORK))).then(asked)


def test_a_coordinator_of_another_place_may_not() -> None:
    elsewhere = replace(LUO_MIN, unit=UnitId("suishan-sanitation"))
    command = AddCoUnit(FIVE, elsewhere, URBAN, "清掏")
    given(DECIDER, *IN_WORK).when(command, facts(*log(*IN_WORK))).then_refused(NotYourTown, code="E-SCOPE")


def test_another_units_clerk_and_a_handler_may_not() -> None:
    known = facts(*log(*IN_WORK))
    given(DECIDER, *IN_WORK).when(AddCoUnit(FIVE, TANG_JING, WATER, "清掏"), known).then_refused(NotYourUnit)
    given(DECIDER, *IN_WORK).when(AddCoUnit(FIVE, ZHENG_KAI, WATER, "清掏"), known).then_refused(Forbidden)


def test_a_unit_that_has_a_task_is_not_asked_twice() -> None:
    own = (*IN_WORK, ASKED_URBAN)
    given(DECIDER, *own).when(ADD, facts(*log(*own))).then()


def test_a_unit_that_has_reported_may_be_asked_again() -> None:
    own = (*IN_WORK, ASKED_URBAN, URBAN_DONE)
    given(DECIDER, *own).when(ADD, facts(*log(*own))).then(ASKED_URBAN)


def test_the_lead_is_not_its_own_co_unit_and_the_other_must_exist() -> None:
    known = facts(*log(*IN_WORK))
    given(DECIDER, *IN_WORK).when(AddCoUnit(FIVE, FANG_YUN, HOUSING, "自办"), known).then_refused(LeadIsNoCoUnit)
    nowhere = AddCoUnit(FIVE, FANG_YUN, UnitId("county-magic"), "协助")
    given(DECIDER, *IN_WORK).when(nowhere, known).then_refused(UnknownUnit)


def test_only_a_signed_order_has_co_units() -> None:
    given(DECIDER, SENT).when(ADD, facts(*log(SENT))).then_refused(NotInThisState)


def test_a_village_committee_may_help_where_it_may_not_lead() -> None:
    asked = CoUnitAdded(unit=VILLAGE, added_by=PersonId("fang-yun"), task="联系住户")
    given(DECIDER, *IN_WORK).when(AddCoUnit(FIVE, FANG_YUN, VILLAGE, "联系住户"), facts(*log(*IN_WORK))).then(asked)


def test_a_unit_in_which_nobody_is_free_to_handle_is_not_asked() -> None:
    """SEP-07: clerk and handlers of the bureau found the case."""
    finders = dict.fromkeys(("tang-jing", "song-tao", "luo-yong"), ("e-1",))
    case = case_of(*log(*IN_WORK)).model_copy(update={"discoverers": finders})
    decided = given(DECIDER, *IN_WORK).when(ADD, Facts(case, VIEW))
    decided.then_refused(SeparationForbids, rule="SEP-07", code="E-SEP-07")


def test_the_co_unit_reports_once() -> None:
    own = (*IN_WORK, ASKED_URBAN)
    given(DECIDER, *own).when(REPORT, facts(*log(*own))).then(URBAN_DONE)
    given(DECIDER, *own, URBAN_DONE).when(REPORT, facts(*log(*own, URBAN_DONE))).then()


def test_who_was_not_asked_does_not_report_and_a_leader_reports_for_nobody() -> None:
    own = (*IN_WORK, ASKED_URBAN)
    known = facts(*log(*own))
    given(DECIDER, *own).when(ReportAsCoUnit(NEXT_DAY, CAO_YING, "已办"), known).then_refused(NotYourUnit)
    leader = ReportAsCoUnit(NEXT_DAY, acting("gao-feng-leader"), "已办")
    given(DECIDER, *own).when(leader, known).then_refused(Forbidden)


def test_a_grid_worker_of_the_grid_does_not_report_for_a_co_unit() -> None:
    """SEP-02: 李芳 patrols G03, whoever she speaks for."""
    own = (*IN_WORK, ASKED_URBAN)
    command = ReportAsCoUnit(NEXT_DAY, acting("li-fang-grid"), "已办")
    given(DECIDER, *own).when(command, facts(*log(*own))).then_refused(SeparationForbids, rule="SEP-02")


def test_the_lead_waits_for_every_co_unit() -> None:
    own = (*IN_WORK, ASKED_URBAN)
    report = SubmitFeedback(NEXT_DAY, ZHENG_KAI, "EXPLAINED", "已处理")
    refusal = given(DECIDER, *own).when(report, facts(*log(*own))).then_refused(CoUnitOutstanding, code="E-FB-COUNIT")
    assert refusal.allowed == (URBAN,)
    assert not DECIDER.fold((*own, URBAN_DONE)).co_units


def test_another_lead_begins_without_the_co_units_of_the_last() -> None:
    order = DECIDER.fold((*IN_WORK, ASKED_URBAN, *FIRST_RETURN[2:], TO_WATER, sent(WATER)))
    assert (order.unit, order.co_units, order.signed) == (WATER, (), False)


def test_a_dual_hatted_finder_in_the_village_reports_nothing_for_it() -> None:
    asked = CoUnitAdded(unit=VILLAGE, added_by=PersonId("fang-yun"), task="联系住户")
    own = (*IN_WORK, asked)
    case = case_of(*log(*own)).model_copy(update={"discoverers": {"wang-jianguo": ("e-1",)}})
    command = ReportAsCoUnit(NEXT_DAY, WANG_JIANGUO, "已联系")
    given(DECIDER, *own).when(command, Facts(case, VIEW)).then_refused(SeparationForbids, rule="SEP-01")
