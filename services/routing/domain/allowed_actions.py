"""What a caller may do next with a case, as the read model has it. Pure; what is refused is decided elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from libs.case.state import Case
from libs.directory.facts.view import View
from libs.events.decider import Actor
from libs.events.ids import PersonId, UnitId
from libs.separation.powers import may_decide, may_dispatch, may_endorse, may_handle, may_rule
from services.routing.domain.handling import DEPT_ROLES

WORK = ("contact", "progress", "feedback")


def allowed_actions(
    case: Case,
    by: Actor,
    directory: View,
    at: datetime,
    *,
    return_until: datetime | None = None,
    parties: tuple[str, ...] = (),
    drafted_by: str | None = None,
) -> list[str]:
    """Paths below the case that this caller may call; nothing that a rule forbids him.

    `return_until` is the end of the unit's window for a return, `parties` are those of the open arbitration,
    `drafted_by` wrote what waits for the leader's endorsement.
    """
    match by.role:
        case "DISPATCHER":
            return dispatcher(case, by, directory, at)
        case "ARBITER" if case.state == "ARBITRATION":
            return [] if may_rule(case, by.person, directory, at, parties) else ["arbitration/rule"]
        case "TOWN_COORDINATOR" if case.state == "IN_PROGRESS" and coordinates(case, by, directory):
            return [] if may_handle(case, by.person, directory, at) else ["co-units"]
        case "DEPT_LEADER" if drafted_by and by.unit == case.unit and not case.ended:
            barred = may_endorse(case, by.person, directory, at, by.unit, asked_by=PersonId(drafted_by))
            own = department(case, by, directory, at, return_until=return_until)
            return own if barred else ["endorsement", *own]
        case _:
            return department(case, by, directory, at, return_until=return_until)


def dispatcher(case: Case, by: Actor, directory: View, at: datetime) -> list[str]:
    """Dispatching, and deciding what a unit asked for that is not his own."""
    if may_dispatch(case, by.person, directory, at):
        return []
    if case.state == "REGISTERED":
        return ["dispatch", "arbitration"] if case.returns else ["dispatch"]
    if case.state != "RETURN_PENDING" or case.unit is None:
        return []
    barred = may_decide(case, by.person, directory, at, UnitId(case.unit))
    return ["arbitration"] if barred else ["return/approve", "return/reject", "arbitration"]


def coordinates(case: Case, by: Actor, directory: View) -> bool:
    """Whether the case lies below the coordinator's unit."""
    grid = directory.grid(case.grid or "")
    return grid is not None and by.unit in (grid.town, *directory.ancestors(grid.town))


def department(case: Case, by: Actor, directory: View, at: datetime, *, return_until: datetime | None) -> list[str]:
    """The lead unit's work, or the part of a co-unit."""
    if by.role not in DEPT_ROLES or by.unit is None:
        return []
    if by.unit == case.unit:
        actions = [*lead(case, by, directory, at, return_until)]
    else:
        actions = ["co-units/report"] if by.unit in case.co_units and case.state == "IN_PROGRESS" else []
        actions = actions if by.role != "DEPT_LEADER" else []
    return [] if not actions or may_handle(case, by.person, directory, at, by.unit) else actions


def lead(case: Case, by: Actor, directory: View, at: datetime, return_until: datetime | None) -> Iterator[str]:
    """What the state of the case and the post of the caller leave open."""
    clerk, handler = by.role == "DEPT_CLERK", by.role == "DEPT_HANDLER"
    in_time = return_until is not None and at <= return_until
    returnable = in_time and case.returns.count(by.unit or "") < directory.rulebook.returns.per_unit
    if case.state == "DISPATCHED":
        yield from ("accept",) if clerk else ("contact",) if handler else ()
    if case.state == "IN_PROGRESS":
        yield from ("assign", "co-units") if clerk else ()
        yield from WORK if handler or case.handler == by.person else ()
    if case.state in ("DISPATCHED", "IN_PROGRESS") and clerk and returnable:
        yield "return"
