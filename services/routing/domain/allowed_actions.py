"""What a caller may do next with a case: paths below it, and none that a rule forbids him. Pure; `decide` decides."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from libs.case.facts import Facts
from libs.case.state import Case
from libs.directory.facts.view import View
from libs.events.decider import Actor
from libs.events.ids import UnitId
from libs.separation.powers import may_decide, may_dispatch, may_endorse, may_handle, may_rule
from libs.separation.routes import contributing
from services.routing.domain.arbitration import is_vacant
from services.routing.domain.co_units import coordinates
from services.routing.domain.dispatch import can_take
from services.routing.domain.handling import DEPT_ROLES, able_members, has_contacted
from services.routing.domain.returns import against_return
from services.routing.domain.work_order import ALLOWED, WITH_THE_UNIT, WorkOrder


def allowed(order: WorkOrder, by: Actor, facts: Facts, at: datetime) -> list[str]:
    """What the caller may do at this instant; each with some input or other."""
    if facts.case is None or facts.case.ended:
        return []
    asker = Asker(order, facts.case, by, facts.directory, at)
    waiting = ("endorsement",) if order.draft else ()
    return [action for action in (*waiting, *ALLOWED.get(order.status, ())) if MAY[action](asker)]


@dataclass(frozen=True)
class Asker:
    """Who asks what he may do with an order, and when."""

    order: WorkOrder
    case: Case
    by: Actor
    directory: View
    at: datetime

    @cached_property
    def is_unbarred(self) -> bool:
        """Whether no rule of separation keeps him from handling the case."""
        return may_handle(self.case, self.by.person, self.directory, self.at, self.order.unit) is None

    @property
    def is_of_unit(self) -> bool:
        """Whether the order is his unit's."""
        return self.order.unit is not None and self.by.unit == self.order.unit

    @property
    def is_clerk(self) -> bool:
        """Whether he speaks for the lead unit."""
        return self.by.role == "DEPT_CLERK" and self.is_of_unit and self.is_unbarred

    @property
    def is_handler(self) -> bool:
        """The assigned handler, or any handler of the unit."""
        handles = self.by.role == "DEPT_HANDLER" or self.by.person == self.order.handler
        return self.by.role in DEPT_ROLES and handles and self.is_of_unit and self.is_unbarred

    @property
    def is_dispatcher(self) -> bool:
        """Whether he may dispatch the case, or call for a ruling on it."""
        if self.by.role != "DISPATCHER":
            return False
        return may_dispatch(self.case, self.by.person, self.directory, self.at) is None

    def units_that_can_take_it(self) -> Iterator[UnitId]:
        """The proposed unit first."""
        units = dict.fromkeys((self.order.proposed, *(unit.id for unit in self.directory.units)))
        return (unit for unit in units if unit and can_take(unit, self.case, self.directory, self.at))


def may_send(asker: Asker) -> bool:
    """Some unit can take the case."""
    return asker.is_dispatcher and any(asker.units_that_can_take_it())


def may_call_for_a_ruling(asker: Asker) -> bool:
    """Whose the case is, is open; or its unit has nobody left who could move it."""
    with_the_unit = asker.order.status in WITH_THE_UNIT
    return asker.is_dispatcher and (not with_the_unit or is_vacant(asker.order, asker.directory, asker.at))


def may_decide_return(asker: Asker) -> bool:
    """What a unit asked for that is neither his nor asked by himself."""
    order = asker.order
    if asker.by.role != "DISPATCHER" or order.unit is None:
        return False
    person, asked_by = asker.by.person, order.requested_by
    return may_decide(asker.case, person, asker.directory, asker.at, order.unit, asked_by=asked_by) is None


def may_rule_for_some(asker: Asker) -> bool:
    """The arbiter serves in no party, nor in some unit that can take the case."""
    if asker.by.role != "ARBITER":
        return False
    case, person, parties = asker.case, asker.by.person, asker.order.parties
    return any(
        may_rule(case, person, asker.directory, asker.at, (*parties, unit)) is None
        for unit in asker.units_that_can_take_it()
    )


def may_assign(asker: Asker) -> bool:
    """Somebody else of the unit is free to handle the case."""
    unit = asker.order.unit
    if unit is None or not asker.is_clerk:
        return False
    others = (one for one in able_members(asker.directory, unit, asker.at) if one != asker.order.handler)
    return any(may_handle(asker.case, one, asker.directory, asker.at, unit) is None for one in others)


def may_report(asker: Asker) -> bool:
    """Every co-unit has reported, and the reporter was called."""
    return asker.is_handler and not asker.order.co_units and has_contacted(asker.order, asker.case)


def may_return(asker: Asker) -> bool:
    """The unit's right to return the case is not lost."""
    unit = asker.order.unit
    if unit is None or not asker.is_clerk:
        return False
    return against_return(asker.order, unit, asker.at, asker.directory) is None


def may_ask_co_unit(asker: Asker) -> bool:
    """Some other unit can do a part."""
    order, case, directory = asker.order, asker.case, asker.directory
    coordinator = asker.by.role == "TOWN_COORDINATOR" and coordinates(asker.by, case, directory, asker.at)
    if order.unit is None or not (asker.is_clerk or (coordinator and asker.is_unbarred)):
        return False
    others = (unit.id for unit in directory.units if unit.id not in (order.unit, *order.co_units))
    return any(contributing(unit, case, directory, asker.at) is None for unit in others)


def may_report_as_co_unit(asker: Asker) -> bool:
    """His unit was asked and has not reported yet."""
    unit = asker.by.unit
    if asker.by.role not in ("DEPT_CLERK", "DEPT_HANDLER") or unit is None or unit not in asker.order.co_units:
        return False
    return may_handle(asker.case, asker.by.person, asker.directory, asker.at, unit) is None


def may_endorse_draft(asker: Asker) -> bool:
    """Somebody else of his unit drafted what waits for him."""
    draft = asker.order.draft
    if asker.by.role != "DEPT_LEADER" or draft is None or not asker.is_of_unit:
        return False
    person, unit, asked_by = asker.by.person, asker.order.unit, draft.requested_by
    return may_endorse(asker.case, person, asker.directory, asker.at, unit, asked_by=asked_by) is None


MAY: Mapping[str, Callable[[Asker], bool]] = {
    "dispatch": may_send,
    "arbitration": may_call_for_a_ruling,
    "return/approve": may_decide_return,
    "return/reject": may_decide_return,
    "arbitration/rule": may_rule_for_some,
    "accept": lambda asker: asker.is_clerk,
    "assign": may_assign,
    "contact": lambda asker: asker.is_handler,
    "progress": lambda asker: asker.is_handler,
    "feedback": may_report,
    "co-units": may_ask_co_unit,
    "co-units/report": may_report_as_co_unit,
    "return": may_return,
    "endorsement": may_endorse_draft,
}
"""Action → whether the caller may do it in a state that is open for it."""
