"""协办: other units that have to contribute before the lead unit may report (rulebook.md c.3 #23). Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from libs.case.facts import Facts
from libs.case.refusals import NotInThisState
from libs.case.state import Case
from libs.directory.facts.view import View
from libs.events.contracts.routing import CoUnitAdded, CoUnitReported
from libs.events.decider import Actor
from libs.events.errors import Forbidden, Rejected
from libs.events.event import Event
from libs.events.ids import UnitId
from libs.separation.routes import contributing
from services.routing.domain.dispatch import known_unit
from services.routing.domain.handling import own_unit, refuse_barred
from services.routing.domain.work_order import NotYourOrder, WorkOrder, forbidden, require_status

# Commands


@dataclass(frozen=True)
class AddCoUnit:
    """The lead's clerk, or the coordinator of the town, asks another unit to do its part."""

    at: datetime
    by: Actor
    unit: UnitId
    task: str


@dataclass(frozen=True)
class ReportAsCoUnit:
    """The co-unit has done its part."""

    at: datetime
    by: Actor
    report: str


# Refusals


class LeadIsNoCoUnit(Rejected):
    """The lead unit does its own part by handling the case."""

    code = "E-CO-LEAD"
    zh = "主办单位不能同时为协办单位"
    en = "the lead unit cannot be its own co-unit"


class NotYourTown(Forbidden):
    """A coordinator acts for the places below him."""

    code = "E-SCOPE"
    zh = "该案件不在您统筹的辖区内"
    en = "the case is not in the place that you coordinate"


# Decisions


def add(order: WorkOrder, command: AddCoUnit, facts: Facts) -> Sequence[Event]:
    """One task at a time for each unit; somebody there must be free to handle the case (SEP-07)."""
    case, directory = facts.known_case(), facts.directory
    refuse_barred(case, command, command.by.person, order.unit, directory)
    lead = leading(order, command.by, case, directory, command.at)
    require_status(order, case, "IN_PROGRESS")
    if known_unit(command.unit, directory, command.at) == lead:
        raise LeadIsNoCoUnit()
    if command.unit in order.co_units:
        return []
    if rejected := contributing(command.unit, case, directory, command.at):
        raise forbidden(rejected.breach, type(command).__name__, command.by.person, command.unit)
    return [CoUnitAdded(unit=command.unit, added_by=command.by.person, round=order.round, task=command.task)]


def leading(order: WorkOrder, by: Actor, case: Case, directory: View, at: datetime) -> UnitId:
    """The lead unit, for whom its clerk speaks, or whoever coordinates the place; raises `NotInThisState`."""
    by.must_be("DEPT_CLERK", "TOWN_COORDINATOR")
    if by.role == "DEPT_CLERK":
        return own_unit(order, by)
    if not coordinates(by, case, directory, at):
        raise NotYourTown()
    if order.unit is None:
        raise NotInThisState()
    return order.unit


def coordinates(by: Actor, case: Case, directory: View, at: datetime) -> bool:
    """Whether the case lies below the coordinator's unit."""
    return by.unit in directory.bodies_of(case.grid or "", at)


def report(order: WorkOrder, command: ReportAsCoUnit, facts: Facts) -> Sequence[Event]:
    """By a clerk or handler of the co-unit; said once."""
    case, unit = facts.known_case(), command.by.unit
    asked = (*order.co_units, *order.co_reported)
    refuse_barred(case, command, command.by.person, unit if unit in asked else None, facts.directory)
    command.by.must_be("DEPT_CLERK", "DEPT_HANDLER")
    if unit is None or unit not in asked:
        raise NotYourOrder()
    if unit not in order.co_units:
        return []
    require_status(order, case, "IN_PROGRESS")
    return [CoUnitReported(unit=unit, reported_by=command.by.person, round=order.round, report=command.report)]
