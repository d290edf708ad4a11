"""Events that only notify 告知 appends: who is to be told what, and what became of it. Never the text itself."""

from __future__ import annotations

from libs.events.event import Event
from libs.events.ids import MessageId


class MessageDue(Event):
    """Somebody must be told of an event: once per (event, recipient, channel)."""

    message_id: MessageId
    event_id: str
    event_type: str
    template: str
    recipient: str
    """`person:<id>`, `unit:<id>` or `reporter`."""
    channel: str


class MessageSent(Event):
    """The channel took the message."""

    message_id: MessageId
    channel: str
    receipt: str


class MessageFailed(Event):
    """One try failed; the reason is a code of the channel, never its text."""

    message_id: MessageId
    attempt: int
    reason: str


class MessageDropped(Event):
    """The message will never be sent, and why."""

    message_id: MessageId
    reason: str


EVENTS: tuple[type[Event], ...] = (MessageDue, MessageSent, MessageFailed, MessageDropped)
