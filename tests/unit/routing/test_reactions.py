"""What routing does on other services' facts, and the second look at its own (SEP-18)."""

from datetime import datetime

from libs.case.facts import Facts
from libs.case.lifecycle import fold
from libs.case.testing import log_of
from libs.directory.facts.view import View
from libs.events.contracts.intake import CaseNotAccepted, CaseVoided
from libs.events.contracts.routing import (
    AssignmentAccepted,
    AssignmentDeemedAccepted,
    CaseDispatched,
    FeedbackSubmitted,
    HandlingResumed,
    RouteProposed,
    SeparationViolationDetected,
    WorkOrderCancelled,
)
from libs.events.contracts.supervision import (
    CaseClosed,
    DeadlineBreached,
    FeedbackRejected,
    ReworkOrdered,
    VerificationPassed,
)
from libs.events.event import Event
from libs.events.ids import ClockId, GridCode, PersonId
from services.routing.domain.decider import DECIDER
from services.routing.reactions import react
from tests.unit.directory.town import TOWN, VIEW, published, unasked, written
from tests.unit.routing.givens import HOUSING, LITTER, NOON, ODOUR, TEN, VILLAGE, dispatched

SENT = dispatched(HOUSING, "sewer-odour")
SIGNED = AssignmentAccepted(unit=HOUSING, accepted_by=PersonId("fang-yun"))
REPORTED = FeedbackSubmitted(unit=HOUSING, submitted_by=PersonId("zheng-kai"), round=1, result="SOLVED", reply="已疏通")
VOIDED = CaseVoided(voided_by=PersonId("zhou-min"), reason="误录")
IN_WORK = (*ODOUR, (TEN, SENT), (TEN, SIGNED))
IN_REVIEW = (*IN_WORK, (NOON, REPORTED))


def reaction(*log: tuple[datetime, Event], view: View = VIEW, own: tuple[Event, ...] | None = None) -> list[Event]:
    """What routing appends when it reads the last event; `own` is its stream where that is ahead of the log."""
    records = log_of(*log)
    case = fold(records)
    assert case is not None
    stream = [event for _, event in log if event.owner == "routing"] if own is None else [*own]
    appended: list[Event] = []
    for command in react(records[-1], case, view):
        appended += DECIDER.decide(DECIDER.fold([*stream, *appended]), command, Facts(case, view))
    return appended


def test_a_registered_case_is_proposed_and_waits_for_the_dispatcher() -> None:
    [proposed] = reaction(*LITTER)
    assert isinstance(proposed, RouteProposed)
    assert (proposed.unit, proposed.dispatch) == (VILLAGE, "confirm")


def test_a_class_that_says_auto_is_dispatched_in_the_same_breath() -> None:
    auto = published(written("catalogue", "code", "sewer-odour", dispatch="auto")).latest
    proposed, sent = reaction(*ODOUR, view=auto)
    assert isinstance(proposed, RouteProposed)
    assert isinstance(sent, CaseDispatched)
    assert (sent.unit, sent.dispatched_by, sent.chain) == (HOUSING, "system", proposed.chain)


def test_a_case_that_ended_elsewhere_cancels_the_order() -> None:
    cancelled = WorkOrderCancelled(unit=HOUSING, because="intake.case-voided.v1")
    assert reaction(*ODOUR, (TEN, SENT), (NOON, VOIDED)) == [cancelled]


def test_a_void_that_crosses_a_signature_cancels_and_the_signature_stays() -> None:
    """The signature was committed after the void, but before routing had read it."""
    stream = (SENT, SIGNED)
    cancelled = WorkOrderCancelled(unit=HOUSING, because="intake.case-voided.v1")
    assert reaction(*ODOUR, (TEN, SENT), (TEN, VOIDED), own=stream) == [cancelled]
    late = (*ODOUR, (TEN, SENT), (TEN, VOIDED), (NOON, SIGNED))
    case = fold(log_of(*late))
    assert case is not None
    assert (case.state, case.without_effect) == ("VOID", ("e-5",))
    assert "fang-yun" in case.handlers
    assert reaction(*late, own=(*stream, cancelled)) == []


def test_a_case_that_was_never_proposed_has_no_order_to_cancel() -> None:
    refused = CaseNotAccepted(
        refused_by=PersonId("zhou-min"), reason_code="OTHER", legal_basis="条例", alternative="法院"
    )
    assert reaction(ODOUR[0], (TEN, refused)) == []


def test_a_closed_case_leaves_a_reported_order_as_it_is_and_cancels_one_still_in_work() -> None:
    closed = CaseClosed(closed_by=PersonId("wu-qian"), close_kind="FORCED", round=1)
    assert reaction(*IN_REVIEW, (NOON, closed)) == []
    cancelled = WorkOrderCancelled(unit=HOUSING, because="supervision.case-closed.v1")
    assert reaction(*IN_WORK, (NOON, closed)) == [cancelled]


def test_a_rejected_feedback_goes_on_in_the_same_round() -> None:
    rejected = FeedbackRejected(reviewed_by=PersonId("wu-qian"), round=1, reason="未附照片")
    resumed = HandlingResumed(unit=HOUSING, round=1, because="supervision.feedback-rejected.v1")
    assert reaction(*IN_REVIEW, (NOON, rejected)) == [resumed]
    assert reaction(*IN_REVIEW, (NOON, rejected), own=(SENT, SIGNED, REPORTED, resumed)) == []


def test_rework_opens_the_next_round() -> None:
    ordered = ReworkOrdered(round=2, ordered_by=PersonId("wu-qian"), because="verification")
    resumed = HandlingResumed(unit=HOUSING, round=2, because="supervision.rework-ordered.v1")
    assert reaction(*IN_REVIEW, (NOON, ordered)) == [resumed]


def breach(clock: str) -> DeadlineBreached:
    """The breach of one of the case's clocks."""
    return DeadlineBreached.model_validate(
        {"clock_id": ClockId("e-9"), "clock": clock, "round": 1, "unit": HOUSING, "instant": NOON, "due_at": NOON}
    )


def test_silence_beyond_the_sign_limit_is_a_signature() -> None:
    deemed = AssignmentDeemedAccepted(unit=HOUSING, clock_id="e-9")
    assert reaction(*ODOUR, (TEN, SENT), (NOON, breach("sign"))) == [deemed]


def test_a_unit_that_has_signed_meanwhile_is_not_held_to_have_signed() -> None:
    assert reaction(*ODOUR, (TEN, SENT), (NOON, breach("sign")), own=(SENT, SIGNED)) == []


def test_the_breach_of_another_clock_signs_nothing() -> None:
    assert reaction(*ODOUR, (TEN, SENT), (NOON, breach("handling"))) == []


def checked_by(person: str) -> VerificationPassed:
    """A check on site."""
    return VerificationPassed(
        verifier=PersonId(person), round=1, grid=GridCode("G03"), location="x", photos=("c" * 64,), next="CLOSING"
    )


def test_a_signature_whose_person_the_log_shows_to_be_a_verifier_is_detected_once() -> None:
    """SEP-18: the check stood before the signature in the log, but routing had not read it when it decided."""
    log = (*ODOUR, (TEN, SENT), (TEN, checked_by("fang-yun")), (NOON, SIGNED))
    found = SeparationViolationDetected(person=PersonId("fang-yun"), rule="SEP-03", evidence=("e-5", "e-4"))
    assert reaction(*log) == [found]
    assert reaction(*log, own=(SENT, SIGNED, found)) == []


def test_a_check_that_came_after_the_signature_is_not_routings_to_judge() -> None:
    assert reaction(*IN_WORK, (NOON, checked_by("fang-yun"))) == []


def test_a_grid_post_entered_afterwards_shows_an_earlier_signature_to_be_barred() -> None:
    """A grid post of the signer, dated back to before her signature, was published before the log was read."""
    entry = {"person": "fang-yun", "unit": "suishan-centre", "role": "GRID_LEADER", "grids": ["G03"]}
    dated_back = {**entry, "since": "2026-10-01", "basis": "assigned"}
    backdated = unasked(TOWN, id="fang-yun-grid", **dated_back).latest
    [found] = reaction(*IN_WORK, view=backdated)
    assert isinstance(found, SeparationViolationDetected)
    assert (found.person, found.rule) == ("fang-yun", "SEP-02")


def test_a_post_that_begins_after_the_act_bars_nobody() -> None:
    """SEP-12: appointments are judged at the time of the act."""
    entry = {"person": "fang-yun", "unit": "suishan-centre", "role": "GRID_LEADER", "grids": ["G03"]}
    later = unasked(TOWN, id="fang-yun-grid", **entry, since="2026-11-04", basis="assigned")
    assert reaction(*IN_WORK, view=later.latest) == []


def test_an_ordinary_act_is_looked_at_and_nothing_follows() -> None:
    assert reaction(*ODOUR, (TEN, SENT)) == []
    assert reaction(*IN_WORK) == []
