"""The messages of one case, and how far each has come: due, failed, sent, dropped. Pure: no I/O, no clock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal, assert_never

from libs.events.contracts.notify import (
    DropReason,
    MessageDropped,
    MessageDue,
    MessageFailed,
    MessageRequeued,
    MessageSent,
    NotifyEvent,
)
from libs.events.decider import Actor
from libs.events.errors import Forbidden
from libs.events.ids import MessageId

UNTOLD = frozenset({"NO_RECIPIENT", "NOT_ALLOWED", "NO_CONTACT", "UNDELIVERABLE"})
"""Reasons for which somebody should have been told and was not."""

# Refusals


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


# Guards


def must_be_system(by: Actor) -> None:
    """Raises `OnlyTheSystemTells` for anybody else."""
    if by.role != "SYSTEM":
        raise OnlyTheSystemTells(allowed=["SYSTEM"])
