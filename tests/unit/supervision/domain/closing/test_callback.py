"""回访: rulebook.md c.3 #36, (g) valid call-back; nobody is satisfied by default."""

from datetime import date, datetime
from typing import Literal

from libs.case.refusals import NotInThisState
from libs.case.testing import given
from libs.events.contracts.supervision import CallbackAttempted, CallbackCompleted
from libs.events.errors import Forbidden
from libs.events.ids import PersonId
from libs.separation.refusal import SeparationForbids
from services.supervision.domain.closing.callback import Answers, RecordCallback, SameHalfDay
from services.supervision.domain.decider import DECIDER
from tests.unit.directory.rules.calendars import china
from tests.unit.supervision.cases import (
    ACCEPTED,
    APPEALED_BY_A_CITIZEN,
    FANG_YUN,
    NOON,
    PASSED,
    WU_QIAN,
    XU_JING,
    facts,
)

AGENT = PersonId("xu-jing")
LOG = (*APPEALED_BY_A_CITIZEN, (NOON, ACCEPTED), (NOON, PASSED))
FIRST = CallbackAttempted(agent=AGENT, round=1, attempt=1, day=date(2026, 11, 11), half="AM", reached=False)
SECOND = CallbackAttempted(agent=AGENT, round=1, attempt=2, day=date(2026, 11, 11), half="PM", reached=False)
SATISFIED = Answers(contacted=True, solved=True, satisfaction="SATISFIED")


def calling(at: datetime, answers: Answers | None = None) -> RecordCallback:
    return RecordCallback(at, XU_JING, answers)


def attempt(number: int, day: date, half: Literal["AM", "PM"], *, reached: bool) -> CallbackAttempted:
    return CallbackAttempted(agent=AGENT, round=1, attempt=number, day=day, half=half, reached=reached)


def test_three_answers_make_a_valid_call_back() -> None:
    given(DECIDER, ACCEPTED, PASSED).when(calling(china("2026-11-11 09:00"), SATISFIED), facts(*LOG)).then(
        attempt(1, date(2026, 11, 11), "AM", reached=True),
        CallbackCompleted(agent=AGENT, round=1, valid=True, contacted=True, solved=True, satisfaction="SATISFIED"),
    )


def test_not_reached_is_an_attempt_and_no_answer() -> None:
    given(DECIDER, ACCEPTED, PASSED).when(calling(china("2026-11-11 09:00")), facts(*LOG)).then(FIRST)


def test_a_second_try_in_the_same_half_day_does_not_count() -> None:
    tried = given(DECIDER, ACCEPTED, PASSED, FIRST)

    tried.when(calling(china("2026-11-11 11:59")), facts(*LOG)).then_refused(SameHalfDay, code="E-CALLBACK")
    tried.when(calling(china("2026-11-11 14:00")), facts(*LOG)).then(SECOND)


def test_who_is_reached_in_the_same_half_day_has_answered_all_the_same() -> None:
    decided = given(DECIDER, ACCEPTED, PASSED, FIRST).when(calling(china("2026-11-11 11:00"), SATISFIED), facts(*LOG))

    assert [type(event) for event in decided.events] == [CallbackAttempted, CallbackCompleted]


def test_after_the_third_try_it_is_over_and_not_valid() -> None:
    given(DECIDER, ACCEPTED, PASSED, FIRST, SECOND).when(calling(china("2026-11-12 09:00")), facts(*LOG)).then(
        attempt(3, date(2026, 11, 12), "AM", reached=False),
        CallbackCompleted(agent=AGENT, round=1, valid=False),
    )


def test_nobody_is_called_before_the_check_is_passed() -> None:
    log = (*APPEALED_BY_A_CITIZEN, (NOON, ACCEPTED))

    given(DECIDER, ACCEPTED).when(calling(NOON), facts(*log)).then_refused(NotInThisState)


def test_nobody_is_called_twice() -> None:
    over = CallbackCompleted(agent=AGENT, round=1, valid=False)

    given(DECIDER, ACCEPTED, PASSED, over).when(calling(NOON), facts(*LOG, (NOON, over))).then_refused(NotInThisState)


def test_the_handling_side_does_not_ask_about_its_own_work() -> None:
    command = RecordCallback(NOON, FANG_YUN, SATISFIED)

    given(DECIDER, ACCEPTED, PASSED).when(command, facts(*LOG)).then_refused(SeparationForbids, rule="SEP-04")


def test_only_a_call_back_agent_calls_back() -> None:
    given(DECIDER, ACCEPTED, PASSED).when(RecordCallback(NOON, WU_QIAN), facts(*LOG)).then_refused(
        Forbidden, code="E-ROLE"
    )
