"""The state of a case as the log of all four services shows it (rulebook.md c.1)."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from libs.case import lifecycle
from libs.case.changes import changes_of
from libs.case.state import Case
from libs.case.testing import CASE_ID, case_of, log_of
from libs.events.contracts import intake, registry, routing, supervision
from libs.events.envelope import Recorded
from libs.events.event import Event
from libs.events.ids import ClassCode, ClockId, GridCode, PersonId, UnitId

NINE = datetime(2026, 11, 2, 1, 0, tzinfo=UTC)
LI_FANG, ZHOU_MIN, SUN_TAO, QIAN_LI = (PersonId(name) for name in ("li-fang", "zhou-min", "sun-tao", "qian-li"))
HOUSING, WATER = UnitId("county-housing"), UnitId("county-water")
G03 = GridCode("G03")
GOLDENS = Path(__file__).parents[2] / "contract" / "goldens"

REPORTED = intake.GridEventReported(
    discoverer=LI_FANG,
    kind="city_management",
    class_code=ClassCode("road-damage"),
    grid=G03,
    content="x",
    location="x",
)
APPEALED = intake.AppealReceived(
    channel="phone", kind="help", content="x", grid=G03, reporter_kind="NAMED", recorded_by=ZHOU_MIN
)
REGISTERED = intake.CaseRegistered(
    registered_by=ZHOU_MIN, kind="help", class_code=ClassCode("road-damage"), urgency="U3", grid=G03
)
DISPATCHED = routing.CaseDispatched(unit=HOUSING, dispatched_by=ZHOU_MIN, class_code=ClassCode("road-damage"))
SIGNED = routing.AssignmentAccepted(unit=HOUSING, accepted_by=SUN_TAO)
ASSIGNED = routing.HandlerAssigned(unit=HOUSING, handler=QIAN_LI, assigned_by=SUN_TAO)
ANSWERED = routing.FeedbackSubmitted(unit=HOUSING, submitted_by=QIAN_LI, round=1, result="SOLVED", reply="x")
VOIDED = intake.CaseVoided(voided_by=ZHOU_MIN, reason="x")
CLOSED = supervision.CaseClosed(closed_by=PersonId("wu-jun"), close_kind="HANDLED", round=1)


def case(*events: Event) -> Case:
    """The case after these, a minute apart."""
    return case_of(*((NINE + timedelta(minutes=number), event) for number, event in enumerate(events)))


@pytest.mark.parametrize(
    ("events", "state"),
    [
        ([APPEALED], "RECEIVED"),
        ([REPORTED], "RECEIVED"),
        ([APPEALED, REGISTERED], "REGISTERED"),
        ([APPEALED, REGISTERED, DISPATCHED], "DISPATCHED"),
        ([APPEALED, REGISTERED, DISPATCHED, SIGNED], "IN_PROGRESS"),
        ([APPEALED, REGISTERED, DISPATCHED, SIGNED, ASSIGNED, ANSWERED], "FEEDBACK"),
        ([APPEALED, VOIDED], "VOID"),
        ([APPEALED, REGISTERED, DISPATCHED, SIGNED, ANSWERED, CLOSED], "CLOSED"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_case_goes_from_state_to_state(events: list[Event], state: str) -> None:
    assert case(*events).state == state


def test_of_two_ends_the_first_in_the_log_counts_and_the_second_is_without_effect() -> None:
    voided_first = case(APPEALED, REGISTERED, VOIDED, CLOSED)
    assert (voided_first.state, voided_first.without_effect) == ("VOID", ("e-4",))
    closed_first = case(APPEALED, REGISTERED, CLOSED, VOIDED)
    assert (closed_first.state, closed_first.close_kind) == ("CLOSED", "HANDLED")
    assert closed_first.without_effect == ("e-4",)


def test_an_end_without_effect_changes_nothing_but_who_used_a_power() -> None:
    voided = case(APPEALED, REGISTERED, VOIDED)
    raced = case(APPEALED, REGISTERED, VOIDED, CLOSED)
    assert raced.closers == {"wu-jun": ("e-4",)}
    assert (raced.close_kind, raced.unit, raced.round) == (voided.close_kind, voided.unit, voided.round)


def test_a_signature_that_crosses_a_void_stays_in_history_and_names_its_signer_for_ever() -> None:
    crossed = case(APPEALED, REGISTERED, VOIDED, DISPATCHED, SIGNED)
    assert (crossed.state, crossed.without_effect) == ("VOID", ("e-4", "e-5"))
    assert crossed.handlers == {"sun-tao": ("e-5",)}
    assert not crossed.signed


def test_every_use_of_a_power_is_kept_with_its_evidence() -> None:
    worked = case(REPORTED, REGISTERED, DISPATCHED, SIGNED, ASSIGNED, ANSWERED)
    assert worked.discoverers == {"li-fang": ("e-1",)}
    assert worked.dispatchers == {"zhou-min": ("e-3",)}
    assert worked.handlers == {"sun-tao": ("e-4", "e-5"), "qian-li": ("e-5", "e-6")}


def test_who_enters_an_appeal_for_a_citizen_is_no_discoverer_but_who_phoned_it_in_is() -> None:
    assert case(APPEALED).discoverers == {}
    assert case(APPEALED.model_copy(update={"found_by": LI_FANG})).discoverers == {"li-fang": ("e-1",)}


def test_a_second_dispatch_starts_anew_and_remembers_the_first_unit() -> None:
    again = DISPATCHED.model_copy(update={"unit": WATER})
    moved = case(APPEALED, REGISTERED, DISPATCHED, SIGNED, ASSIGNED, again)
    assert (moved.state, moved.unit, moved.units) == ("DISPATCHED", WATER, (HOUSING, WATER))
    assert (moved.signed, moved.handler) == (False, None)
    assert set(moved.handlers) == {"sun-tao", "qian-li"}


def test_a_limit_that_signs_for_the_unit_names_no_person() -> None:
    deemed = case(APPEALED, REGISTERED, DISPATCHED, routing.AssignmentDeemedAccepted(unit=HOUSING, clock_id="c"))
    assert (deemed.state, deemed.signed, deemed.handlers) == ("IN_PROGRESS", True, {})


def test_rework_opens_the_next_round_and_forgets_who_was_to_verify() -> None:
    verifying = supervision.VerificationAssigned(verifier=LI_FANG, assigned_by=ZHOU_MIN, round=1, because="grid")
    rework = supervision.ReworkOrdered(round=2, ordered_by=ZHOU_MIN, because="verification")
    reworked = case(APPEALED, REGISTERED, DISPATCHED, SIGNED, ANSWERED, verifying, rework)
    assert (reworked.state, reworked.round, reworked.verifier) == ("IN_PROGRESS", 2, None)


def test_the_supervision_level_rises_with_the_ladder_and_falls_only_when_lifted() -> None:
    third = supervision.AutoEscalated(clock_id=ClockId("c"), clock="handling", level=3, round=1, instant=NINE)
    second = supervision.AutoEscalated(clock_id=ClockId("c"), clock="handling", level=2, round=1, instant=NINE)
    lifted = supervision.SupervisionLifted(lifted_by=ZHOU_MIN, level=1, reason="x")
    assert case(APPEALED, third, second).supervision_level == 3
    assert case(APPEALED, third, lifted).supervision_level == 1


def test_erasing_a_closed_case_is_noted_and_leaves_it_closed() -> None:
    erased = intake.PersonalDataErased(erased_by=ZHOU_MIN, kinds=("reporter",), ground="CONSENT_WITHDRAWN")
    done = case(APPEALED, REGISTERED, CLOSED, erased)
    assert (done.state, done.erased, done.without_effect) == ("CLOSED", ("reporter",), ())


def test_a_refused_attempt_moves_neither_state_nor_version_of_the_case() -> None:
    attempted = intake.SeparationViolationAttempted(person=LI_FANG, command="RegisterCase", rule="SEP-01")
    before = case(APPEALED)
    assert lifecycle.evolve(before, in_access_stream(attempted)) == before


def test_the_versions_of_a_case_are_those_of_its_stream_in_each_service() -> None:
    worked = case(APPEALED, REGISTERED, DISPATCHED, SIGNED, CLOSED)
    assert worked.versions == {"/xunban/intake": 2, "/xunban/routing": 2, "/xunban/supervision": 1}
    assert (worked.last_event_id, worked.last_type) == ("e-5", "supervision.case-closed.v1")
    assert worked.received_at == NINE


WITHDRAWN = intake.AppealWithdrawn(recorded_by=ZHOU_MIN, proof="PHONE", continues=False)
RESTORED = intake.AppealRestored(recorded_by=ZHOU_MIN, proof="PHONE")


def test_a_withdrawal_taken_back_leaves_the_case_where_it_stood() -> None:
    withdrawn = case(APPEALED, REGISTERED, DISPATCHED, SIGNED, WITHDRAWN)
    assert (withdrawn.state, withdrawn.ended) == ("WITHDRAWN", True)
    restored = case(APPEALED, REGISTERED, DISPATCHED, SIGNED, WITHDRAWN, RESTORED)
    assert (restored.state, restored.unit, restored.signed) == ("IN_PROGRESS", HOUSING, True)
    assert restored.without_effect == ()


def test_what_crosses_a_withdrawal_counts_once_the_withdrawal_is_taken_back() -> None:
    crossed = case(APPEALED, REGISTERED, DISPATCHED, WITHDRAWN, SIGNED)
    assert (crossed.state, crossed.signed, crossed.without_effect) == ("WITHDRAWN", True, ("e-5",))
    restored = case(APPEALED, REGISTERED, DISPATCHED, WITHDRAWN, SIGNED, RESTORED)
    assert (restored.state, restored.unit, restored.signed) == ("IN_PROGRESS", HOUSING, True)
    assert restored.handlers == {"sun-tao": ("e-5",)}


def test_a_closing_that_crosses_a_withdrawal_stands_when_the_withdrawal_is_taken_back() -> None:
    assert case(APPEALED, REGISTERED, DISPATCHED, SIGNED, ANSWERED, WITHDRAWN, CLOSED).state == "WITHDRAWN"
    assert case(APPEALED, REGISTERED, DISPATCHED, SIGNED, ANSWERED, WITHDRAWN, CLOSED, RESTORED).state == "CLOSED"


def test_a_matter_of_public_interest_goes_on_without_the_reporter() -> None:
    left = case(APPEALED, REGISTERED, WITHDRAWN.model_copy(update={"continues": True}))
    assert (left.state, left.reporter_left) == ("REGISTERED", True)


def test_a_closed_case_is_not_brought_back_by_a_withdrawal_that_came_too_late() -> None:
    assert case(APPEALED, REGISTERED, CLOSED, WITHDRAWN, RESTORED).state == "CLOSED"


def test_a_correction_changes_what_it_names_and_nothing_else() -> None:
    corrected = case(APPEALED, REGISTERED, intake.CaseCorrected(corrected_by=ZHOU_MIN, reason="x", urgency="U2"))
    assert (corrected.urgency, corrected.class_code, corrected.state) == ("U2", "road-damage", "REGISTERED")


RETURNED = routing.ReturnRequested(unit=HOUSING, requested_by=SUN_TAO, basis="x", suggested_unit=WATER)


def test_a_return_waits_for_the_dispatcher_and_brings_the_case_back_to_him_or_to_the_unit() -> None:
    so_far = (APPEALED, REGISTERED, DISPATCHED, SIGNED, RETURNED)
    approved = routing.ReturnApproved(unit=HOUSING, decided_by=ZHOU_MIN)
    rejected = routing.ReturnRejected(unit=HOUSING, decided_by=ZHOU_MIN, reason="x")
    assert case(*so_far).state == "RETURN_PENDING"
    back = case(*so_far, approved)
    assert (back.state, back.unit, back.units, back.returns) == ("REGISTERED", None, (HOUSING,), (HOUSING,))
    assert case(*so_far, rejected).state == "IN_PROGRESS"
    assert case(APPEALED, REGISTERED, DISPATCHED, RETURNED, rejected).state == "DISPATCHED"


def test_after_a_ruling_the_case_is_dispatched_for_good() -> None:
    opened = routing.ArbitrationOpened(parties=(HOUSING, WATER), because="RET-3")
    ruled = routing.ArbitrationRuled(ruled_by=QIAN_LI, unit=WATER, reason="x")
    forced = DISPATCHED.model_copy(update={"unit": WATER, "no_return": True})
    assert case(APPEALED, REGISTERED, DISPATCHED, opened).state == "ARBITRATION"
    done = case(APPEALED, REGISTERED, DISPATCHED, opened, ruled, forced)
    assert (done.state, done.unit, done.no_return) == ("DISPATCHED", WATER, True)
    assert set(done.dispatchers) == {"zhou-min", "qian-li"}


def test_a_co_unit_is_open_until_it_has_reported_and_its_people_used_handling_powers() -> None:
    added = routing.CoUnitAdded(unit=WATER, added_by=SUN_TAO, task="x")
    reported = routing.CoUnitReported(unit=WATER, reported_by=QIAN_LI, report="x")
    so_far = (APPEALED, REGISTERED, DISPATCHED, SIGNED, added)
    assert (case(*so_far).co_units, case(*so_far).units) == ((WATER,), (HOUSING, WATER))
    done = case(*so_far, reported)
    assert (done.co_units, set(done.handlers)) == ((), {"sun-tao", "qian-li"})


def test_a_repeat_contact_is_counted_and_opens_nothing() -> None:
    again = case(APPEALED, REGISTERED, intake.RepeatContactReceived(channel="phone"))
    assert (again.state, again.contacts) == ("REGISTERED", 2)


def test_a_case_read_back_from_its_document_goes_on_like_the_one_in_memory() -> None:
    events = log_of(*((NINE, event) for event in (REPORTED, REGISTERED, DISPATCHED, SIGNED, ASSIGNED, ANSWERED)))
    kept: Case | None = None
    for event in events:
        kept = lifecycle.evolve(kept, event)
        kept = Case.model_validate_json(kept.model_dump_json())
    assert kept == lifecycle.fold(events)


def in_access_stream(event: Event) -> Recorded:
    """As the refusal of a command is recorded."""
    (recorded,) = log_of((NINE, event))
    return replace(recorded, attributes={**recorded.attributes, "ce_stream": f"access-{CASE_ID}"})


@pytest.mark.parametrize("ce_type", registry.TYPES)
def test_whatever_is_written_changes_fields_that_a_case_has_or_nothing(ce_type: str) -> None:
    event = registry.decode(ce_type, (GOLDENS / f"{ce_type}.json").read_bytes())

    assert changes_of(Case(case_id=CASE_ID, lane=1), event, "e-1").keys() <= Case.model_fields.keys()
