"""重新发送: an undelivered message is sent again on somebody's order. Pure: no I/O, no clock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from libs.case.facts import Facts
from libs.events.contracts.notify import MessageRequeued
from libs.events.decider import Actor
from libs.events.errors import NotFound, Rejected
from libs.events.event import Event
from libs.events.ids import MessageId
from services.notify.domain.fates import State

RESENDERS = ("SUPERVISOR", "ADMIN")

# Commands


@dataclass(frozen=True)
class RequeueMessage:
    """重新发送: have an undelivered message sent again."""

    at: datetime
    by: Actor
    message_id: MessageId


# Refusals


class UnknownMessage(NotFound):
    """No such message of this case."""

    zh = "此案没有这条告知"
    en = "the case has no such message"


class MessageNotUndelivered(Rejected):
    """Only what was given up after the last try is sent again; whatever was dropped for another reason is not."""

    code = "E-MSG-STATE"
    zh = "只有多次投递失败的告知可以重新发送"
    en = "only a message whose every try failed can be sent again"


# Decisions


def requeue(state: State, command: RequeueMessage, facts: Facts) -> Sequence[Event]:
    """Under the same id; one that is still to be sent needs no order."""
    command.by.must_be(*RESENDERS)
    fate = state.fates.get(command.message_id)
    if fate is None:
        raise UnknownMessage()
    if fate.open:
        return []
    if fate.reason != "UNDELIVERABLE":
        raise MessageNotUndelivered()
    return [MessageRequeued(message_id=command.message_id, requeued_by=command.by.person)]
