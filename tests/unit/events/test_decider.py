"""An owner folds its own events and no others."""

import pytest

from libs.events.contracts import intake, notify
from libs.events.contracts.intake import CaseVoided
from libs.events.decider import Decider, fold_of
from libs.events.errors import UnknownEvent
from libs.events.event import Event
from libs.events.ids import MessageId, PersonId

VOIDED = CaseVoided(voided_by=PersonId("zhou-min"), reason="x")
FOREIGN = notify.MessageSent(message_id=MessageId("m-1"), channel="file", receipt="x")


def counted(count: int, event: intake.IntakeEvent) -> int:
    return count + 1


def decide(count: int, command: str, facts: None) -> list[Event]:
    return []


COUNTING: Decider[int, str, None] = Decider(0, fold_of(intake.EVENTS, counted), decide)


def test_own_events_are_folded_one_after_another() -> None:
    assert COUNTING.fold([VOIDED, VOIDED]) == 2


def test_a_foreign_event_in_an_own_stream_halts_the_fold() -> None:
    with pytest.raises(UnknownEvent, match=FOREIGN.ce_type):
        COUNTING.fold([VOIDED, FOREIGN])
