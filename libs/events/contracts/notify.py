"""Events that only notify 告知 appends: who is to be told what, and what became of the message; never its text."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from libs.events.event import Event
from libs.events.ids import MessageId

DropReason = Literal["NO_RECIPIENT", "NO_REPORTER", "ANONYMOUS", "ERASED", "NOT_ALLOWED", "UNDELIVERABLE"]
"""Nobody holds the post; found on patrol; no contact; keys destroyed; may not see the case; every try failed."""


class MessageDue(Event):
    """Somebody must be told of an event: once per (event, recipient, channel)."""

    message_id: MessageId
    """From event, recipient and channel alone, so that a repeat is the same message."""
    event_id: str
    event_type: str
    template: str
    recipient: str
    """`person:<id>`, `unit:<id>`, `role:<code>` or `reporter`."""
    channel: str
    values: dict[str, str] = Field(default_factory=dict)
    """Ids, codes and instants that the template prints; nothing personal."""


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
    reason: DropReason


EVENTS: tuple[type[Event], ...] = (MessageDue, MessageSent, MessageFailed, MessageDropped)
