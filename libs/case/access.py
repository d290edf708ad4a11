"""One authorisation function for reading: list, count, search, export and messages all ask `sight`. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from libs.case.state import Case
from libs.directory.facts.view import View
from libs.events.decider import Actor

SEES_ALL = frozenset(
    {
        "OPERATOR",
        "DISPATCHER",
        "REVIEWER",
        "CALLBACK_AGENT",
        "ARBITER",
        "SUPERVISOR",
        "TOWN_COORDINATOR",
        "AUDITOR",
        "ADMIN",
    }
)
SEES_UNIT = frozenset({"DEPT_CLERK", "DEPT_HANDLER", "DEPT_LEADER"})
SEES_GRID = frozenset({"GRID_WORKER", "GRID_LEADER"})


@dataclass(frozen=True)
class Sight:
    """What a caller may see: everything, or the cases of these units or grids."""

    everything: bool = False
    units: frozenset[str] = frozenset()
    grids: frozenset[str] = frozenset()
    verifier: str | None = None
    """A grid worker also sees what he is asked to verify, in whichever grid."""

    def sees(self, case: Case) -> bool:
        """Whether this case is among them."""
        asked = self.verifier is not None and case.verifier == self.verifier
        return self.everything or asked or case.grid in self.grids or bool(self.units & {case.unit, *case.units})


def sight(actor: Actor, directory: View, at: datetime) -> Sight:
    """What the actor may see in the appointment he acts in; a machine with scope `read` sees everything, one with
    scope `unit:<id>` what the unit sees."""
    if actor.role in SEES_ALL or (actor.role == "MACHINE" and "read" in actor.scopes):
        return Sight(everything=True)
    if actor.role in (*SEES_UNIT, "MACHINE") and actor.unit:
        return Sight(units=frozenset({actor.unit}))
    if actor.role in SEES_GRID and actor.appointment:
        post = directory.appointment(actor.appointment)
        return Sight(grids=directory.grids_in(post, at) if post else frozenset(), verifier=actor.person)
    return Sight()
