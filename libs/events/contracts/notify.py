"""Events that only notify 告知 appends: who is to be told what, and what became of the message; never its text."""

from __future__ import annotations

from typing import Literal, get_args

from pydantic import AwareDatetime, Field

from libs.events.event import Event
from libs.events.ids import MessageId, PersonId

DropReason = Literal[
    "NO_RECIPIENT",
    "NO_REPORTER",
    "ANONYMOUS",
    "ERASED",
    "NOT_ALLOWED",
    "UNDELIVERABLE",
    "NO_CONTACT",
    "OBSOLETE",
    "COVERED",
]
"""Nobody holds the post; found on patrol; nobody knows who; keys destroyed; may not see the case; every try failed;
no address for the channel; overtaken while it waited; said already by the one message of a mass incident."""


class MessageDue(Event, zh="应告知", en="to be told"):
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
    send_at: AwareDatetime | None = None
    """Held until then: quiet hours, or the next digest; absent = at once."""
    digest: bool = False
    """Sent together with whatever else the recipient gets at that instant."""


class MessageSent(Event, zh="已送达", en="delivered"):
    """The channel took the message."""

    message_id: MessageId
    channel: str
    """The channel that carried it: `file` where the deployment has no other."""
    receipt: str
    late: bool = False
    """Later than the rulebook allows after it was due, and marked so in its text."""
    mass: bool = False
    """The one message of a mass incident: it says that those alike of that day are not told one by one."""


class MessageFailed(Event, zh="告知失败", en="delivery failed"):
    """One try failed; the reason is a code of the channel, never its text."""

    message_id: MessageId
    attempt: int
    reason: str
    retry_at: AwareDatetime | None = None
    """When it is tried again, on the real clock."""


class MessageDropped(Event, zh="不再告知", en="will not be told"):
    """The message will never be sent, and why."""

    message_id: MessageId
    reason: DropReason
    covered_by: MessageId | None = None
    """The one message of the mass incident, where that is the reason."""


class MessageRequeued(Event, zh="重新发送", en="sent again"):
    """Somebody had an undelivered message sent again, under the same id."""

    message_id: MessageId
    requeued_by: PersonId


NotifyEvent = MessageDue | MessageSent | MessageFailed | MessageDropped | MessageRequeued
"""Everything that notify says: whoever folds it names each of them, or mypy names what is missing."""
EVENTS: tuple[type[NotifyEvent], ...] = get_args(NotifyEvent)
