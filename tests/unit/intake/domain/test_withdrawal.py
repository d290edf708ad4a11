"""场景14 诉求人撤诉: who may withdraw, what goes on without him, and how long he may change his mind."""

from datetime import datetime

import pytest

from libs.case.facts import Facts
from libs.case.refusals import NotInThisState
from libs.case.testing import case_of, given
from libs.events.contracts.intake import (
    AppealReceived,
    AppealRestored,
    AppealWithdrawn,
    CaseCorrected,
    CaseRegistered,
    CaseVoided,
    OwnershipNotProved,
)
from libs.events.contracts.supervision import CaseClosed
from libs.events.decider import Actor
from libs.events.errors import Forbidden, NotFound
from libs.events.event import Event
from libs.events.ids import ClassCode, GridCode, PersonId
from services.intake.domain.decider import DECIDER
from services.intake.domain.withdrawal import NotTheOwner, Proof, RestoreAppeal, TooLateToRestore, WithdrawAppeal
from tests.unit.directory.town import VIEW, local, published, ruled
from tests.unit.routing.givens import ZHOU_MIN, acting

NINE = local("2026-11-03 09:00")
TEN = local("2026-11-03 10:00")
NOON = local("2026-11-03 12:00")
ZHOU = PersonId("zhou-min")
NEW = Facts(None, VIEW)
CITIZEN = Actor(PersonId("citizen"), "CITIZEN")
NO_WATER = AppealReceived(
    channel="phone",
    kind="help",
    content="家中停水",
    grid=GridCode("G03"),
    reporter_kind="NAMED",
    reporter_phone="13800000000",
)
BLOCKED = NO_WATER.model_copy(update={"kind": "report", "content": "消防通道被堵"})
REGISTERED = CaseRegistered(
    registered_by=ZHOU, kind="help", class_code=ClassCode("water-outage"), urgency="U2", grid=GridCode("G03")
)
GONE = AppealWithdrawn(recorded_by=ZHOU, proof="PHONE", continues=False, reason="已恢复供水", restorable_until=NOON)
LEFT = AppealWithdrawn(proof="SECRET", continues=True, restorable_until=NOON)
RESTORED = AppealRestored(proof="SECRET")


def withdraw(by: Actor = ZHOU_MIN, proof: Proof = "PHONE", *, owner: bool = True) -> WithdrawAppeal:
    """At ten, by telephone."""
    return WithdrawAppeal(TEN, by, proof, owner, "已恢复供水")


def restore(at: datetime, by: Actor = CITIZEN, proof: Proof = "SECRET", *, owner: bool = True) -> RestoreAppeal:
    """With the receipt."""
    return RestoreAppeal(at, by, proof, owner)


def known(*log: tuple[datetime, Event]) -> Facts:
    """What intake's read model says."""
    return Facts(case_of(*log), VIEW)


def test_what_concerned_the_appellant_alone_ends_when_he_withdraws_it() -> None:
    given(DECIDER, NO_WATER, REGISTERED).when(withdraw(), NEW).then(GONE)
    given(DECIDER, NO_WATER).when(withdraw(), NEW).then(GONE)
    assert case_of((NINE, NO_WATER), (TEN, GONE)).state == "WITHDRAWN"


def test_a_report_of_somebodys_wrongdoing_goes_on_without_the_reporter() -> None:
    [withdrawn] = given(DECIDER, BLOCKED).when(withdraw(CITIZEN, "SECRET"), NEW).events
    assert isinstance(withdrawn, AppealWithdrawn)
    assert (withdrawn.continues, withdrawn.proof, withdrawn.recorded_by) == (True, "SECRET", None)
    case = case_of((NINE, BLOCKED), (TEN, withdrawn))
    assert (case.state, case.reporter_left) == ("RECEIVED", True)


def test_a_danger_goes_on_whatever_kind_of_appeal_it_was() -> None:
    gas = REGISTERED.model_copy(update={"class_code": "gas-leak", "urgency": "U1"})
    [withdrawn] = given(DECIDER, NO_WATER, gas).when(withdraw(), NEW).events
    assert isinstance(withdrawn, AppealWithdrawn)
    assert withdrawn.continues


def test_the_corrected_class_decides_whether_it_goes_on() -> None:
    gas = CaseCorrected(corrected_by=ZHOU, reason="实为燃气", class_code=ClassCode("gas-leak"), urgency="U1")
    [withdrawn] = given(DECIDER, NO_WATER, REGISTERED, gas).when(withdraw(), NEW).events
    assert isinstance(withdrawn, AppealWithdrawn)
    assert withdrawn.continues


def test_somebody_else_withdraws_nothing_and_his_attempt_is_recorded() -> None:
    refusal = given(DECIDER, NO_WATER).when(withdraw(owner=False), NEW).then_refused(NotTheOwner, code="E-WD-OWNER")
    assert isinstance(refusal, NotTheOwner)
    assert refusal.events == (OwnershipNotProved(asked_of=ZHOU, asked_for="withdraw", proof="PHONE"),)
    again = restore(TEN, ZHOU_MIN, "PHONE", owner=False)
    refusal = given(DECIDER, NO_WATER, GONE).when(again, NEW).then_refused(NotTheOwner, code="E-WD-OWNER")
    assert isinstance(refusal, NotTheOwner)
    assert refusal.events == (OwnershipNotProved(asked_of=ZHOU, asked_for="restore", proof="PHONE"),)


def test_only_operators_record_what_is_said_on_the_telephone() -> None:
    for command in (withdraw(acting("fang-yun-clerk")), restore(TEN, acting("fang-yun-clerk"), "PHONE")):
        given(DECIDER, NO_WATER).when(command, NEW).then_refused(Forbidden, code="E-ROLE")


def test_nobody_on_duty_acts_with_a_citizens_secret() -> None:
    given(DECIDER, NO_WATER).when(withdraw(ZHOU_MIN, "SECRET"), NEW).then_refused(Forbidden, code="E-ROLE")


def test_withdrawing_twice_is_withdrawing_once() -> None:
    given(DECIDER, NO_WATER, GONE).when(withdraw(), NEW).then()
    given(DECIDER, BLOCKED, LEFT).when(withdraw(), NEW).then()


@pytest.mark.parametrize("before", [NO_WATER, BLOCKED])
def test_a_withdrawal_is_taken_back_within_two_hours(before: AppealReceived) -> None:
    gone = GONE if before is NO_WATER else LEFT
    given(DECIDER, before, gone).when(restore(NOON), NEW).then(RESTORED)


def test_after_two_hours_it_is_too_late() -> None:
    late = local("2026-11-03 12:01")
    given(DECIDER, NO_WATER, GONE).when(restore(late), NEW).then_refused(TooLateToRestore, code="E-WD-WINDOW")
    given(DECIDER, BLOCKED, LEFT).when(restore(late), NEW).then_refused(TooLateToRestore, code="E-WD-WINDOW")


def test_the_window_is_the_rulebooks() -> None:
    longer = published(ruled(restore_window="1wd")).latest
    [withdrawn] = given(DECIDER, NO_WATER).when(withdraw(), Facts(None, longer)).events
    assert isinstance(withdrawn, AppealWithdrawn)
    assert withdrawn.restorable_until == local("2026-11-05 00:00")
    unlimited = published(ruled(restore_window="none")).latest
    [withdrawn] = given(DECIDER, NO_WATER).when(withdraw(), Facts(None, unlimited)).events
    assert isinstance(withdrawn, AppealWithdrawn)
    assert withdrawn.restorable_until is None


def test_a_restored_case_stands_where_it_stood_and_can_be_withdrawn_again() -> None:
    case = case_of((NINE, NO_WATER), (NINE, REGISTERED), (TEN, GONE), (NOON, RESTORED))
    assert case.state == "REGISTERED"
    given(DECIDER, NO_WATER, REGISTERED, GONE, RESTORED).when(withdraw(), NEW).then(GONE)
    given(DECIDER, NO_WATER, REGISTERED, GONE, RESTORED).when(restore(NOON), NEW).then()


def test_an_ended_case_is_neither_withdrawn_nor_restored() -> None:
    closed = CaseClosed(closed_by=PersonId("wu-qian"), close_kind="HANDLED", round=1)
    over = known((NINE, BLOCKED), (TEN, LEFT), (TEN, closed))
    given(DECIDER, BLOCKED).when(withdraw(), over).then_refused(NotInThisState, code="E-STATE")
    given(DECIDER, BLOCKED, LEFT).when(restore(TEN), over).then_refused(NotInThisState, code="E-STATE")
    voided = CaseVoided(voided_by=ZHOU, reason="误录")
    given(DECIDER, NO_WATER, voided).when(withdraw(), NEW).then_refused(NotInThisState)
    given(DECIDER).when(withdraw(), NEW).then_refused(NotFound)
    given(DECIDER).when(restore(TEN), NEW).then_refused(NotFound)
