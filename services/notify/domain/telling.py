"""Somebody must be told: a message is due once per (event, recipient, channel). Pure: no I/O, no clock."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256

from libs.case.facts import Facts
from libs.events.contracts.notify import DropReason, MessageDropped, MessageDue
from libs.events.decider import Actor
from libs.events.event import Event
from libs.events.ids import MessageId
from services.notify.domain.fates import State, must_be_system

# Commands


@dataclass(frozen=True)
class Message:
    """Who is to be told, by which template; `dropped` says why nobody will be."""

    recipient: str
    template: str
    channel: str
    values: Mapping[str, str] = field(default_factory=dict)
    dropped: DropReason | None = None
    once: bool = False
    """Not again to whom the same template was told of this case."""
    send_at: datetime | None = None
    digest: bool = False


@dataclass(frozen=True)
class TellOf:
    """Somebody must be told of one event."""

    at: datetime
    by: Actor
    event_id: str
    event_type: str
    messages: tuple[Message, ...]


# Decisions


def message_id(event_id: str, recipient: str, channel: str) -> MessageId:
    """The same message whenever and by whomever it is derived; also its file's name."""
    return MessageId(sha256(f"{event_id}/{recipient}/{channel}".encode()).hexdigest()[:32])


def tell(state: State, command: TellOf, facts: Facts) -> Sequence[Event]:
    """Each message once; one that nobody can be sent is dropped at once, with the reason."""
    must_be_system(command.by)
    return [*_due(state, command)]


def _due(state: State, command: TellOf) -> Iterator[Event]:
    known = set(state.fates)
    for one in command.messages:
        message = message_id(command.event_id, one.recipient, one.channel)
        if message in known or (one.once and (one.template, one.recipient) in state.told):
            continue
        known.add(message)
        yield MessageDue(
            message_id=message,
            event_id=command.event_id,
            event_type=command.event_type,
            template=one.template,
            recipient=one.recipient,
            channel=one.channel,
            values=dict(one.values),
            send_at=one.send_at,
            digest=one.digest,
        )
        if one.dropped:
            yield MessageDropped(message_id=message, reason=one.dropped)
