"""受理: what may come in, what the operator may make of it, and what is refused."""

from datetime import datetime

import pytest

from libs.case.facts import Facts
from libs.case.refusals import NotInThisState
from libs.case.testing import given
from libs.directory.rules.limits import UnknownClass
from libs.events.contracts.intake import (
    AppealReceived,
    CaseNotAccepted,
    CaseRegistered,
    CaseVoided,
    GridEventReported,
    PersonalDataErased,
)
from libs.events.decider import Actor
from libs.events.errors import Forbidden, Malformed, NotFound
from libs.events.event import Event
from libs.events.ids import ClassCode, GridCode, PersonId
from services.intake.domain.decider import DECIDER
from services.intake.domain.erasure import EraseCaseKeys
from services.intake.domain.reception import (
    AlreadyThere,
    FindingNotShown,
    OutsideOwnGrid,
    Place,
    PlaceUnknown,
    ReportGridEvent,
    SubmitAppeal,
)
from services.intake.domain.registration import RegisterCase, RejectCase, VoidCase
from tests.unit.directory.town import VIEW, local
from tests.unit.routing.givens import HOUSING, ODOUR, ZHOU_MIN, acting, dispatched, facts

NINE = local("2026-11-02 09:10")
LI_FANG = acting("li-fang-grid")
HE_JUN = acting("he-jun-admin")
NEW = Facts(None, VIEW)
IN_G03 = Place(longitude=1193050000, latitude=321050000)
IN_G04 = Place(longitude=1193150000, latitude=321050000)
PHOTO = ("a" * 64,)
IMPORTER = Actor(PersonId("importer"), "MACHINE", scopes=frozenset({"intake"}))

APPEAL = AppealReceived(
    channel="phone",
    kind="help",
    content="路灯不亮",
    grid=GridCode("G03"),
    reporter_kind="NAMED",
    reporter_name="某女士",
    recorded_by=PersonId("zhou-min"),
)
REGISTERED = CaseRegistered(
    registered_by=PersonId("zhou-min"),
    kind="help",
    class_code=ClassCode("street-light"),
    urgency="U3",
    grid=GridCode("G03"),
)


def appeal(by: Actor = ZHOU_MIN, place: Place = IN_G03, **fields: str) -> SubmitAppeal:
    """A call about a street light."""
    return SubmitAppeal(NINE, by, "phone", "help", "路灯不亮", place, **fields)  # type: ignore[arg-type]


def report(place: Place = IN_G03, photos: tuple[str, ...] = PHOTO, why: str | None = None) -> ReportGridEvent:
    """李芳 reports a manhole cover."""
    manhole = ClassCode("manhole")
    return ReportGridEvent(NINE, LI_FANG, "city_management", manhole, "井盖周边破损", place, photos, why)


def register(class_code: str = "street-light", urgency: str = "U3", **fields: str) -> RegisterCase:
    """周敏 classifies."""
    return RegisterCase(NINE, ZHOU_MIN, ClassCode(class_code), urgency, **fields)  # type: ignore[arg-type]


def test_a_call_is_received_at_the_grid_that_its_place_lies_in() -> None:
    received = APPEAL.model_copy(update={"location": "1193050000,321050000"})
    given(DECIDER).when(appeal(reporter_name="某女士"), NEW).then(received)


def test_a_call_without_name_or_telephone_is_anonymous_and_a_named_grid_is_place_enough() -> None:
    [received] = given(DECIDER).when(appeal(place=Place(grid=GridCode("G04"))), NEW).events
    assert isinstance(received, AppealReceived)
    assert (received.reporter_kind, received.grid, received.location) == ("ANONYMOUS", "G04", None)


def test_who_phones_in_what_he_found_on_patrol_is_a_discoverer_and_the_operator_is_not() -> None:
    [received] = given(DECIDER).when(appeal(found_by="li-fang"), NEW).events
    assert isinstance(received, AppealReceived)
    assert (received.found_by, received.recorded_by) == ("li-fang", "zhou-min")


def test_a_grid_worker_who_enters_a_citizens_appeal_becomes_its_discoverer() -> None:
    [received] = given(DECIDER).when(appeal(by=LI_FANG), NEW).events
    assert isinstance(received, AppealReceived)
    assert received.found_by == "li-fang"


def test_an_importer_submits_with_its_scope() -> None:
    [received] = given(DECIDER).when(appeal(by=IMPORTER), NEW).events
    assert isinstance(received, AppealReceived)


@pytest.mark.parametrize("place", [Place(), Place(grid=GridCode("G99")), Place(longitude=0, latitude=0)])
def test_a_place_outside_every_grid_is_refused(place: Place) -> None:
    given(DECIDER).when(appeal(place=place), NEW).then_refused(PlaceUnknown, code="E-PLACE")


def test_a_finder_who_does_not_exist_is_refused() -> None:
    given(DECIDER).when(appeal(found_by="nobody"), NEW).then_refused(Malformed)


def test_a_department_receives_nothing() -> None:
    given(DECIDER).when(appeal(by=acting("fang-yun-clerk")), NEW).then_refused(Forbidden, code="E-ROLE")


def test_a_case_id_is_used_once() -> None:
    given(DECIDER, APPEAL).when(appeal(), NEW).then_refused(AlreadyThere)


def test_a_grid_worker_reports_from_his_own_grid_and_is_its_discoverer() -> None:
    [reported] = given(DECIDER).when(report(), NEW).events
    assert isinstance(reported, GridEventReported)
    assert (reported.discoverer, reported.grid) == ("li-fang", "G03")


def test_a_report_from_another_grid_needs_a_reason() -> None:
    given(DECIDER).when(report(IN_G04), NEW).then_refused(OutsideOwnGrid, code="E-SCOPE")
    [reported] = given(DECIDER).when(report(IN_G04, why="巡查途中"), NEW).events
    assert isinstance(reported, GridEventReported)


def test_a_report_from_patrol_needs_a_location_and_a_photo() -> None:
    given(DECIDER).when(report(photos=()), NEW).then_refused(FindingNotShown, code="E-EVIDENCE")
    given(DECIDER).when(report(Place(grid=GridCode("G03"))), NEW).then_refused(FindingNotShown)


def test_the_operator_registers_what_was_received() -> None:
    given(DECIDER, APPEAL).when(register(), NEW).then(REGISTERED)
    given(DECIDER, APPEAL, REGISTERED).when(register(), NEW).then()


def test_a_dangerous_class_is_most_urgent_whatever_the_operator_says() -> None:
    [registered] = given(DECIDER, APPEAL).when(register("gas-leak", "U4"), NEW).events
    assert isinstance(registered, CaseRegistered)
    assert registered.urgency == "U1"


@pytest.mark.parametrize(
    "command",
    [
        register("no-such-class"),
        register(kind="praise"),
        register("manhole", kind="complaint", filing_condition="no-such-condition"),
        register("consultation", "U1", kind="consult"),
    ],
)
def test_a_combination_that_the_rulebook_does_not_know_is_refused(command: RegisterCase) -> None:
    given(DECIDER, APPEAL).when(command, NEW).then_refused(UnknownClass, code="E-CLASS")


def test_an_upstream_deadline_is_passed_on_to_the_clocks() -> None:
    due = local("2026-11-20 12:00")
    received = APPEAL.model_copy(update={"upstream_due_at": due})
    [registered] = given(DECIDER, received).when(register(), NEW).events
    assert isinstance(registered, CaseRegistered)
    assert registered.upstream_due_at == due


def test_only_an_operator_registers_voids_and_refuses() -> None:
    for command in (
        RegisterCase(NINE, LI_FANG, ClassCode("street-light"), "U3"),
        VoidCase(NINE, LI_FANG, "误录"),
        RejectCase(NINE, LI_FANG, "OTHER", "条例", "法院"),
    ):
        given(DECIDER, APPEAL).when(command, NEW).then_refused(Forbidden, code="E-ROLE")


def test_nothing_is_done_to_a_case_that_does_not_exist() -> None:
    for command in (register(), VoidCase(NINE, ZHOU_MIN, "误录"), RejectCase(NINE, ZHOU_MIN, "OTHER", "条例", "法院")):
        given(DECIDER).when(command, NEW).then_refused(NotFound)


def test_a_wrong_entry_is_voided_until_it_was_dispatched() -> None:
    command = VoidCase(NINE, ZHOU_MIN, "误录")
    voided = CaseVoided(voided_by=PersonId("zhou-min"), reason="误录")
    given(DECIDER, APPEAL, REGISTERED).when(command, facts(*ODOUR)).then(voided)
    given(DECIDER, APPEAL, REGISTERED, voided).when(command, facts(*ODOUR)).then()
    sent: tuple[datetime, Event] = (NINE, dispatched(HOUSING, "sewer-odour"))
    refusal = given(DECIDER, APPEAL, REGISTERED).when(command, facts(*ODOUR, sent)).then_refused(NotInThisState)
    assert refusal.evidence == ("e-3",)


def test_a_refusal_names_reason_basis_and_another_way_to_go() -> None:
    command = RejectCase(NINE, ZHOU_MIN, "LEGAL_PROCEDURE", "信访工作条例", "县人民法院")
    refused = CaseNotAccepted(
        refused_by=PersonId("zhou-min"),
        reason_code="LEGAL_PROCEDURE",
        legal_basis="信访工作条例",
        alternative="县人民法院",
    )
    given(DECIDER, APPEAL).when(command, NEW).then(refused)
    given(DECIDER, APPEAL, refused).when(command, NEW).then()
    given(DECIDER, APPEAL, REGISTERED).when(command, NEW).then_refused(NotInThisState)
    given(DECIDER, APPEAL, refused).when(register(), NEW).then_refused(NotInThisState)


def test_an_administrator_erases_each_key_once() -> None:
    both = EraseCaseKeys(NINE, HE_JUN, ("reporter", "case"), "RETENTION_EXPIRED")
    first = PersonalDataErased(erased_by=PersonId("he-jun"), kinds=("reporter",), ground="CONSENT_WITHDRAWN")
    rest = PersonalDataErased(erased_by=PersonId("he-jun"), kinds=("case",), ground="RETENTION_EXPIRED")
    given(DECIDER, APPEAL, first).when(both, NEW).then(rest)
    given(DECIDER, APPEAL, first, rest).when(both, NEW).then()
    given(DECIDER).when(both, NEW).then_refused(NotFound)
    by_an_operator = EraseCaseKeys(NINE, ZHOU_MIN, ("case",), "OTHER_LAW")
    given(DECIDER, APPEAL).when(by_an_operator, NEW).then_refused(Forbidden)
