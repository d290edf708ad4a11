"""The decider: how a service turns a command into events, and events into state. Pure; the shell is command.py."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar, cast

from libs.events.errors import Forbidden, UnknownEvent
from libs.events.event import Event
from libs.events.ids import AppointmentId, PersonId, UnitId

State = TypeVar("State")
Command = TypeVar("Command")
Facts = TypeVar("Facts")
Own = TypeVar("Own", bound=Event)


@dataclass(frozen=True)
class Actor:
    """Who acts: a natural person in an appointment at the time of the act, a machine principal, or the system."""

    person: PersonId
    role: str
    appointment: AppointmentId | None = None
    unit: UnitId | None = None
    scopes: frozenset[str] = frozenset()

    def must_be(self, *roles: str) -> None:
        """Raises `Forbidden` for another role."""
        if self.role not in roles:
            raise Forbidden(allowed=roles)


SYSTEM = Actor(person=PersonId("system"), role="SYSTEM")


@dataclass(frozen=True)
class Decider(Generic[State, Command, Facts]):
    """`decide` raises a `Rejected` or returns the facts that follow; `[]` means it was already so."""

    initial: State
    evolve: Callable[[State, Event], State]
    decide: Callable[[State, Command, Facts], Sequence[Event]]

    def fold(self, events: Iterable[Event], state: State | None = None) -> State:
        """The state after these events of one stream, in order."""
        state = self.initial if state is None else state
        for event in events:
            state = self.evolve(state, event)
        return state


def fold_of(own: Collection[type[Own]], evolve: Callable[[State, Own], State]) -> Callable[[State, Event], State]:
    """An owner's fold over its own union of events, as the log hands them over; a foreign one raises `UnknownEvent`."""
    known: frozenset[type[Event]] = frozenset(own)

    def evolved(state: State, event: Event) -> State:
        if type(event) not in known:
            raise UnknownEvent(event.ce_type)
        return evolve(state, cast(Own, event))

    return evolved
