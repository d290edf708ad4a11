"""What is offered, held to what is decided: the same for every service. No tests here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice, product
from typing import Any

from hypothesis import strategies as st

from libs.case.facts import Facts
from libs.directory.facts.view import View
from libs.events.decider import Actor, Decider
from libs.events.errors import Rejected
from libs.events.event import Event
from libs.events.ids import PersonId

Log = Sequence[tuple[datetime, Event]]


@dataclass(frozen=True)
class Question:
    """Who asks, of which state, when."""

    state: Any
    by: Actor
    facts: Facts = field(repr=False)
    at: datetime


Inputs = Mapping[str, Callable[[Question], Iterable[Any]]]
"""Action path → commands with every input that makes a difference: units and people of each kind, reasons or none."""
CITIZEN = Actor(PersonId("citizen"), "CITIZEN")
IMPORTER = Actor(PersonId("importer"), "MACHINE", scopes=frozenset({"intake", "import", "read"}))
MUCH_LATER = timedelta(days=40)
LATER = st.one_of(
    st.sampled_from([timedelta(), timedelta(hours=2), timedelta(days=1)]),
    st.timedeltas(timedelta(), timedelta(hours=12)),
    st.timedeltas(timedelta(), timedelta(days=90)),
)
"""How long after the last fact somebody asks."""


def posts(view: View) -> list[Actor]:
    """Everybody of the town in each of his appointments, a citizen, and a machine."""
    held = [Actor(one.person, one.role, one.id, one.unit) for one in view.appointments]
    return [CITIZEN, IMPORTER, *held]


@dataclass(frozen=True)
class Service:
    """One service's `decide` and `allowed`, and the inputs to try them with."""

    decider: Decider[Any, Any, Facts]
    allowed: Callable[[Any, Actor, Facts, datetime], list[str]]
    inputs: Inputs
    told: Callable[[Log, View], tuple[Any, Facts]]
    """The service's own state and its facts once the log says this."""
    histories: Sequence[tuple[Log, View]] = field(repr=False)
    concerned: Sequence[Actor] = field(repr=False)
    """Asked more often than the rest of the town."""

    def decided(self, asked: Question, command: Any) -> list[Event] | None:
        """The events; none where it is already so, which is neither offered nor refused; None where it is refused."""
        try:
            return [*self.decider.decide(asked.state, command, asked.facts)]
        except Rejected:
            return None

    def offered(self, asked: Question) -> list[str]:
        return self.allowed(asked.state, asked.by, asked.facts, asked.at)

    def accepted(self, asked: Question, action: str) -> Iterator[list[Event]]:
        """What follows from those inputs that are accepted."""
        return (events for one in self.inputs[action](asked) if (events := self.decided(asked, one)))

    def disagreements(self, asked: Question) -> list[str]:
        """Offers in vain, and what is accepted though it was not offered."""
        offered = self.offered(asked)
        in_vain = [f"{action} is offered in vain" for action in offered if not any(self.accepted(asked, action))]
        hidden = [action for action in self.inputs if action not in offered and any(self.accepted(asked, action))]
        return [*in_vain, *(f"{action} is accepted and not offered" for action in hidden)]

    def stages(self) -> Iterator[Question]:
        """What everybody concerned asks after every fact of every history: at once, and much later."""
        for log, view in self.histories:
            for end in range(1, len(log) + 1):
                state, facts = self.told(log[:end], view)
                for by, later in product(self.concerned, (timedelta(), MUCH_LATER)):
                    yield Question(state, by, facts, log[end - 1][0] + later)


@st.composite
def questions(draw: st.DrawFn, service: Service) -> Question:
    """Somebody's question after part of a history and a few acts more, each of them offered to who did it."""
    history, view = draw(st.sampled_from(service.histories))
    log = [*history[: draw(st.integers(1, len(history)))]]
    somebody = st.one_of(st.sampled_from(service.concerned), st.sampled_from(posts(view)))
    for _ in range(draw(st.integers(0, 2))):
        asked = _asked(draw, service, log, view, somebody)
        if offered := service.offered(asked):
            outcomes = [*islice(service.accepted(asked, draw(st.sampled_from(offered))), 4)]
            log += [(asked.at, event) for event in (draw(st.sampled_from(outcomes)) if outcomes else ())]
    return _asked(draw, service, log, view, somebody)


def _asked(draw: st.DrawFn, service: Service, log: Log, view: View, somebody: st.SearchStrategy[Actor]) -> Question:
    state, facts = service.told(log, view)
    return Question(state, draw(somebody), facts, log[-1][0] + draw(LATER))
