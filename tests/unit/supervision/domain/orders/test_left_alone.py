"""久无人过问: what is said of a case that nobody touches, and when nothing is: rulebook.md e.3."""

from libs.case.testing import given
from libs.events.contracts.intake import AppealWithdrawn
from libs.events.contracts.supervision import CaseLeftAlone
from libs.events.decider import SYSTEM
from services.supervision.domain.decider import DECIDER
from services.supervision.domain.orders.left_alone import SayLeftAlone
from tests.unit.directory.rules.calendars import china
from tests.unit.supervision.cases import FOUND_ON_PATROL, HOUSING, facts

RECEIVED, WEEK_LATER = china("2026-11-02 09:10"), china("2026-11-09 09:10")
SIGNED = china("2026-11-02 10:30")
NOT_REGISTERED = SayLeftAlone(WEEK_LATER, SYSTEM, "NOT_REGISTERED", RECEIVED)
SAID = CaseLeftAlone(alarm="NOT_REGISTERED", since=RECEIVED)


def test_it_is_said_why_and_since_when_nobody_has_acted() -> None:
    given(DECIDER).when(NOT_REGISTERED, facts(*FOUND_ON_PATROL[:1])).then(SAID)

    at_the_unit = SayLeftAlone(WEEK_LATER, SYSTEM, "NO_STEP", SIGNED)
    said = CaseLeftAlone(alarm="NO_STEP", since=SIGNED, unit=HOUSING)
    given(DECIDER).when(at_the_unit, facts(*FOUND_ON_PATROL[:4])).then(said)


def test_it_is_said_once_of_a_last_step_and_again_of_the_next() -> None:
    given(DECIDER, SAID).when(NOT_REGISTERED, facts(*FOUND_ON_PATROL[:1])).then()

    later = SayLeftAlone(WEEK_LATER, SYSTEM, "NO_STEP", SIGNED)
    given(DECIDER, SAID).when(later, facts(*FOUND_ON_PATROL[:4])).then(
        CaseLeftAlone(alarm="NO_STEP", since=SIGNED, unit=HOUSING)
    )


def test_where_somebody_has_acted_or_the_case_has_ended_nothing_is_said() -> None:
    withdrawn = (china("2026-11-03 09:00"), AppealWithdrawn(proof="SECRET", continues=False))

    given(DECIDER).when(NOT_REGISTERED, facts(*FOUND_ON_PATROL[:2])).then()
    ended = SayLeftAlone(WEEK_LATER, SYSTEM, "NO_STEP", withdrawn[0])
    given(DECIDER).when(ended, facts(*FOUND_ON_PATROL[:1], withdrawn)).then()
