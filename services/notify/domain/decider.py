"""Messages: due once per (event, recipient, channel), then sent, tried again, or dropped with a reason. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Literal, assert_never

from libs.case.facts import Facts
from libs.events.contracts.notify import (
    EVENTS,
    DropReason,
    MessageDropped,
    MessageDue,
    MessageFailed,
    MessageRequeued,
    MessageSent,
    NotifyEvent,
)
from libs.events.decider import Actor, Decider, fold_of
from libs.events.errors import Forbidden, NotFound, Rejected
from libs.events.event import Event
from libs.events.ids import MessageId

PAUSES = tuple(timedelta(seconds=one) for one in (1, 2, 4, 15, 60, 300, 900, 3600, 7200, 14_400))
"""After each failed try, on the real clock: seven and a half hours before a message is given up."""
UNTOLD = frozenset({"NO_RECIPIENT", "NOT_ALLOWED", "NO_CONTACT", "UNDELIVERABLE"})
"""Reasons for which somebody should have been told and was not."""
RESENDERS = ("SUPERVISOR", "ADMIN")

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


@dataclass(frozen=True)
class RequeueMessage:
    """重新发送: have an undelivered message sent again."""

    at: datetime
    by: Actor
    message_id: MessageId


Command = TellOf | RecordDeliveries | RequeueMessage


class OnlyTheSystemTells(Forbidden):
    """Messages follow from events; nobody sends one by hand."""

    zh = "告知由系统根据事件产生, 不能手工发出"
    en = "messages follow from events; nobody sends them by hand"


class UnknownMessage(NotFound):
    """No such message of this case."""

    zh = "此案没有这条告知"
    en = "the case has no such message"


class MessageNotUndelivered(Rejected):
    """Only what was given up after the last try is sent again; whatever was dropped for another reason is not."""

    code = "E-MSG-STATE"
    zh = "只有多次投递失败的告知可以重新发送"
    en = "only a message whose every try failed can be sent again"


# State

MessageState = Literal["DUE", "FAILED", "SENT", "DROPPED"]


@dataclass(frozen=True)
class Fate:
    """How far one message has come."""

    state: MessageState = "DUE"
    attempts: int = 0
    retry_at: datetime | None = None
    reason: DropReason | None = None

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


def evolve(state: State, event: NotifyEvent) -> State:
    """The ledger one event later."""
    match event:
        case MessageDue():
            fate = Fate()
        case MessageSent():
            fate = replace(state.fates[event.message_id], state="SENT")
        case MessageFailed():
            fate = Fate("FAILED", event.attempt, event.retry_at)
        case MessageDropped():
            fate = replace(state.fates[event.message_id], state="DROPPED", reason=event.reason)
        case MessageRequeued():
            fate = Fate()
        case _:
            assert_never(event)
    told = state.told | {(event.template, event.recipient)} if isinstance(event, MessageDue) else state.told
    return State({**state.fates, event.message_id: fate}, told)


# Decisions


def message_id(event_id: str, recipient: str, channel: str) -> MessageId:
    """The same message whenever and by whomever it is derived; also its file's name."""
    return MessageId(sha256(f"{event_id}/{recipient}/{channel}".encode()).hexdigest()[:32])


def decide(state: State, command: Command, facts: Facts) -> Sequence[Event]:
    """Each message once; nothing more about one that is finished.

    Raises `OnlyTheSystemTells`, `Forbidden`, `UnknownMessage` or `MessageNotUndelivered`.
    """
    if isinstance(command, RequeueMessage):
        return _requeue(state, command)
    if command.by.role != "SYSTEM":
        raise OnlyTheSystemTells(allowed=["SYSTEM"])
    match command:
        case TellOf():
            return list(_tell(state, command))
        case RecordDeliveries():
            return [event for one in command.deliveries for event in _record(state, one, command)]
        case _:
            assert_never(command)


def _requeue(state: State, command: RequeueMessage) -> Sequence[Event]:
    command.by.must_be(*RESENDERS)
    fate = state.fates.get(command.message_id)
    if fate is None:
        raise UnknownMessage()
    if fate.open:
        return []
    if fate.reason != "UNDELIVERABLE":
        raise MessageNotUndelivered()
    return [MessageRequeued(message_id=command.message_id, requeued_by=command.by.person)]


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
            send_at=one.send_at,
            digest=one.digest,
        )
        if one.dropped:
            yield MessageDropped(message_id=message, reason=one.dropped)


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


DECIDER: Decider[State, Command, Facts] = Decider(State(), fold_of(EVENTS, evolve), decide)
