"""催办: who urges, once per contact, and when the supervisor hears of it: rulebook.md c.3 #44, f.2, scenario 9."""

from datetime import datetime, timedelta

from libs.case.refusals import NotInThisState
from libs.case.testing import given
from libs.events.contracts.intake import AppealWithdrawn, RepeatContactReceived
from libs.events.contracts.routing import CaseDispatched, ProgressRecorded
from libs.events.contracts.supervision import CaseUrged
from libs.events.decider import SYSTEM
from libs.events.errors import Forbidden
from libs.events.ids import PersonId, UnitId
from services.supervision.domain.allowed_actions import allowed
from services.supervision.domain.decider import DECIDER
from services.supervision.domain.orders.urging import UrgeCase
from tests.unit.directory.rules.calendars import china
from tests.unit.supervision.cases import (
    APPEALED_BY_A_CITIZEN,
    DISPATCHED,
    HAN_FENG,
    HOUSING,
    MA_JUN,
    Worker,
    facts,
)

CALLED_AGAIN = RepeatContactReceived(channel="phone", recorded_by=PersonId("zhou-min"), content="还没人来")
BEING_HANDLED = APPEALED_BY_A_CITIZEN[:5]
"""Dispatched 11-02 09:40, due 11-09 24:00; signed, a handler named."""
NOON = china("2026-11-03 12:00")
HOUR = timedelta(hours=1)
PROGRESS = ProgressRecorded(recorded_by=PersonId("zheng-kai"), note="已到场")


def urges(worker: Worker) -> list[CaseUrged]:
    return [event for event in worker.own if isinstance(event, CaseUrged)]


def told(worker: Worker) -> list[bool]:
    return [urge.supervisor_told for urge in urges(worker)]


def called_again(*at: datetime) -> Worker:
    return Worker().read(*BEING_HANDLED, *((instant, CALLED_AGAIN) for instant in at))


def test_a_repeat_contact_urges_the_unit_and_names_its_event() -> None:
    (urged,) = urges(called_again(NOON))

    assert (urged.source, urged.unit, urged.because, urged.urged_by) == ("CITIZEN", HOUSING, "e-13", None)
    assert not urged.supervisor_told


def test_scenario_9_a_unit_that_did_nothing_since_the_last_urge_is_told_to_the_supervisor() -> None:
    assert told(called_again(NOON, NOON + HOUR, NOON + 2 * HOUR)) == [False, True, True]


def test_whoever_moves_between_two_calls_is_not_told_of() -> None:
    worker = called_again(NOON).read((NOON + HOUR, PROGRESS), (NOON + 2 * HOUR, CALLED_AGAIN))

    assert told(worker) == [False, False]


def test_a_unit_that_got_the_case_since_the_last_urge_has_not_been_silent() -> None:
    to_water = DISPATCHED.model_copy(update={"unit": UnitId("county-water")})
    assert isinstance(to_water, CaseDispatched)
    worker = called_again(NOON).read((NOON + HOUR, to_water), (NOON + 2 * HOUR, CALLED_AGAIN))

    assert told(worker) == [False, False]


def test_the_first_urge_of_a_late_unit_is_told_to_the_supervisor() -> None:
    due = china("2026-11-09 24:00")

    assert told(called_again(due)) == [False]
    assert told(called_again(due + timedelta(microseconds=1))) == [True]


def test_a_case_that_waits_for_its_dispatch_is_urged_too() -> None:
    (urged,) = urges(Worker().read(*APPEALED_BY_A_CITIZEN[:2], (china("2026-11-02 09:30"), CALLED_AGAIN)))

    assert (urged.unit, urged.supervisor_told) == (None, False)


def test_an_ended_case_is_not_urged() -> None:
    withdrawn = AppealWithdrawn(proof="SECRET", continues=False)
    worker = Worker().read(*BEING_HANDLED, (NOON, withdrawn), (NOON + HOUR, CALLED_AGAIN))

    assert urges(worker) == []
    given(DECIDER).when(UrgeCase(NOON, HAN_FENG), facts(*worker.log)).then_refused(NotInThisState)


def test_a_contact_that_is_read_again_urges_no_more() -> None:
    worker = called_again(NOON)

    again = UrgeCase(NOON, SYSTEM, contact="e-13")
    assert DECIDER.decide(worker.state, again, worker.facts) == []


def test_a_supervisor_urges_with_a_note() -> None:
    urged = CaseUrged(urged_by=PersonId("han-feng"), source="SUPERVISOR", unit=HOUSING, unit_acts=3, note="请尽快到场")

    given(DECIDER).when(UrgeCase(NOON, HAN_FENG, "请尽快到场"), facts(*BEING_HANDLED)).then(urged)


def test_a_supervisors_urge_counts_as_the_previous_one() -> None:
    by_han_feng = CaseUrged(urged_by=PersonId("han-feng"), source="SUPERVISOR", unit=HOUSING, unit_acts=3)
    worker = Worker().read(*BEING_HANDLED, (NOON, by_han_feng), (NOON + HOUR, CALLED_AGAIN))

    assert told(worker) == [False, True]


def test_only_a_supervisor_urges_by_hand_and_it_is_offered_to_him() -> None:
    worker = Worker().read(*BEING_HANDLED)
    assert worker.case is not None

    given(DECIDER).when(UrgeCase(NOON, MA_JUN), worker.facts).then_refused(Forbidden, code="E-ROLE")
    offered = {who.role: allowed(worker.state, who, worker.facts, NOON) for who in (HAN_FENG, MA_JUN)}
    assert offered == {"SUPERVISOR": ["urge", "supervision"], "DEPT_LEADER": []}
