"""Notify 告知: its commands and its decisions – each in the room of its matter. Pure: no I/O, no clock."""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_never

from libs.case.facts import Facts
from libs.events.contracts.notify import EVENTS
from libs.events.decider import Decider, fold_of
from libs.events.event import Event
from services.notify.domain import delivery, resending, telling
from services.notify.domain.delivery import RecordDeliveries
from services.notify.domain.fates import State, evolve
from services.notify.domain.resending import RequeueMessage
from services.notify.domain.telling import TellOf

# Commands

Command = TellOf | RecordDeliveries | RequeueMessage

# Decisions


def decide(state: State, command: Command, facts: Facts) -> Sequence[Event]:
    """The facts that follow from a command; raises a refusal."""
    match command:
        case TellOf():
            return telling.tell(state, command, facts)
        case RecordDeliveries():
            return delivery.record(state, command, facts)
        case RequeueMessage():
            return resending.requeue(state, command, facts)
        case _:
            assert_never(command)


DECIDER: Decider[State, Command, Facts] = Decider(State(), fold_of(EVENTS, evolve), decide)
