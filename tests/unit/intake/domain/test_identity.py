"""来电: reading an identity for a purpose, and the same caller on the same matter."""

import pytest

from libs.case.facts import Facts
from libs.case.refusals import NotInThisState
from libs.case.state import Case
from libs.case.testing import case_of, given
from libs.events.contracts.intake import (
    AppealReceived,
    CaseVoided,
    IdentityNotShown,
    IdentityRead,
    RepeatContactReceived,
)
from libs.events.decider import Actor
from libs.events.errors import Forbidden, NotFound
from libs.events.ids import GridCode, PersonId
from services.intake.domain.decider import DECIDER
from services.intake.domain.duplicates import grids_near
from services.intake.domain.identity import (
    NotYoursToCall,
    Purpose,
    ReadIdentity,
    ReceiveRepeatContact,
    look_up,
    not_shown,
    read_identity,
    require_reader,
)
from services.intake.domain.reception import Place
from tests.unit.directory.town import VIEW
from tests.unit.intake.domain.test_decider import APPEAL, HE_JUN, IMPORTER, LI_FANG, NEW, NINE, REGISTERED, appeal
from tests.unit.routing.givens import FANG_YUN, HOUSING, ZHENG_KAI, ZHOU_MIN, acting, dispatched, facts

OPEN = facts((NINE, APPEAL), (NINE, REGISTERED))
AGAIN = ReceiveRepeatContact(NINE, ZHOU_MIN, "phone", "还是没有人来修")
URGED_ONCE = RepeatContactReceived(channel="phone", recorded_by=PersonId("zhou-min"), content="还是没有人来修")


def test_reading_who_the_reporter_is_names_reader_purpose_and_fields() -> None:
    read = read_identity(ReadIdentity(NINE, ZHOU_MIN, "ASK_DETAILS"), ("reporter_name", "reporter_phone"))
    fields = ("reporter_name", "reporter_phone")
    assert read == [IdentityRead(read_by=PersonId("zhou-min"), purpose="ASK_DETAILS", fields=fields)]


def test_where_nobody_is_named_nothing_is_read() -> None:
    assert read_identity(ReadIdentity(NINE, ZHOU_MIN, "CALL_BACK"), ()) == []


def test_nobody_else_reads_an_identity_and_only_an_operator_looks_a_telephone_up() -> None:
    for other in (acting("han-feng-supervisor"), LI_FANG, HE_JUN, IMPORTER):
        with pytest.raises(Forbidden) as refused:
            require_reader(other, "ASK_DETAILS", OPEN.case)
        assert refused.value.code == "E-ROLE"
    for other in (LI_FANG, HE_JUN, IMPORTER):
        with pytest.raises(Forbidden):
            look_up(ReadIdentity(NINE, other, "TAKE_CALL"))


def test_who_handles_a_case_reads_whom_to_call_while_it_lies_with_his_unit() -> None:
    sent = facts((NINE, APPEAL), (NINE, REGISTERED), (NINE, dispatched(HOUSING, "street-light"))).known_case()
    require_reader(ZHENG_KAI, "CONTACT", sent)
    named = sent.model_copy(update={"handler": "fang-yun"})
    require_reader(FANG_YUN, "CONTACT", named)
    other_unit = sent.model_copy(update={"unit": "county-urban"})
    reported = sent.model_copy(update={"state": "FEEDBACK"})
    refused: list[tuple[Actor, Purpose, Case]] = [
        (ZHENG_KAI, "ASK_DETAILS", sent),
        (FANG_YUN, "CONTACT", sent),
        (ZHENG_KAI, "CONTACT", other_unit),
        (ZHENG_KAI, "CONTACT", reported),
        (ZHOU_MIN, "CONTACT", sent),
    ]
    for by, purpose, case in refused:
        with pytest.raises(NotYoursToCall):
            require_reader(by, purpose, case)


def test_that_somebody_asked_who_may_not_says_who_as_what_and_for_what() -> None:
    told = not_shown(ReadIdentity(NINE, HE_JUN, "LAW"))
    assert told == [IdentityNotShown(asked_by=PersonId("he-jun"), role="ADMIN", purpose="LAW")]


def test_each_call_of_the_same_caller_is_a_contact_of_the_open_case() -> None:
    given(DECIDER, APPEAL, REGISTERED).when(AGAIN, OPEN).then(URGED_ONCE)
    given(DECIDER, APPEAL, REGISTERED, URGED_ONCE).when(AGAIN, OPEN).then(URGED_ONCE)


def test_an_ended_case_takes_no_further_contact() -> None:
    voided = CaseVoided(voided_by=PersonId("zhou-min"), reason="误录")
    ended = Facts(case_of((NINE, APPEAL), (NINE, voided)), VIEW)
    refusal = given(DECIDER, APPEAL, voided).when(AGAIN, ended).then_refused(NotInThisState, code="E-STATE")
    assert refusal.allowed == ("appeal",)


def test_no_contact_is_added_to_a_case_that_does_not_exist_or_by_a_department() -> None:
    given(DECIDER).when(AGAIN, NEW).then_refused(NotFound)
    clerk = ReceiveRepeatContact(NINE, acting("fang-yun-clerk"), "phone")
    given(DECIDER, APPEAL).when(clerk, OPEN).then_refused(Forbidden)


def test_an_appeal_beside_an_open_one_says_why() -> None:
    command = appeal(new_case_reason="OTHER_OBJECT")
    [received] = given(DECIDER).when(command, NEW).events
    assert isinstance(received, AppealReceived)
    assert received.new_case_reason == "OTHER_OBJECT"


def test_near_a_border_the_neighbouring_grid_is_looked_through_too() -> None:
    inside = Place(GridCode("G03"), 1_193_050_000, 321_050_000)
    on_the_border = Place(GridCode("G03"), 1_193_111_000, 321_050_000)
    assert grids_near(inside, VIEW, NINE) == {"G03"}
    assert grids_near(on_the_border, VIEW, NINE) == {"G03", "G04"}
    assert grids_near(Place(GridCode("G03")), VIEW, NINE) == {"G03"}
