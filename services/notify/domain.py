"""Messages: due once per (event, recipient, channel), then sent, tried again, or dropped with a reason. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import sha256
from typing import Literal

from libs.directory.facts import Facts
from libs.events.contracts.notify import DropReason, MessageDropped, MessageDue, MessageFailed, MessageSent
from libs.events.decider import Actor, Decider
from libs.events.errors import Forbidden
from libs.events.event import Event
from libs.events.ids import MessageId

ATTEMPTS = 8
"""Tries before a message is given up; with the sender's back-off about two minutes."""

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


@dataclass(frozen=True)
class TellOf:
    """Somebody must be told of one event."""

    at: datetime
    by: Actor
    event_id: str
    event_type: str
    messages: tuple[Message, ...]


@dataclass(frozen=True)
class Delivery:
    """What became of one try: a receipt, a code of the channel, or why there is no try."""

    message_id: MessageId
    channel: str
    receipt: str | None = None
    failure: str | None = None
    dropped: DropReason | None = None


@dataclass(frozen=True)
class RecordDeliveries:
    """What the sender did for one case."""

    at: datetime
    by: Actor
    deliveries: tuple[Delivery, ...]


Command = TellOf | RecordDeliveries


class OnlyTheSystemTells(Forbidden):
    """Messages follow from events; nobody sends one by hand."""

    zh = "告知由系统根据事件产生, 不能手工发出"
    en = "messages follow from events; nobody sends them by hand"


# State

MessageState = Literal["DUE", "FAILED", "SENT", "DROPPED"]


@dataclass(frozen=True)
class Fate:
    """How far one message has come."""

    state: MessageState = "DUE"
    attempts: int = 0

    @property
    def open(self) -> bool:
        """Whether it is still to be sent."""
        return self.state in ("DUE", "FAILED")


@dataclass(frozen=True)
class State:
    """The messages of one case."""

    fates: Mapping[MessageId, Fate] = field(default_factory=dict)
    told: frozenset[tuple[str, str]] = frozenset()
    """(template, recipient) of every message."""


def evolve(state: State, event: Event) -> State:
    """The ledger one event later."""
    match event:
        case MessageDue():
            fate = Fate()
        case MessageSent():
            fate = replace(state.fates[event.message_id], state="SENT")
        case MessageFailed():
            fate = Fate("FAILED", event.attempt)
        case MessageDropped():
            fate = replace(state.fates[event.message_id], state="DROPPED")
        case _:
            return state
    told = state.told | {(event.template, event.recipient)} if isinstance(event, MessageDue) else state.told
    return State({**state.fates, event.message_id: fate}, told)


# Decisions


def message_id(event_id: str, recipient: str, channel: str) -> MessageId:
    """The same message whenever and by whomever it is derived; also its file's name."""
    return MessageId(sha256(f"{event_id}/{recipient}/{channel}".encode()).hexdigest()[:32])


def decide(state: State, command: Command, facts: Facts) -> Sequence[Event]:
    """Each message once; nothing more about one that is finished. Raises `OnlyTheSystemTells`."""
    if command.by.role != "SYSTEM":
        raise OnlyTheSystemTells(allowed=["SYSTEM"])
    match command:
        case TellOf():
            return list(_tell(state, command))
        case RecordDeliveries():
            return [event for delivery in command.deliveries for event in _record(state, delivery)]


def _tell(state: State, command: TellOf) -> Iterator[Event]:
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
        )
        if one.dropped:
            yield MessageDropped(message_id=message, reason=one.dropped)


def _record(state: State, delivery: Delivery) -> Iterator[Event]:
    fate = state.fates.get(delivery.message_id)
    if fate is None or not fate.open:
        return
    if delivery.dropped:
        yield MessageDropped(message_id=delivery.message_id, reason=delivery.dropped)
    elif delivery.receipt is not None:
        yield MessageSent(message_id=delivery.message_id, channel=delivery.channel, receipt=delivery.receipt)
    elif delivery.failure:
        attempt = fate.attempts + 1
        yield MessageFailed(message_id=delivery.message_id, attempt=attempt, reason=delivery.failure)
        if attempt >= ATTEMPTS:
            yield MessageDropped(message_id=delivery.message_id, reason="UNDELIVERABLE")


DECIDER: Decider[State, Command, Facts] = Decider(State(), evolve, decide)
