"""退单: RET-1 … RET-4, who decides, and what the router proposes next."""

from datetime import timedelta

from libs.case.facts import Facts
from libs.case.refusals import NotInThisState, NotYourUnit
from libs.case.testing import case_of, given
from libs.events.contracts.routing import (
    ArbitrationOpened,
    CaseDispatched,
    HandlerAssigned,
    ReturnApproved,
    ReturnRejected,
    RouteProposed,
    RouteRejected,
    SeparationViolationAttempted,
)
from libs.events.decider import SYSTEM
from libs.events.errors import Forbidden
from libs.events.ids import PersonId, UnitId
from libs.separation.refusal import SeparationForbids
from services.routing.domain.decider import DECIDER
from services.routing.domain.dispatch import DispatchCase, NoUnitProposed, ProposeRoute, UnknownUnit
from services.routing.domain.handling import AcceptAssignment, SubmitFeedback
from services.routing.domain.returns import (
    BasisMissing,
    DecideReturn,
    ReasonForRefusalMissing,
    RequestReturn,
    ReturnForbidden,
    ReturnWindowOver,
    UnitHasReturned,
)
from tests.unit.directory.town import VIEW, published, ruled, written
from tests.unit.routing.disputes import (
    ASKED,
    DUTY,
    FIRST_RETURN,
    FIVE,
    NEXT_DAY,
    PROPOSED,
    REJECTED,
    SECOND_RETURN,
    SENT,
    SIGNED,
    THIRD_UNIT_HAS_IT,
    TO_WATER,
    WINDOW,
    approved,
    log,
    returned,
    sent,
)
from tests.unit.routing.givens import (
    CAO_YING,
    CHEN_LI,
    FANG_YUN,
    HOUSING,
    ODOUR,
    TANG_JING,
    URBAN,
    WATER,
    ZHENG_KAI,
    ZHOU_MIN,
    acting,
    facts,
)

ASK = RequestReturn(FIVE, FANG_YUN, DUTY, WATER)
APPROVE = DecideReturn(FIVE, CHEN_LI, approved=True)

HANDLED = HandlerAssigned(unit=HOUSING, handler=PersonId("zheng-kai"), assigned_by=PersonId("fang-yun"))


def test_a_unit_returns_what_it_has_not_signed_with_basis_and_the_unit_responsible() -> None:
    given(DECIDER, PROPOSED, SENT).when(ASK, facts(*log(SENT))).then(ASKED)


def test_a_unit_may_return_what_it_has_signed() -> None:
    given(DECIDER, PROPOSED, SENT, SIGNED).when(ASK, facts(*log(SENT, SIGNED))).then(ASKED)


def test_asking_again_while_the_first_request_waits_changes_nothing() -> None:
    given(DECIDER, PROPOSED, SENT, ASKED).when(ASK, facts(*log(SENT, ASKED))).then()


def test_the_last_instant_of_the_window_is_in_time_and_one_microsecond_later_the_right_is_lost() -> None:
    """RET-1, counted by the calendar at the dispatch."""
    known = facts(*log(SENT))
    given(DECIDER, PROPOSED, SENT).when(RequestReturn(WINDOW, FANG_YUN, DUTY, WATER), known).then(ASKED)
    late = RequestReturn(WINDOW + timedelta(microseconds=1), FANG_YUN, DUTY, WATER)
    given(DECIDER, PROPOSED, SENT).when(late, known).then_refused(ReturnWindowOver, rule="RET-1", code="E-RET-WINDOW")


def test_an_emergency_has_no_window() -> None:
    urgent = sent(HOUSING, None)
    decided = given(DECIDER, PROPOSED, urgent).when(ASK, facts(*log(urgent)))
    decided.then_refused(ReturnWindowOver, rule="RET-1")


def test_a_return_without_basis_without_another_unit_or_to_itself_is_none() -> None:
    """RET-2."""
    known = facts(*log(SENT))
    for basis, named in ((None, WATER), ("  ", WATER), (DUTY, None), (DUTY, HOUSING)):
        decided = given(DECIDER, PROPOSED, SENT).when(RequestReturn(FIVE, FANG_YUN, basis, named), known)
        decided.then_refused(BasisMissing, rule="RET-2", code="E-RET-BASIS")


def test_the_unit_named_must_exist() -> None:
    command = RequestReturn(FIVE, FANG_YUN, DUTY, UnitId("county-magic"))
    given(DECIDER, PROPOSED, SENT).when(command, facts(*log(SENT))).then_refused(UnknownUnit)


def test_a_unit_whose_return_was_rejected_may_not_ask_a_second_time() -> None:
    """RET-3."""
    own = (PROPOSED, SENT, ASKED, REJECTED)
    decided = given(DECIDER, *own).when(RequestReturn(FIVE, FANG_YUN, DUTY, URBAN), facts(*log(*own)))
    decided.then_refused(UnitHasReturned, rule="RET-3", code="E-RET-LIMIT")


def test_how_often_a_unit_may_return_is_the_rulebooks() -> None:
    twice = {**ruled()["rulebook"]["returns"], "per_unit": 2}
    view = published(ruled(returns=twice)).latest
    own = (PROPOSED, SENT, ASKED, REJECTED)
    given(DECIDER, *own).when(ASK, facts(*log(*own), view=view)).then(ASKED)


def test_after_two_returns_the_third_request_opens_an_arbitration_instead() -> None:
    """RET-3: the request stands in the opening, and nobody has returned the case a third time."""
    command = RequestReturn(NEXT_DAY, TANG_JING, "县城管局职责清单第7条", HOUSING, "管网未移交")
    opened = ArbitrationOpened(
        parties=(HOUSING, WATER, URBAN),
        because="RET-3",
        requested_by=PersonId("tang-jing"),
        basis="县城管局职责清单第7条",
        suggested_unit=HOUSING,
        reason="管网未移交",
    )
    given(DECIDER, *THIRD_UNIT_HAS_IT).when(command, facts(*log(*THIRD_UNIT_HAS_IT))).then(opened)


def test_what_a_ruling_assigned_is_not_returned() -> None:
    """RET-4."""
    forced = sent(URBAN, no_return=True)
    own = (*SECOND_RETURN, forced)
    decided = given(DECIDER, *own).when(RequestReturn(FIVE, TANG_JING, DUTY, WATER), facts(*log(*own)))
    decided.then_refused(ReturnForbidden, rule="RET-4", code="E-RET-FORBIDDEN")


def test_only_the_clerk_of_the_unit_that_has_the_case_returns_it() -> None:
    known = facts(*log(SENT))
    given(DECIDER, PROPOSED, SENT).when(RequestReturn(FIVE, CAO_YING, DUTY, URBAN), known).then_refused(NotYourUnit)
    handler = RequestReturn(FIVE, ZHENG_KAI, DUTY, WATER)
    assert given(DECIDER, PROPOSED, SENT).when(handler, known).then_refused(Forbidden).allowed == ("DEPT_CLERK",)


def test_a_finder_of_the_case_does_not_return_it_either() -> None:
    case = case_of(*log(SENT)).model_copy(update={"discoverers": {"fang-yun": ("e-1",)}})
    given(DECIDER, PROPOSED, SENT).when(ASK, Facts(case, VIEW)).then_refused(SeparationForbids, rule="SEP-01")


def test_while_a_return_waits_nobody_signs_or_reports() -> None:
    own = (PROPOSED, SENT, SIGNED, ASKED)
    known = facts(*log(*own))
    report = SubmitFeedback(FIVE, ZHENG_KAI, "SOLVED", "已疏通")
    given(DECIDER, *own).when(report, known).then_refused(NotInThisState)
    given(DECIDER, PROPOSED, SENT, ASKED).when(AcceptAssignment(FIVE, FANG_YUN), known).then_refused(NotInThisState)


def test_the_dispatcher_approves() -> None:
    own = (PROPOSED, SENT, ASKED)
    agreed = ReturnApproved(unit=HOUSING, decided_by=PersonId("chen-li"))
    given(DECIDER, *own).when(APPROVE, facts(*log(*own))).then(agreed)


def test_who_handled_it_in_the_unit_that_gives_it_back_is_named_for_he_loses_it() -> None:
    own = (PROPOSED, SENT, SIGNED, HANDLED, ASKED)
    agreed = ReturnApproved(unit=HOUSING, decided_by=PersonId("chen-li"), relieved=PersonId("zheng-kai"))
    given(DECIDER, *own).when(APPROVE, facts(*log(*own))).then(agreed)


def test_the_dispatcher_rejects_with_a_reason_and_the_order_stands_where_it_stood() -> None:
    own = (PROPOSED, SENT, SIGNED, ASKED)
    known = facts(*log(*own))
    no = DecideReturn(FIVE, CHEN_LI, approved=False)
    given(DECIDER, *own).when(no, known).then_refused(ReasonForRefusalMissing)
    why = DecideReturn(FIVE, CHEN_LI, approved=False, reason="小区内管网由住建监管")
    rejected = ReturnRejected(unit=HOUSING, decided_by=PersonId("chen-li"), reason="小区内管网由住建监管")
    given(DECIDER, *own).when(why, known).then(rejected)
    assert DECIDER.fold((*own, REJECTED)).status == "IN_PROGRESS"
    assert DECIDER.fold((PROPOSED, SENT, ASKED, REJECTED)).status == "DISPATCHED"


def test_nobody_decides_the_return_of_a_unit_in_which_he_serves() -> None:
    """SEP-15: before any role, and the attempt is recorded."""
    own = (PROPOSED, SENT, ASKED)
    view = published(written("appointments", "id", "chen-li-dispatcher", unit="county-housing")).latest
    decided = given(DECIDER, *own).when(APPROVE, facts(*log(*own), view=view))
    refusal = decided.then_refused(SeparationForbids, rule="SEP-15", code="E-SEP-15")
    assert isinstance(refusal, SeparationForbids)
    [attempt] = refusal.events
    assert isinstance(attempt, SeparationViolationAttempted)
    assert (attempt.person, attempt.unit, attempt.command) == ("chen-li", HOUSING, "DecideReturn")


def test_the_clerk_who_asked_is_told_the_rule_and_the_operator_the_role() -> None:
    own = (PROPOSED, SENT, ASKED)
    known = facts(*log(*own))
    mine = DecideReturn(FIVE, FANG_YUN, approved=True)
    assert given(DECIDER, *own).when(mine, known).then_refused(SeparationForbids, rule="SEP-15").allowed == ("chen-li",)
    other = DecideReturn(FIVE, ZHOU_MIN, approved=True)
    given(DECIDER, *own).when(other, known).then_refused(Forbidden)


def test_there_is_nothing_to_decide_where_nobody_asked() -> None:
    given(DECIDER, PROPOSED, SENT).when(APPROVE, facts(*log(SENT))).then_refused(NotInThisState)
    given(DECIDER, *FIRST_RETURN).when(APPROVE, facts(*log(*FIRST_RETURN))).then_refused(NotInThisState)


def test_after_an_approved_return_the_unit_named_is_proposed_and_the_returning_one_skipped() -> None:
    command = ProposeRoute(FIVE, SYSTEM)
    proposed = given(DECIDER, *FIRST_RETURN).when(command, facts(*log(*FIRST_RETURN))).events[-1]
    assert isinstance(proposed, RouteProposed)
    assert (proposed.unit, proposed.candidates) == (WATER, (WATER, HOUSING, URBAN))
    named_housing = (PROPOSED, sent(WATER), returned(WATER, "cao-ying", HOUSING), approved(WATER))
    ahead = (*FIRST_RETURN, TO_WATER, *named_housing[1:])
    *skipped, next_proposal = given(DECIDER, *ahead).when(command, facts(*log(*ahead))).events
    assert isinstance(next_proposal, RouteProposed)
    assert next_proposal.unit == URBAN
    assert [one.rule for one in skipped if isinstance(one, RouteRejected)] == ["RET-2"]


def test_a_unit_that_returned_the_case_is_skipped_wherever_it_stands() -> None:
    decided = given(DECIDER, *SECOND_RETURN[:-1]).when(ProposeRoute(NEXT_DAY, SYSTEM), facts(*log(*SECOND_RETURN)))
    [proposed] = [one for one in decided.events if isinstance(one, RouteProposed)]
    assert proposed.unit == URBAN


def test_the_same_proposal_is_made_once() -> None:
    command, known = ProposeRoute(FIVE, SYSTEM), facts(*log(*FIRST_RETURN))
    made = given(DECIDER, *FIRST_RETURN).when(command, known).events
    given(DECIDER, *FIRST_RETURN, *made).when(command, known).then()


def test_the_next_unit_gets_the_case_with_its_own_window() -> None:
    own = (*FIRST_RETURN, TO_WATER)
    [order] = given(DECIDER, *own).when(DispatchCase(NEXT_DAY, CHEN_LI), facts(*log(*own))).events
    assert isinstance(order, CaseDispatched)
    assert (order.unit, order.round, order.no_return) == (WATER, 1, False)
    assert order.return_until == WINDOW + timedelta(days=1)


def test_between_approval_and_the_next_proposal_the_dispatcher_must_name_a_unit() -> None:
    known = facts(*log(*FIRST_RETURN))
    given(DECIDER, *FIRST_RETURN).when(DispatchCase(FIVE, CHEN_LI), known).then_refused(NoUnitProposed)


def test_separation_is_looked_at_again_when_the_next_unit_is_chosen() -> None:
    """SEP-07: the only clerk of the water company found the case."""
    case = case_of(*log(*FIRST_RETURN)).model_copy(update={"discoverers": {"cao-ying": ("e-1",)}})
    own = (*FIRST_RETURN, TO_WATER)
    decided = given(DECIDER, *own).when(DispatchCase(NEXT_DAY, CHEN_LI), Facts(case, VIEW))
    decided.then_refused(SeparationForbids, rule="SEP-07")


def test_a_leader_sees_no_return_to_decide() -> None:
    own = (PROPOSED, SENT, ASKED)
    command = DecideReturn(FIVE, acting("gao-feng-leader"), approved=True)
    given(DECIDER, *own).when(command, facts(*ODOUR, *log(SENT, ASKED)[2:])).then_refused(Forbidden)
