"""Who used a power, as the fold of a case has it, is looked at twice (SEP-18): an act forgotten there is found here."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from libs.case.changes import changes_of
from libs.case.state import POWERS, Case
from libs.case.testing import CASE_ID, log_of
from libs.events.contracts import routing, supervision
from libs.events.contracts.registry import decode
from libs.events.event import Event
from services.routing import reactions as of_routing
from services.supervision import reactions as of_supervision
from tests.unit.directory.town import VIEW

GOLDENS = Path(__file__).parents[2] / "contract" / "goldens"
AT = datetime(2026, 11, 2, 1, 10, tzinfo=UTC)
CASE = Case(case_id=CASE_ID, lane=1, unit="county-housing", grid="G03")
NOT_AGAIN: tuple[type[Event], ...] = (
    # The dispatcher's own word, or the rule's; whoever rules is outside the parties.
    routing.ArbitrationOpened,
    routing.ArbitrationRuled,
    # The attempt that it ends was looked at.
    supervision.CallbackCompleted,
    # No rule bars anybody from ordering an answer.
    supervision.SupervisionIssued,
)


def golden(kind: type[Event]) -> Event:
    return decode(kind.ce_type, (GOLDENS / f"{kind.ce_type}.json").read_bytes())


def users(event: Event) -> set[str]:
    """Who used a power in this event, as the case shows it from then on."""
    changes = changes_of(CASE, event, "e-1")
    return {person for power in POWERS & changes.keys() for person in changes[power]}


def judged(event: Event) -> set[str]:
    """Whom the second look of the event's own service asks about."""
    if event.owner == "routing":
        return {str(person) for person, _ in of_routing._judged(event, CASE, VIEW, AT)}
    person, _ = of_supervision._breach(log_of((AT, event))[0], CASE, VIEW)
    return {str(person)} if person else set()


@pytest.mark.parametrize("kind", [one for one in (*routing.EVENTS, *supervision.EVENTS) if one not in NOT_AGAIN])
def test_whoever_used_a_power_is_looked_at_twice(kind: type[Event]) -> None:
    event = golden(kind)

    assert users(event) <= judged(event)


@pytest.mark.parametrize("kind", NOT_AGAIN)
def test_what_is_not_looked_at_again_is_not(kind: type[Event]) -> None:
    assert judged(golden(kind)) == set()
