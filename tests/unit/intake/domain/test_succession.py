"""A class or a grid ends: under what open cases are filed, and what is no more to be chosen (rulebook.md d.8)."""

from copy import deepcopy
from typing import Any

from libs.case.facts import Facts
from libs.case.refusals import HasEnded
from libs.case.testing import case_of, given
from libs.directory.facts.view import View
from libs.events.contracts.intake import AppealReceived, CaseRegistered, CaseVoided, FilingPassedOn, GridEventReported
from libs.events.decider import SYSTEM
from libs.events.event import Event
from libs.events.ids import ClassCode, GridCode, PersonId
from services.intake.domain.correction import CorrectCase
from services.intake.domain.decider import DECIDER
from services.intake.domain.reception import Place, ReportGridEvent, SubmitAppeal
from services.intake.domain.registration import RegisterCase
from services.intake.domain.succession import PassOn
from tests.unit.directory.town import RAW, local, published
from tests.unit.intake.domain.test_decider import APPEAL, LI_FANG, NEW, NINE, REGISTERED
from tests.unit.routing.givens import ZHOU_MIN

EVE, MIDNIGHT = local("2026-11-10 23:59"), local("2026-11-11 00:00")
LIGHT, LIGHTING, G03, G04 = ClassCode("street-light"), ClassCode("lighting"), GridCode("G03"), GridCode("G04")
IN_G03 = Place(None, 1_193_050_000, 321_050_000)


def reformed(**lighting: Any) -> View:
    """路灯 becomes 照明 and G03 a part of G04, both at the end of 10 November."""
    raw = deepcopy(RAW)
    [light] = [one for one in raw["catalogue"] if one["code"] == LIGHT]
    raw["catalogue"].append({**light, "code": LIGHTING, "name_zh": "照明设施", "name_en": "Lighting", **lighting})
    light.update(until="2026-11-10", succeeded_by=LIGHTING)
    [grid] = [one for one in raw["grids"] if one["code"] == G03]
    grid.update(until="2026-11-10", succeeded_by=G04)
    return published(raw).latest


VIEW = reformed()
ENDLESS = Facts(None, VIEW)


def passed_on(*own: Event, view: View = VIEW, at: Any = MIDNIGHT) -> list[Event]:
    case = case_of(*((NINE, event) for event in own))
    return [*given(DECIDER, *own).when(PassOn(at, SYSTEM), Facts(case, view)).events]


def test_an_open_case_goes_on_under_what_succeeded_its_class_and_its_grid() -> None:
    [moved] = passed_on(APPEAL, REGISTERED)
    assert moved == FilingPassedOn(class_code=LIGHTING, ended_class=LIGHT, grid=G04, ended_grid=G03)
    case = case_of((NINE, APPEAL), (NINE, REGISTERED), (MIDNIGHT, moved))
    assert (case.class_code, case.grid, case.urgency, case.state) == (LIGHTING, G04, REGISTERED.urgency, "REGISTERED")
    assert passed_on(APPEAL, REGISTERED, moved) == []


def test_before_the_end_and_in_a_case_that_has_ended_nothing_moves() -> None:
    assert passed_on(APPEAL, REGISTERED, at=EVE) == []
    assert passed_on(APPEAL, REGISTERED, CaseVoided(voided_by=PersonId("zhou-min"), reason="误录")) == []


def test_what_is_not_registered_yet_has_its_grid_moved() -> None:
    assert passed_on(APPEAL) == [FilingPassedOn(grid=G04, ended_grid=G03)]


def test_a_class_that_is_dangerous_by_itself_is_urgent_at_once() -> None:
    [moved] = passed_on(APPEAL, REGISTERED, view=reformed(safety=True))
    assert isinstance(moved, FilingPassedOn)
    assert moved.urgency == "U1"


def test_nothing_is_registered_or_corrected_into_a_class_that_has_ended() -> None:
    case = Facts(case_of((NINE, APPEAL)), VIEW)
    register = RegisterCase(MIDNIGHT, ZHOU_MIN, LIGHT, "U3")
    refused = given(DECIDER, APPEAL).when(register, case).then_refused(HasEnded, code="E-ENDED")
    assert (refused.rule, refused.allowed, len(refused.evidence)) == ("SUC-1", (LIGHTING,), 1)
    assert refused.message_zh == "路灯不亮至 2026-11-10 止, 由照明设施承接, 请改选"
    earlier = RegisterCase(EVE, ZHOU_MIN, LIGHT, "U3")
    [registered] = given(DECIDER, APPEAL).when(earlier, case).events
    assert isinstance(registered, CaseRegistered)
    manhole = REGISTERED.model_copy(update={"class_code": "manhole"})
    correct = CorrectCase(MIDNIGHT, ZHOU_MIN, "选错事项", class_code=LIGHT)
    filed = Facts(case_of((NINE, APPEAL), (NINE, manhole)), VIEW)
    given(DECIDER, APPEAL, manhole).when(correct, filed).then_refused(HasEnded, code="E-ENDED")


def test_a_case_filed_under_it_before_may_still_be_corrected_otherwise() -> None:
    case = Facts(case_of((NINE, APPEAL), (NINE, REGISTERED)), VIEW)
    correct = CorrectCase(MIDNIGHT, ZHOU_MIN, "有人受伤", urgency="U2")
    [corrected] = given(DECIDER, APPEAL, REGISTERED).when(correct, case).events
    assert getattr(corrected, "urgency", None) == "U2"


def test_a_patrol_report_and_a_call_from_the_old_ground_are_of_the_new_grid() -> None:
    report = ReportGridEvent(MIDNIGHT, LI_FANG, "city_management", LIGHTING, "路灯不亮", IN_G03, ("a" * 64,))
    [reported] = given(DECIDER).when(report, ENDLESS).events
    assert isinstance(reported, GridEventReported)
    assert (reported.grid, reported.out_of_grid_reason) == (G04, None)
    by_code = SubmitAppeal(MIDNIGHT, ZHOU_MIN, "phone", "complaint", "路灯不亮", Place(G03))
    [received] = given(DECIDER).when(by_code, ENDLESS).events
    assert isinstance(received, AppealReceived)
    assert received.grid == G04
    old = ReportGridEvent(MIDNIGHT, LI_FANG, "city_management", LIGHT, "路灯不亮", IN_G03, ("a" * 64,))
    given(DECIDER).when(old, ENDLESS).then_refused(HasEnded, code="E-ENDED")
    assert NEW.case is None
