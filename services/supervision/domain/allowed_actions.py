"""What a caller may do next with a case: paths below it, and none that a rule forbids him. Pure; `decide` decides."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from libs.case.facts import Facts
from libs.case.state import Case
from libs.events.decider import Actor
from libs.events.ids import UnitId
from libs.separation.powers import may_close, may_verify
from libs.separation.routes import verifiers
from libs.separation.rules import Closing
from services.supervision.domain.clocks.case_clocks import is_overdue
from services.supervision.domain.closing.completion import open_steps
from services.supervision.domain.decider import State
from services.supervision.domain.orders.orders import LEVELS, asked_now, can_issue

ORDERS = ("urge", "supervision", "supervision/lift", "supervision/response")
"""What does not wait for a step of the closing."""


def allowed(state: State, by: Actor, facts: Facts, at: datetime) -> list[str]:
    """What the caller may do at this instant; each with some input or other."""
    if facts.case is None:
        return []
    asker = Asker(state, facts.case, by, facts, at)
    return [action for action in (*open_steps(state.completion, facts.case), *ORDERS) if MAY[action](asker)]


@dataclass(frozen=True)
class Asker:
    """Who asks what he may do with a case, and when."""

    state: State
    case: Case
    by: Actor
    facts: Facts
    at: datetime

    def may_use(self, power: Closing) -> bool:
        """Whether he holds the post for it, and no rule of separation bars him."""
        role = "CALLBACK_AGENT" if power == "callback" else "REVIEWER"
        return (
            self.by.role == role and may_close(self.case, self.by.person, self.facts.directory, self.at, power) is None
        )


def may_review(asker: Asker) -> bool:
    """The centre's judgement, or the order to do it again."""
    return asker.may_use("review")


def may_ask_verifier(asker: Asker) -> bool:
    """Somebody else than who is asked already may look at the place."""
    if not asker.may_use("review"):
        return False
    able = verifiers(asker.case, asker.facts.directory, asker.at)
    return any(person != asker.state.completion.verifier for person in able)


def may_report_finding(asker: Asker) -> bool:
    """He is the one who was asked to look."""
    directory, person = asker.facts.directory, asker.by.person
    if asker.by.role != "GRID_WORKER" or asker.state.completion.verifier != directory.natural(person):
        return False
    return may_verify(asker.case, person, directory, asker.at) is None


def may_urge(asker: Asker) -> bool:
    """Whatever is open."""
    return asker.by.role == "SUPERVISOR" and not asker.case.ended


def may_order(asker: Asker) -> bool:
    """The unit has some order of the ladder not yet to answer."""
    if not may_urge(asker) or asker.case.unit is None:
        return False
    held = UnitId(asker.case.unit)
    unit = asker.facts.directory.living_unit(held, asker.at) or held
    return any(can_issue(level, unit, asker.state.orders, asker.case) for level in LEVELS)


def may_lift(asker: Asker) -> bool:
    """There is a level to lower, and its cause is gone."""
    if asker.by.role != "SUPERVISOR" or not asker.case.supervision_level:
        return False
    return asker.case.ended or not is_overdue(asker.state.clocks, asker.facts, asker.at)


def may_respond(asker: Asker) -> bool:
    """His unit has an order to answer."""
    unanswered = [unit for _, unit in asker.state.orders.unanswered]
    asked = asked_now(unanswered, asker.facts.directory, asker.at).values()
    return asker.by.role == "DEPT_LEADER" and asker.by.unit in asked and not asker.case.ended


MAY: Mapping[str, Callable[[Asker], bool]] = {
    "review": may_review,
    "rework": may_review,
    "verification": may_ask_verifier,
    "verification/result": may_report_finding,
    "callback": lambda asker: asker.may_use("callback"),
    "close": lambda asker: asker.may_use("close"),
    "urge": may_urge,
    "supervision": may_order,
    "supervision/lift": may_lift,
    "supervision/response": may_respond,
}
"""Action → whether the caller may do it where it is open."""
