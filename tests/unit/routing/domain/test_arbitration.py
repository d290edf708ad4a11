"""会商裁定: who opens it, who rules, and that a ruling binds without ruling separation away."""

import pytest

from libs.case.facts import Facts
from libs.case.refusals import NotInThisState
from libs.case.testing import case_of, given
from libs.events.contracts.routing import ArbitrationOpened, ArbitrationRuled, CaseDispatched
from libs.events.decider import SYSTEM
from libs.events.errors import Forbidden
from libs.events.event import Event
from libs.events.ids import ClassCode, PersonId, UnitId
from libs.separation.refusal import SeparationForbids
from services.routing.domain.arbitration import NotAParty, OpenArbitration, RuleArbitration
from services.routing.domain.decider import DECIDER
from services.routing.domain.dispatch import PowerMissing, UnknownUnit
from services.routing.domain.returns import DecideReturn, RequestReturn, ReturnForbidden
from tests.unit.directory.town import local, published, vacated, written
from tests.unit.routing.disputes import (
    ASKED,
    FIRST_RETURN,
    PROPOSED,
    SENT,
    SIGNED,
    THIRD_UNIT_HAS_IT,
    approved,
    log,
)
from tests.unit.routing.givens import (
    CHEN_LI,
    DENG_HUI,
    ENFORCEMENT,
    FANG_YUN,
    HOUSING,
    TANG_JING,
    URBAN,
    WATER,
    ZHOU_MIN,
    facts,
    registered,
)

MORNING = local("2026-11-05 10:00")
OPENED = ArbitrationOpened(parties=(HOUSING, WATER, URBAN), because="RET-3", requested_by=PersonId("tang-jing"))
DISPUTE = (*THIRD_UNIT_HAS_IT, OPENED)
RULE = RuleArbitration(MORNING, DENG_HUI, URBAN, "市政排水管网由城管部门养护", (URBAN,))
WAITING = (PROPOSED, SENT, ASKED)


def test_the_dispatcher_calls_for_a_ruling_instead_of_deciding_a_return() -> None:
    opened = ArbitrationOpened(parties=(HOUSING,), because="DISPUTED", opened_by=PersonId("chen-li"))
    given(DECIDER, *WAITING).when(OpenArbitration(MORNING, CHEN_LI), facts(*log(*WAITING))).then(opened)


def test_or_instead_of_dispatching_a_case_that_came_back() -> None:
    own = (*FIRST_RETURN, PROPOSED)
    opened = ArbitrationOpened(parties=(HOUSING,), because="DISPUTED", opened_by=PersonId("chen-li"))
    given(DECIDER, *own).when(OpenArbitration(MORNING, CHEN_LI), facts(*log(*own))).then(opened)


def test_an_open_arbitration_is_not_opened_again() -> None:
    given(DECIDER, *DISPUTE).when(OpenArbitration(MORNING, CHEN_LI), facts(*log(*DISPUTE))).then()


def test_a_case_in_work_is_not_disputed_and_an_operator_opens_nothing() -> None:
    known = facts(*log(SENT))
    given(DECIDER, PROPOSED, SENT).when(OpenArbitration(MORNING, CHEN_LI), known).then_refused(NotInThisState)
    given(DECIDER, *WAITING).when(OpenArbitration(MORNING, ZHOU_MIN), facts(*log(*WAITING))).then_refused(Forbidden)


@pytest.mark.parametrize("own", [(PROPOSED, SENT), (PROPOSED, SENT, SIGNED)])
def test_of_a_unit_in_which_nobody_holds_a_post_any_more_the_dispatcher_takes_the_case(own: tuple[Event, ...]) -> None:
    """Nobody else could move it: nobody signs, handles or returns."""
    known = Facts(case_of(*log(*own)), vacated("county-housing", "2026-11-04"))
    opened = ArbitrationOpened(parties=(HOUSING,), because="VACANT", opened_by=PersonId("chen-li"))

    given(DECIDER, *own).when(OpenArbitration(MORNING, CHEN_LI), known).then(opened)
    given(DECIDER, *own).when(OpenArbitration(MORNING, ZHOU_MIN), known).then_refused(Forbidden)
    the_day_before = OpenArbitration(local("2026-11-04 10:00"), CHEN_LI)
    given(DECIDER, *own).when(the_day_before, known).then_refused(NotInThisState)

    ruled, forced = (
        given(DECIDER, *own, opened)
        .when(
            RuleArbitration(MORNING, DENG_HUI, URBAN, "住建局该科室已撤销"),
            Facts(case_of(*log(*own, opened)), known.directory),
        )
        .events
    )
    assert (ruled.unit, forced.unit) == (URBAN, URBAN)  # type: ignore[attr-defined]


def test_a_return_left_undecided_goes_to_arbitration_by_itself() -> None:
    opened = ArbitrationOpened(parties=(HOUSING,), because="SILENCE")
    given(DECIDER, *WAITING).when(OpenArbitration(MORNING, SYSTEM), facts(*log(*WAITING))).then(opened)


def test_a_decision_that_came_meanwhile_is_a_decision() -> None:
    given(DECIDER, *FIRST_RETURN).when(OpenArbitration(MORNING, SYSTEM), facts(*log(*FIRST_RETURN))).then()


def test_the_arbiter_rules_and_the_case_is_dispatched_without_return() -> None:
    ruled, forced = given(DECIDER, *DISPUTE).when(RULE, facts(*log(*DISPUTE))).events
    assert ruled == ArbitrationRuled(
        ruled_by=PersonId("deng-hui"), unit=URBAN, groundless=(URBAN,), reason="市政排水管网由城管部门养护"
    )
    assert isinstance(forced, CaseDispatched)
    assert (forced.unit, forced.no_return, forced.return_until) == (URBAN, True, None)
    assert (forced.dispatched_by, forced.class_code) == ("deng-hui", ClassCode("sewer-odour"))
    assert forced.chain[-1].rule == "RET-4"


def test_after_the_ruling_no_return_is_taken() -> None:
    own = (*DISPUTE, *given(DECIDER, *DISPUTE).when(RULE, facts(*log(*DISPUTE))).events)
    command = RequestReturn(MORNING, TANG_JING, "职责清单", WATER)
    given(DECIDER, *own).when(command, facts(*log(*own))).then_refused(ReturnForbidden, code="E-RET-FORBIDDEN")


def test_an_arbiter_who_serves_in_a_party_does_not_rule() -> None:
    """SEP-09, before his role."""
    view = published(written("appointments", "id", "deng-hui-arbiter", unit="county-water")).latest
    decided = given(DECIDER, *DISPUTE).when(RULE, facts(*log(*DISPUTE), view=view))
    decided.then_refused(SeparationForbids, rule="SEP-09", code="E-SEP-09")


def test_nor_does_he_give_the_case_to_his_own_unit() -> None:
    command = RuleArbitration(MORNING, DENG_HUI, UnitId("county-staffing"), "本办承办")
    given(DECIDER, *DISPUTE).when(command, facts(*log(*DISPUTE))).then_refused(SeparationForbids, rule="SEP-09")


def test_a_party_is_told_the_rule_and_the_dispatcher_his_role() -> None:
    known = facts(*log(*DISPUTE))
    mine = RuleArbitration(MORNING, FANG_YUN, URBAN, "由城管承办")
    refusal = given(DECIDER, *DISPUTE).when(mine, known).then_refused(SeparationForbids, rule="SEP-09")
    assert refusal.allowed == ("deng-hui",)
    dispatcher = RuleArbitration(MORNING, CHEN_LI, URBAN, "由城管承办")
    given(DECIDER, *DISPUTE).when(dispatcher, known).then_refused(Forbidden)


def test_a_ruling_gives_no_power_that_the_unit_does_not_hold() -> None:
    december = local("2026-12-01 09:00")
    command = RuleArbitration(december, DENG_HUI, ENFORCEMENT, "就近")
    own = (*DISPUTE,)
    known = facts(*registered("street-stall"), *log(*own)[2:])
    given(DECIDER, *own).when(command, known).then_refused(PowerMissing, rule="POW-1")


def test_only_a_party_can_have_been_groundless_and_only_a_known_unit_be_named() -> None:
    known = facts(*log(*DISPUTE))
    strange = RuleArbitration(MORNING, DENG_HUI, URBAN, "由城管承办", (ENFORCEMENT,))
    given(DECIDER, *DISPUTE).when(strange, known).then_refused(NotAParty)
    nowhere = RuleArbitration(MORNING, DENG_HUI, UnitId("county-magic"), "由其承办")
    given(DECIDER, *DISPUTE).when(nowhere, known).then_refused(UnknownUnit)


def test_without_a_dispute_there_is_nothing_to_rule_and_in_one_no_return_to_decide() -> None:
    given(DECIDER, *WAITING).when(RULE, facts(*log(*WAITING))).then_refused(NotInThisState)
    decision = DecideReturn(MORNING, CHEN_LI, approved=True)
    given(DECIDER, *DISPUTE).when(decision, facts(*log(*DISPUTE))).then_refused(NotInThisState)


def test_what_an_approved_return_left_open_is_nobodys_to_sign() -> None:
    order = DECIDER.fold((PROPOSED, SENT, ASKED, approved(HOUSING)))
    assert (order.status, order.unit, order.proposed) == ("PROPOSED", None, None)
