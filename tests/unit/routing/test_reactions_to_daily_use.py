"""What routing does on withdrawals, corrections, direct answers and decisions that came too late."""

from datetime import datetime

import pytest

from libs.case.lifecycle import fold
from libs.case.state import Case
from libs.case.testing import log_of
from libs.directory.facts.view import View
from libs.events.contracts.intake import AnsweredDirectly, AppealRestored, AppealWithdrawn, CaseCorrected
from libs.events.contracts.routing import (
    ArbitrationOpened,
    AssignmentDeemedAccepted,
    CaseDispatched,
    HandlingResumed,
    RouteProposed,
    SeparationViolationDetected,
    WorkOrderCancelled,
)
from libs.events.contracts.supervision import DeadlineBreached
from libs.events.event import Event
from libs.events.ids import ClassCode, ClockId, PersonId
from services.routing.domain.decider import DECIDER
from tests.unit.directory.town import published, written
from tests.unit.routing.disputes import (
    ASKED,
    FIRST_RETURN,
    PROPOSED,
    REJECTED,
    SENT,
    SIGNED,
    approved,
    log,
    returned,
    sent,
)
from tests.unit.routing.givens import ENFORCEMENT, HOUSING, NOON, ODOUR, URBAN, WATER
from tests.unit.routing.test_reactions import reaction

WITHDRAWN = AppealWithdrawn(proof="SECRET", continues=False)
RESTORED = AppealRestored(proof="SECRET")
CANCELLED = WorkOrderCancelled(unit=HOUSING, because="intake.appeal-withdrawn.v1")
RESUMED = HandlingResumed(unit=HOUSING, round=1, because="intake.appeal-restored.v1")
STALL = CaseCorrected(corrected_by=PersonId("zhou-min"), reason="分类有误", class_code=ClassCode("street-stall"))


def known(*facts: tuple[datetime, Event]) -> Case:
    """The case as the log shows it."""
    case = fold(log_of(*facts))
    assert case is not None
    return case


def test_a_withdrawn_case_cancels_the_order_and_one_of_public_interest_does_not() -> None:
    assert reaction(*log(PROPOSED, SENT), (NOON, WITHDRAWN)) == [CANCELLED]
    continues = WITHDRAWN.model_copy(update={"continues": True})
    assert reaction(*log(PROPOSED, SENT), (NOON, continues)) == []


def test_a_direct_answer_that_crosses_a_proposal_cancels_it() -> None:
    answered = AnsweredDirectly(answered_by=PersonId("zhou-min"), knowledge_entry="KB-1", reply="已解释")
    cancelled = WorkOrderCancelled(unit=None, because="intake.answered-directly.v1")
    assert reaction(ODOUR[0], (NOON, answered), own=(PROPOSED,)) == [cancelled]


@pytest.mark.parametrize(
    ("own", "state"),
    [
        ((PROPOSED, SENT), "DISPATCHED"),
        ((PROPOSED, SENT, SIGNED), "IN_PROGRESS"),
        ((PROPOSED, SENT, ASKED), "RETURN_PENDING"),
    ],
)
def test_a_restored_case_finds_its_order_where_it_stood(own: tuple[Event, ...], state: str) -> None:
    back = (*log(*own), (NOON, WITHDRAWN), (NOON, CANCELLED), (NOON, RESTORED))
    assert reaction(*back) == [RESUMED]
    assert DECIDER.fold((*own, CANCELLED, RESUMED)).status == state == known(*back, (NOON, RESUMED)).state
    assert reaction(*back, own=(*own, CANCELLED, RESUMED)) == []


def test_a_restored_case_that_was_not_dispatched_is_proposed_anew() -> None:
    cancelled = WorkOrderCancelled(unit=None, because="intake.appeal-withdrawn.v1")
    own = (*FIRST_RETURN, cancelled)
    *_, proposed = reaction(*log(*FIRST_RETURN), (NOON, WITHDRAWN), (NOON, RESTORED), own=own)
    assert isinstance(proposed, RouteProposed)
    assert proposed.unit == WATER
    assert DECIDER.fold((*own, proposed)).status == "PROPOSED"


def test_a_restored_dispute_is_a_dispute_again() -> None:
    opened = ArbitrationOpened(parties=(HOUSING,), because="DISPUTED", opened_by=PersonId("chen-li"))
    cancelled = WorkOrderCancelled(unit=None, because="intake.appeal-withdrawn.v1")
    own = (*FIRST_RETURN, PROPOSED, opened)
    again = ArbitrationOpened(parties=(HOUSING,), because="DISPUTED")
    assert reaction(*log(*own), (NOON, WITHDRAWN), (NOON, RESTORED), own=(*own, cancelled)) == [again]


def test_a_correction_before_dispatch_proposes_anew() -> None:
    *skipped, proposed = reaction(*log(PROPOSED), (NOON, STALL))
    assert isinstance(proposed, RouteProposed)
    assert proposed.unit == ENFORCEMENT
    assert skipped == []


def test_a_correction_that_changes_nothing_of_the_route_proposes_nothing() -> None:
    [made] = reaction(*ODOUR)
    address = CaseCorrected(corrected_by=PersonId("zhou-min"), reason="门牌有误", address="3号楼")
    assert reaction(*log(made), (NOON, address)) == []


def test_a_correction_after_dispatch_keeps_the_order() -> None:
    assert reaction(*log(PROPOSED, SENT), (NOON, STALL)) == []


def test_a_correction_into_a_class_that_dispatches_itself_dispatches_at_once() -> None:
    auto = published(written("catalogue", "code", "street-stall", dispatch="auto")).latest
    proposed, sent = reaction(*log(PROPOSED), (NOON, STALL), view=auto)
    assert isinstance(proposed, RouteProposed)
    assert isinstance(sent, CaseDispatched)
    assert sent.dispatched_by == "system"


def test_an_approved_return_is_proposed_anew_and_never_dispatched_by_itself() -> None:
    auto = published(written("catalogue", "code", "sewer-odour", dispatch="auto")).latest
    *_, proposed = reaction(*log(*FIRST_RETURN), view=auto)
    assert isinstance(proposed, RouteProposed)
    assert proposed.unit == WATER
    corrected = CaseCorrected(corrected_by=PersonId("zhou-min"), reason="补充", grid=None)
    assert reaction(*log(*FIRST_RETURN, proposed), (NOON, corrected), view=auto) == []


def breached(clock: str, started_by: str) -> DeadlineBreached:
    """The breach of a clock that this event started."""
    known_clock = {"clock_id": ClockId(f"{started_by}/{clock}"), "clock": clock, "round": 1}
    return DeadlineBreached.model_validate({**known_clock, "instant": NOON, "due_at": NOON})


def test_the_breach_of_the_return_decision_opens_the_arbitration() -> None:
    opened = ArbitrationOpened(parties=(HOUSING,), because="SILENCE")
    late = breached("return_decision", "e-5")
    assert reaction(*log(PROPOSED, SENT, ASKED), (NOON, late)) == [opened]
    assert reaction(*log(*FIRST_RETURN), (NOON, late)) == []


def test_the_silence_on_one_return_says_nothing_of_the_next() -> None:
    second = (*FIRST_RETURN, sent(WATER), returned(WATER, "cao-ying", URBAN))
    assert reaction(*log(*second), (NOON, breached("return_decision", "e-5"))) == []
    [opened] = reaction(*log(*second), (NOON, breached("return_decision", "e-8")))
    assert opened == ArbitrationOpened(parties=(HOUSING, WATER), because="SILENCE")


def serving(unit: str) -> View:
    """陈立's post as it was entered late, valid from the beginning of the year."""
    return published(written("appointments", "id", "chen-li-dispatcher", unit=unit)).latest


def test_a_return_decided_by_somebody_who_proves_to_serve_in_the_unit_is_found_out() -> None:
    """SEP-15, SEP-18."""
    found = reaction(*log(PROPOSED, SENT, ASKED, approved(HOUSING)), view=serving("county-housing"))
    assert isinstance(found[0], SeparationViolationDetected)
    assert (found[0].person, found[0].rule) == ("chen-li", "SEP-15")


def test_a_decision_of_somebody_free_is_not() -> None:
    own = (PROPOSED, SENT, ASKED, approved(HOUSING))
    found = reaction(*log(*own), view=serving("county-urban"))
    assert not [one for one in found if isinstance(one, SeparationViolationDetected)]


def test_the_sign_limit_runs_on_while_a_return_waits() -> None:
    """RET-6: the unit that keeps the case has signed it, late."""
    own = (PROPOSED, SENT, ASKED)
    [deemed] = reaction(*log(*own), (NOON, breached("sign", "e-4")))
    assert deemed == AssignmentDeemedAccepted(unit=HOUSING, clock_id="e-4/sign")
    case = known(*log(*own, deemed))
    assert (case.state, case.signed) == ("RETURN_PENDING", True)
    assert DECIDER.fold((*own, deemed, REJECTED)).status == known(*log(*own, deemed, REJECTED)).state == "IN_PROGRESS"
