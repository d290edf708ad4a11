"""Who is told of repeat contacts, returns, arbitration, co-units, corrections, withdrawals (rulebook.md c.3, d.6)."""

import pytest

from libs.case.state import Case
from libs.case.testing import log_of
from libs.events.contracts import intake, routing, supervision
from libs.events.contracts.notify import MessageDue
from libs.events.contracts.parts.clock import Clock, KnownClock
from libs.events.decider import SYSTEM
from libs.events.event import Event, Sealed
from libs.events.ids import ClockId, PersonId, UnitId
from libs.log.read.rows import ReadModel
from services.notify.domain.decider import DECIDER
from services.notify.domain.telling import Message, TellOf
from services.notify.reactions import react
from services.notify.readmodel.projection import project
from services.notify.readmodel.tables import TABLES, due
from tests.unit.directory.town import VIEW
from tests.unit.notify.cases import DUE, HOUSING, MONDAY, appeal, breached, warned
from tests.unit.notify.domain.test_decider import FACTS

SEALED = Sealed(sealed="k/case", type="t", field="reason", nonce="", data="")
WATER, URBAN = UnitId("county-water"), UnitId("county-urban")
CHEN_LI = PersonId("chen-li")
AT_HOUSING = appeal(handler="zheng-kai")
DISPUTED = appeal(units=(HOUSING, WATER, URBAN), unit=URBAN, returns=(HOUSING, WATER))
OPENED = routing.ArbitrationOpened(parties=(HOUSING, WATER, URBAN), because="RET-3")
RULED = routing.ArbitrationRuled(ruled_by=PersonId("song-hai"), unit=URBAN, reason=SEALED)
RETURNED = routing.ReturnRequested(
    unit=HOUSING, requested_by=PersonId("fang-yun"), basis="第十条", suggested_unit=WATER
)
APPROVED = routing.ReturnApproved(unit=HOUSING, decided_by=CHEN_LI)
REFUSED = routing.ReturnRejected(unit=HOUSING, decided_by=CHEN_LI, reason=SEALED)
HELPS = routing.CoUnitAdded(unit=WATER, added_by=PersonId("fang-yun"), task=SEALED)
HELPED = routing.CoUnitReported(unit=WATER, reported_by=PersonId("cao-ying"), report=SEALED)
DRAFTED = routing.EndorsementRequested(act="return", unit=HOUSING, requested_by=PersonId("fang-yun"), basis=SEALED)
GIVEN_BACK = routing.EndorsementRefused(act="return", unit=HOUSING, refused_by=PersonId("ma-jun"), reason=SEALED)
CORRECTED = intake.CaseCorrected(corrected_by=PersonId("zhou-min"), reason=SEALED, urgency="U2")
ENDS = intake.AppealWithdrawn(proof="SECRET", continues=False)
GOES_ON = intake.AppealWithdrawn(proof="SECRET", continues=True)
RESTORED = intake.AppealRestored(proof="SECRET")
ANSWERED = intake.AnsweredDirectly(answered_by=PersonId("zhou-min"), knowledge_entry="K-1", reply=SEALED)
BY_CITIZEN = supervision.CaseUrged(source="CITIZEN", unit=HOUSING, because="e-1")
FANG_YUN, ZHENG_KAI, CAO_YING, TANG_JING = "person:fang-yun", "person:zheng-kai", "person:cao-ying", "person:tang-jing"


def messages(event: Event, case: Case) -> list[Message]:
    (recorded,) = log_of((MONDAY, event), case_id=case.case_id)
    return [one for command in react(recorded, case, VIEW) for one in command.messages]


def told(event: Event, case: Case) -> set[tuple[str, str]]:
    """(template, recipient); everybody can be reached."""
    assert {one.dropped for one in messages(event, case)} <= {None}
    return {(one.template, one.recipient) for one in messages(event, case)}


def test_a_draft_is_told_to_the_leader_who_must_endorse_it_and_to_its_drafters_where_he_gives_it_back() -> None:
    assert told(DRAFTED, AT_HOUSING) == {("endorse", "person:ma-jun")}
    assert told(GIVEN_BACK, AT_HOUSING) == {("endorsement_refused", ZHENG_KAI), ("endorsement_refused", FANG_YUN)}
    (message,) = messages(DRAFTED, AT_HOUSING)
    assert (message.values["act"], "basis" in message.values) == ("return", False)


def test_a_repeat_contact_is_told_by_the_urge_that_follows_from_it() -> None:
    again = intake.RepeatContactReceived(channel="phone")

    assert messages(again, AT_HOUSING) == []
    assert told(BY_CITIZEN, AT_HOUSING) == {("pressed", ZHENG_KAI), ("pressed", FANG_YUN)}


def test_the_supervisor_hears_of_an_urge_where_the_unit_was_late_or_silent() -> None:
    in_vain = BY_CITIZEN.model_copy(update={"supervisor_told": True})

    assert told(in_vain, AT_HOUSING) == {*told(BY_CITIZEN, AT_HOUSING), ("pressed", "person:han-feng")}


def test_before_dispatch_an_urge_is_for_the_dispatcher() -> None:
    urged = BY_CITIZEN.model_copy(update={"unit": None})

    assert told(urged, appeal(unit=None, units=())) == {("pressed", "person:chen-li")}


def test_a_return_goes_to_the_dispatcher_and_his_decision_to_the_unit() -> None:
    assert told(RETURNED, AT_HOUSING) == {("return_requested", "person:chen-li")}
    assert told(REFUSED, AT_HOUSING) == {("return_rejected", ZHENG_KAI), ("return_rejected", FANG_YUN)}
    assert told(APPROVED, appeal(unit=None, units=(HOUSING,))) == {
        ("return_approved", "person:chen-li"),
        ("return_approved", FANG_YUN),
    }


def test_an_arbitration_is_told_to_the_arbiter_the_parties_and_the_reporter() -> None:
    arbiters = {one.recipient for one in messages(OPENED, DISPUTED) if one.template == "arbitration"}

    assert arbiters - {FANG_YUN, CAO_YING, TANG_JING} == {
        f"person:{person}" for person in VIEW.holders("ARBITER", None, MONDAY)
    }
    assert {FANG_YUN, CAO_YING, TANG_JING} < arbiters
    assert ("deciding_unit", "reporter") in told(OPENED, DISPUTED)


def test_scenario_4_the_reporter_hears_once_that_the_unit_is_being_determined() -> None:
    past: list[Event] = []
    for event_id in ("e-1", "e-2"):
        command = TellOf(MONDAY, SYSTEM, event_id, OPENED.ce_type, tuple(messages(OPENED, DISPUTED)))
        past += DECIDER.decide(DECIDER.fold(past), command, FACTS)

    heard = [(event.recipient, event.template) for event in past if isinstance(event, MessageDue)]
    assert heard.count(("reporter", "deciding_unit")) == 1
    assert heard.count((FANG_YUN, "arbitration")) == 2


def test_returns_are_not_told_to_the_reporter() -> None:
    for event in (RETURNED, REFUSED, APPROVED, RULED):
        assert "reporter" not in {one.recipient for one in messages(event, DISPUTED)}


def test_a_ruling_is_told_to_those_who_returned_the_case_and_to_the_dispatcher() -> None:
    assert told(RULED, DISPUTED) == {("ruled", FANG_YUN), ("ruled", CAO_YING), ("ruled", "person:chen-li")}


def test_a_co_unit_is_asked_and_its_report_goes_to_the_lead_unit() -> None:
    case = appeal(handler="zheng-kai", units=(HOUSING, WATER), co_units=(WATER,))

    assert told(HELPS, case) == {("co_unit", CAO_YING)}
    assert told(HELPED, case) == {("co_reported", ZHENG_KAI), ("co_reported", FANG_YUN)}


def test_a_correction_is_told_to_whoever_works_on_the_case() -> None:
    assert told(CORRECTED, AT_HOUSING) == {("corrected", ZHENG_KAI), ("corrected", FANG_YUN)}
    assert told(CORRECTED, appeal(unit=None, units=())) == {("corrected", "person:chen-li")}


def test_scenario_14_a_withdrawal_is_confirmed_to_the_reporter_and_told_where_work_goes_on() -> None:
    assert told(ENDS, AT_HOUSING) == {("withdrawn", "reporter")}
    assert told(GOES_ON, AT_HOUSING) == {
        ("continued", "reporter"),
        ("reporter_left", ZHENG_KAI),
        ("reporter_left", FANG_YUN),
    }
    assert told(RESTORED, AT_HOUSING) == {("restored", "reporter"), ("restored", ZHENG_KAI), ("restored", FANG_YUN)}


def test_a_direct_answer_is_told_to_a_named_reporter_only() -> None:
    assert told(ANSWERED, appeal(unit=None)) == {("answered", "reporter")}
    (anonymous,) = messages(ANSWERED, appeal(unit=None, reporter_kind="ANONYMOUS"))
    assert anonymous.dropped == "ANONYMOUS"


@pytest.mark.parametrize("clock", ["return_decision", "arbitration"])
def test_the_centre_answers_for_its_own_clocks_whichever_unit_has_the_case(clock: Clock) -> None:
    role = "ARBITER" if clock == "arbitration" else "DISPATCHER"
    centre = {f"person:{person}" for person in VIEW.holders(role, None, MONDAY)}  # type: ignore[arg-type]

    assert {one.recipient for one in messages(warned(clock), AT_HOUSING)} == centre
    assert {one.recipient for one in messages(breached(clock), AT_HOUSING)} == {*centre, "person:luo-min"}


def test_after_a_restored_withdrawal_letters_quote_the_limits_that_run_again() -> None:
    runs = KnownClock(clock_id=ClockId("e-1/handling"), clock="handling", round=1, started_at=MONDAY, due_at=DUE)
    signed = runs.model_copy(update={"clock_id": "e-1/sign", "clock": "sign", "stopped_at": MONDAY})
    set_once = supervision.DeadlineSet(**runs.model_dump(), at=MONDAY, because="e-1", urgency="U3", directory_version=1)
    ended = supervision.ClocksEnded(at=MONDAY, because="e-2", clocks=(runs, signed))
    revived = supervision.ClocksRevived(at=MONDAY, because="e-3", clocks=(runs, signed))
    rows = ReadModel(TABLES)

    dues = []
    for event in log_of(*((MONDAY, one) for one in (set_once, ended, revived)), case_id=AT_HOUSING.case_id):
        project(rows, event, AT_HOUSING)
        dues.append({row["clock"]: row["due_at"] for row in rows[due].of_case(AT_HOUSING.case_id)})
    assert dues == [{"handling": DUE}, {"handling": None}, {"handling": DUE}]
