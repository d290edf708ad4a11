"""Who is told of the centre's own clocks, of the first contact, and of a case that nobody touches (rulebook.md e.3)."""

import pytest

from libs.case.state import OPEN
from libs.events.contracts.parts.clock import Clock
from libs.events.contracts.supervision import CaseLeftAlone
from services.notify.reactions import values_of
from tests.unit.notify.cases import HOUSING, MONDAY, appeal, breached, warned
from tests.unit.notify.test_daily_use import FANG_YUN, ZHENG_KAI, told
from tests.unit.notify.texts.test_rendering import text_of

TOWN = "person:luo-min"
SUPERVISOR = "person:han-feng"
REVIEWER, AGENT, VERIFIER = "person:wu-qian", "person:xu-jing", "person:li-fang"
AT_HOUSING = appeal(handler="zheng-kai")
TO_VERIFY = appeal(handler="zheng-kai", state="VERIFYING", verifier="li-fang")
LEFT_ALONE = CaseLeftAlone(alarm="NO_STEP", since=MONDAY, unit=HOUSING)


@pytest.mark.parametrize(
    ("clock", "case", "people"),
    [
        ("first_contact", AT_HOUSING, {ZHENG_KAI, FANG_YUN}),
        ("review", AT_HOUSING, {REVIEWER}),
        ("verification", TO_VERIFY, {VERIFIER, REVIEWER}),
        ("verification", AT_HOUSING, {REVIEWER}),
        ("callback", AT_HOUSING, {AGENT}),
        ("close", AT_HOUSING, {REVIEWER}),
    ],
)
def test_whoever_must_act_is_warned_and_at_the_breach_the_town_hears_of_it(
    clock: Clock, case: object, people: set[str]
) -> None:
    leader = {"person:ma-jun"} if clock == "first_contact" else set()

    assert {who for _, who in told(warned(clock), case)} == people  # type: ignore[arg-type]
    assert {who for _, who in told(breached(clock), case)} == {*people, *leader, TOWN}  # type: ignore[arg-type]


def test_of_a_delay_of_the_centre_no_unit_is_said_to_be_responsible() -> None:
    assert "责任单位: 县住建局" in text_of(breached("first_contact"))
    assert "责任单位" not in text_of(breached("review"))
    assert "unit" not in values_of(breached("callback"), AT_HOUSING)


@pytest.mark.parametrize(
    ("state", "people"),
    [
        ("RECEIVED", {"person:zhou-min"}),
        ("REGISTERED", {"person:chen-li"}),
        ("RETURN_PENDING", {"person:chen-li"}),
        ("ARBITRATION", {"person:deng-hui"}),
        ("DISPATCHED", {ZHENG_KAI, FANG_YUN}),
        ("IN_PROGRESS", {ZHENG_KAI, FANG_YUN}),
        ("FEEDBACK", {REVIEWER}),
        ("VERIFYING", {VERIFIER, REVIEWER}),
        ("CALLBACK", {AGENT, REVIEWER}),
    ],
)
def test_of_a_case_that_nobody_touches_who_must_act_and_the_supervisor_hear(state: str, people: set[str]) -> None:
    case = appeal(handler="zheng-kai", verifier="li-fang", state=state)

    assert told(LEFT_ALONE, case) == {("left_alone", who) for who in {*people, SUPERVISOR}}


@pytest.mark.parametrize("state", sorted(OPEN))
def test_there_is_somebody_to_tell_in_every_open_state(state: str) -> None:
    assert len(told(LEFT_ALONE, appeal(handler="zheng-kai", verifier="li-fang", state=state))) > 1
