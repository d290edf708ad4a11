"""Proposing a route and dispatching the case: which unit gets the order, and until when it may return it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from libs.case.facts import Facts
from libs.case.refusals import NotInThisState, ReasonMissing, require_living
from libs.case.state import Case
from libs.directory.facts.view import View
from libs.directory.rules.calendar import Limit, due
from libs.directory.rules.leads import holds_power
from libs.directory.rules.limits import Urgency, stage_limit
from libs.directory.rules.work_calendar import calendar_for
from libs.events.contracts.routing import CaseDispatched, RouteProposed
from libs.events.decider import Actor
from libs.events.errors import Malformed, Rejected
from libs.events.event import Event
from libs.events.ids import ClassCode, UnitId
from libs.separation.powers import may_dispatch
from libs.separation.routes import Dispatchable, UnitRejected, dispatchable
from services.routing.domain import route as rules
from services.routing.domain.work_order import Timed, WorkOrder, forbidden, require_status

# Commands


@dataclass(frozen=True)
class ProposeRoute:
    """The system looks for the unit of a registered case (rulebook.md c.3 #15)."""

    at: datetime
    by: Actor


@dataclass(frozen=True)
class DispatchCase:
    """派遣 (c.3 #16): to the proposed unit, or to another one with a reason; by the system where the class says so."""

    at: datetime
    by: Actor
    unit: UnitId | None = None
    override_reason: str | None = None


# Refusals


class UnknownUnit(Malformed):
    """No unit in the directory has this id."""

    code = "E-UNKNOWN-UNIT"
    zh = "目录中没有该单位"
    en = "no unit in the directory has this id"


class NoUnitProposed(Rejected):
    """The rules found no unit; the dispatcher must name one."""

    code = "E-ROUTE-NONE"
    zh = "规则没有找到可派单位, 请指定单位并说明理由"
    en = "the rules found no unit: name one and give a reason"


class ReasonForOtherUnitMissing(ReasonMissing):
    """Another unit than the proposed one needs a reason."""

    zh = "改派其他单位须说明理由"
    en = "another unit than the proposed one needs a reason"


class PowerMissing(Rejected):
    """The unit does not hold the power for the class (POW-1)."""

    code = "E-POWER"
    zh = "该单位没有此项职权, 不能主办"
    en = "the unit does not hold the power for this class"


# Decisions


def propose(order: WorkOrder, command: ProposeRoute, facts: Facts) -> Sequence[Event]:
    """Every candidate that was skipped is a fact of its own, before the proposal."""
    command.by.must_be("SYSTEM")
    case = facts.known_case()
    if case.ended or order.unit is not None or order.status not in ("NONE", "PROPOSED", "CANCELLED"):
        return []
    named = order.suggested if order.returned else None
    route = rules.propose(case, facts.directory, command.at, returned=order.returned, named=named)
    if order.status == "PROPOSED" and (route.unit, route.chain) == (order.proposed, order.chain):
        return []
    proposed = RouteProposed(unit=route.unit, candidates=route.candidates, chain=route.chain, dispatch=route.dispatch)
    return [*route.rejected, proposed]


def dispatch(order: WorkOrder, command: DispatchCase, facts: Facts) -> Sequence[Event]:
    """The binding decision. Separation of the dispatcher before his role; then power, then separation of the unit."""
    case = facts.known_case()
    if command.by.role == "SYSTEM" and not (order.auto and order.proposed):
        return []
    if breach := may_dispatch(case, command.by.person, facts.directory, command.at):
        raise forbidden(breach, "DispatchCase", command.by.person, command.unit)
    command.by.must_be("DISPATCHER", "SYSTEM")
    unit = chosen_unit(order, command, facts.directory)
    if order.unit == unit and order.status == "DISPATCHED":
        return []
    require_status(order, case, "PROPOSED")
    answer = fit(unit, case, command, facts.directory)
    chain = order.chain if unit == order.proposed else (*order.chain, rules.overridden(facts.directory, unit))
    return [
        CaseDispatched(
            unit=unit,
            round=order.round,
            dispatched_by=command.by.person,
            class_code=ClassCode(case.class_code or ""),
            chain=chain,
            dual_hat=bool(answer.dual_hats),
            override_reason=command.override_reason if unit != order.proposed else None,
            return_until=returnable_until(case, command.at, facts.directory, unit),
        )
    ]


def chosen_unit(order: WorkOrder, command: DispatchCase, directory: View) -> UnitId:
    """The unit that the dispatcher means; one that the rules did not choose needs a reason."""
    if order.status == "NONE":
        raise NotInThisState()
    unit = command.unit or order.proposed
    if unit is None:
        raise NoUnitProposed(allowed=["unit", "override_reason"])
    known_unit(unit, directory, command.at)
    if order.status == "PROPOSED" and unit != order.proposed and not command.override_reason:
        raise ReasonForOtherUnitMissing(allowed=["override_reason"])
    return unit


def returnable_until(case: Case, at: datetime, directory: View, unit: UnitId | None = None) -> datetime | None:
    """RET-1: the end of the unit's window for a return, by the rulebook of the dispatch; None for none (U1)."""
    text = stage_limit(directory, "return_request", cast(Urgency, case.urgency), ClassCode(case.class_code or ""))
    limit = Limit.parse(text) if text != "refused" else None
    return due(at, limit, calendar_for(directory, unit)) if limit else None


def known_unit(unit: UnitId, directory: View, at: datetime) -> UnitId:
    """The unit, where the directory has it and it has not ended; raises `UnknownUnit`, `HasEnded`."""
    if (known := directory.unit(unit)) is None:
        raise UnknownUnit()
    require_living(known, directory, at)
    return unit


def can_take(unit: UnitId, case: Case, directory: View, at: datetime) -> bool:
    """Whether the unit holds the power for the case, and somebody there is free to sign and somebody to handle."""
    item = directory.catalogue(case.class_code or "")
    has_power = item is None or holds_power(item, unit, at, directory)
    return has_power and isinstance(dispatchable(unit, case, directory, at), Dispatchable)


def fit(unit: UnitId, case: Case, command: Timed, directory: View) -> Dispatchable:
    """The people through whom the unit can take the case; raises `PowerMissing` or `SeparationForbids`."""
    item = directory.catalogue(case.class_code or "")
    if item and not holds_power(item, unit, command.at, directory):
        holders = [power.unit for power in item.powers if holds_power(item, power.unit, command.at, directory)]
        raise PowerMissing(rule="POW-1", allowed=holders)
    answer = dispatchable(unit, case, directory, command.at)
    if isinstance(answer, UnitRejected):
        raise forbidden(answer.breach, type(command).__name__, command.by.person, unit)
    return answer
