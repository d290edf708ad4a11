"""Dispatching: who may, to whom, and what a dispatch over the router's head needs."""

from libs.case.facts import Facts
from libs.case.refusals import NotInThisState
from libs.case.testing import case_of, given
from libs.events.contracts.intake import CaseVoided
from libs.events.contracts.routing import CaseDispatched, RouteProposed, RuleStep, SeparationViolationAttempted
from libs.events.decider import SYSTEM
from libs.events.errors import Forbidden, NotFound
from libs.events.ids import ClassCode, PersonId, UnitId
from libs.separation.refusal import SeparationForbids
from services.routing.domain.decider import DECIDER
from services.routing.domain.dispatch import (
    DispatchCase,
    NoUnitProposed,
    PowerMissing,
    ReasonForOtherUnitMissing,
    UnknownUnit,
)
from tests.unit.directory.town import VIEW, local
from tests.unit.routing.givens import (
    CHEN_LI,
    ENFORCEMENT,
    HOUSING,
    LITTER,
    NOON,
    ODOUR,
    ODOUR_REGISTERED,
    TEN,
    URBAN,
    VILLAGE,
    WANG_JIANGUO,
    ZHOU_MIN,
    dispatched,
    facts,
    registered,
)

WHY = (RuleStep(rule="R5", zh="事项“下水道异味”", en="sewer odour"),)
TO_HOUSING = RouteProposed(unit=HOUSING, candidates=(HOUSING, URBAN), chain=WHY, dispatch="confirm")
TO_VILLAGE = RouteProposed(unit=VILLAGE, candidates=(VILLAGE,), chain=WHY, dispatch="confirm")
TO_NOBODY = RouteProposed(unit=None, candidates=(), chain=WHY, dispatch="confirm")


def test_the_dispatcher_confirms_the_proposal_and_the_order_carries_its_chain() -> None:
    sent = CaseDispatched(
        unit=HOUSING,
        dispatched_by=PersonId("chen-li"),
        class_code=ClassCode("sewer-odour"),
        chain=WHY,
        return_until=local("2026-11-05 00:00"),
    )
    given(DECIDER, TO_HOUSING).when(DispatchCase(TEN, CHEN_LI), facts(*ODOUR)).then(sent)


def test_a_finder_who_also_serves_in_the_unit_flags_the_case() -> None:
    decided = given(DECIDER, TO_VILLAGE).when(DispatchCase(TEN, CHEN_LI), facts(*LITTER))
    [sent] = decided.events
    assert isinstance(sent, CaseDispatched)
    assert sent.dual_hat


def test_another_unit_than_the_proposed_one_needs_a_reason() -> None:
    command = DispatchCase(TEN, CHEN_LI, unit=URBAN)
    given(DECIDER, TO_HOUSING).when(command, facts(*ODOUR)).then_refused(ReasonForOtherUnitMissing)


def test_with_a_reason_the_dispatcher_may_choose_another_unit_and_the_chain_says_so() -> None:
    command = DispatchCase(TEN, CHEN_LI, unit=URBAN, override_reason="管网属城管养护")
    [sent] = given(DECIDER, TO_HOUSING).when(command, facts(*ODOUR)).events
    assert isinstance(sent, CaseDispatched)
    assert (sent.unit, sent.override_reason) == (URBAN, "管网属城管养护")
    assert [step.rule for step in sent.chain] == ["R5", "OVERRIDE"]


def test_where_the_rules_found_no_unit_the_dispatcher_must_name_one() -> None:
    given(DECIDER, TO_NOBODY).when(DispatchCase(TEN, CHEN_LI), facts(*ODOUR)).then_refused(NoUnitProposed)


def test_a_unit_that_does_not_exist_is_refused() -> None:
    command = DispatchCase(TEN, CHEN_LI, unit=UnitId("county-magic"), override_reason="试")
    given(DECIDER, TO_HOUSING).when(command, facts(*ODOUR)).then_refused(UnknownUnit)


def test_nobody_can_force_a_case_on_a_unit_whose_delegated_power_has_expired() -> None:
    first_of_december = local("2026-12-01 09:00")
    command = DispatchCase(first_of_december, CHEN_LI, unit=ENFORCEMENT, override_reason="就近")
    decided = given(DECIDER, TO_HOUSING).when(command, facts(*registered("street-stall")))
    refusal = decided.then_refused(PowerMissing, rule="POW-1", code="E-POWER")
    assert refusal.allowed == (URBAN,)


def test_a_village_committee_without_an_unbarred_member_is_refused_and_the_attempt_recorded() -> None:
    case = case_of(*LITTER).model_copy(update={"discoverers": {"liu-guilan": ("e-1",)}})
    decided = given(DECIDER, TO_VILLAGE).when(DispatchCase(TEN, CHEN_LI), Facts(case, VIEW))
    refusal = decided.then_refused(SeparationForbids, rule="SEP-07", code="E-SEP-07")
    assert isinstance(refusal, SeparationForbids)
    [attempt] = refusal.events
    assert isinstance(attempt, SeparationViolationAttempted)
    assert (attempt.person, attempt.unit, attempt.command) == ("chen-li", VILLAGE, "DispatchCase")


def test_a_dispatcher_never_dispatches_what_he_reported_himself() -> None:
    case = case_of(*ODOUR).model_copy(update={"discoverers": {"chen-li": ("e-1",)}})
    decided = given(DECIDER, TO_HOUSING).when(DispatchCase(TEN, CHEN_LI), Facts(case, VIEW))
    refusal = decided.then_refused(SeparationForbids, rule="SEP-09", code="E-SEP-09")
    assert refusal.evidence == ("e-1",)


def test_separation_is_named_before_the_missing_role() -> None:
    """王建国 is no dispatcher, but he is told the rule that concerns him as the finder."""
    decided = given(DECIDER, TO_VILLAGE).when(DispatchCase(TEN, WANG_JIANGUO), facts(*LITTER))
    decided.then_refused(SeparationForbids, rule="SEP-09")


def test_an_operator_does_not_dispatch() -> None:
    decided = given(DECIDER, TO_HOUSING).when(DispatchCase(TEN, ZHOU_MIN), facts(*ODOUR))
    assert decided.then_refused(Forbidden).allowed == ("DISPATCHER", "SYSTEM")


def test_dispatching_to_the_same_unit_again_changes_nothing() -> None:
    sent = dispatched(HOUSING, "sewer-odour")
    given(DECIDER, TO_HOUSING, sent).when(DispatchCase(NOON, CHEN_LI), facts(*ODOUR, (TEN, sent))).then()


def test_a_dispatched_case_is_not_dispatched_to_another_unit() -> None:
    sent = dispatched(HOUSING, "sewer-odour")
    command = DispatchCase(NOON, CHEN_LI, unit=URBAN, override_reason="改派")
    given(DECIDER, TO_HOUSING, sent).when(command, facts(*ODOUR, (TEN, sent))).then_refused(NotInThisState)


def test_a_voided_case_is_not_dispatched() -> None:
    voided = CaseVoided(voided_by=PersonId("zhou-min"), reason="误录")
    known = facts(*ODOUR, (TEN, voided))
    given(DECIDER, TO_HOUSING).when(DispatchCase(NOON, CHEN_LI), known).then_refused(NotInThisState)


def test_a_case_that_is_not_known_here_is_not_found() -> None:
    given(DECIDER).when(DispatchCase(TEN, CHEN_LI), Facts(None, VIEW)).then_refused(NotFound)


def test_the_system_dispatches_at_once_only_where_the_class_says_auto() -> None:
    given(DECIDER, TO_HOUSING).when(DispatchCase(TEN, SYSTEM), facts(*ODOUR)).then()
    auto = TO_HOUSING.model_copy(update={"dispatch": "auto"})
    by_the_system = CaseDispatched(
        unit=HOUSING,
        dispatched_by=PersonId("system"),
        class_code=ClassCode("sewer-odour"),
        chain=WHY,
        return_until=local("2026-11-05 00:00"),
    )
    given(DECIDER, auto).when(DispatchCase(TEN, SYSTEM), facts(*ODOUR)).then(by_the_system)


def test_the_system_does_not_choose_where_the_rules_found_nobody() -> None:
    auto = TO_NOBODY.model_copy(update={"dispatch": "auto"})
    given(DECIDER, auto).when(DispatchCase(TEN, SYSTEM), facts(*ODOUR)).then()


def test_an_emergency_is_dispatched_without_a_window_for_a_return() -> None:
    """RET-1: act first."""
    emergency = ODOUR_REGISTERED.model_copy(update={"urgency": "U1"})
    decided = given(DECIDER, TO_HOUSING).when(DispatchCase(TEN, CHEN_LI), facts(ODOUR[0], (TEN, emergency)))
    [sent] = decided.events
    assert isinstance(sent, CaseDispatched)
    assert sent.return_until is None


def test_the_window_for_a_return_skips_the_holidays() -> None:
    """1 wd from the eve of National Day, with its long holiday, ends on the first working day after it."""
    eve = local("2026-09-30 17:45")
    [sent] = given(DECIDER, TO_HOUSING).when(DispatchCase(eve, CHEN_LI), facts(*ODOUR)).events
    assert isinstance(sent, CaseDispatched)
    assert sent.return_until == local("2026-10-09 00:00")
