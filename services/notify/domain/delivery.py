"""What the sender did: a message was sent, failed and is tried again, or was dropped with a reason. Pure: no I/O."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from libs.case.facts import Facts
from libs.events.contracts.notify import DropReason, MessageDropped, MessageFailed, MessageSent
from libs.events.decider import Actor
from libs.events.event import Event
from libs.events.ids import MessageId
from services.notify.domain.fates import State, must_be_system

PAUSES = tuple(timedelta(seconds=one) for one in (1, 2, 4, 15, 60, 300, 900, 3600, 7200, 14_400))
"""After each failed try, on the real clock: seven and a half hours before a message is given up."""

# Commands


@dataclass(frozen=True)
class Delivery:
    """What became of one try: a receipt, a code of the channel, or why there is no try."""

    message_id: MessageId
    channel: str
    receipt: str | None = None
    failure: str | None = None
    dropped: DropReason | None = None
    covered_by: MessageId | None = None
    late: bool = False
    mass: bool = False


@dataclass(frozen=True)
class RecordDeliveries:
    """What the sender did for one case; `tried_at` is the real clock's, from which the next try is reckoned."""

    at: datetime
    by: Actor
    deliveries: tuple[Delivery, ...]
    tried_at: datetime
    pauses: tuple[timedelta, ...] = PAUSES


# Decisions


def record(state: State, command: RecordDeliveries, facts: Facts) -> Sequence[Event]:
    """Nothing more about a message that is finished."""
    must_be_system(command.by)
    return [event for one in command.deliveries for event in _record(state, one, command)]


def _record(state: State, one: Delivery, command: RecordDeliveries) -> Iterator[Event]:
    fate = state.fates.get(one.message_id)
    if fate is None or not fate.open:
        return
    if one.dropped:
        yield MessageDropped(message_id=one.message_id, reason=one.dropped, covered_by=one.covered_by)
    elif one.receipt is not None:
        sent = {"channel": one.channel, "receipt": one.receipt, "late": one.late, "mass": one.mass}
        yield MessageSent.model_validate({"message_id": one.message_id, **sent})
    elif one.failure:
        attempt = fate.attempts + 1
        last = attempt > len(command.pauses)
        retry_at = None if last else command.tried_at + command.pauses[attempt - 1]
        yield MessageFailed(message_id=one.message_id, attempt=attempt, reason=one.failure, retry_at=retry_at)
        if last:
            yield MessageDropped(message_id=one.message_id, reason="UNDELIVERABLE")
