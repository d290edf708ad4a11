"""承接: under what an open case is filed once its class or its grid has ended (rulebook.md d.8). Pure: no I/O."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from libs.case.facts import Facts
from libs.directory.facts.view import View
from libs.events.contracts.intake import FilingPassedOn, Urgency
from libs.events.decider import Actor
from libs.events.event import Event
from libs.events.ids import ClassCode, GridCode
from services.intake.domain.case_state import State

# Commands


@dataclass(frozen=True)
class PassOn:
    """The system: the class or the grid of an open case has ended."""

    at: datetime
    by: Actor


# Decisions


def pass_on(state: State, command: PassOn, facts: Facts) -> Sequence[Event]:
    """Where nothing has succeeded it, the case stays what it was filed as; no clock moves either way."""
    command.by.must_be("SYSTEM")
    if state.status not in ("RECEIVED", "REGISTERED") or facts.known_case().ended:
        return []
    directory, at = facts.directory, command.at
    code = heir_of_class(state.class_code, directory, at)
    grid = heir_of_grid(state.grid, directory, at)
    if code is None and grid is None:
        return []
    return [
        FilingPassedOn(
            class_code=code,
            ended_class=state.class_code if code else None,
            grid=grid,
            ended_grid=state.grid if grid else None,
            urgency=at_once(code, state, directory),
        )
    ]


def heir_of_class(code: ClassCode | None, directory: View, at: datetime) -> ClassCode | None:
    """Another class that has succeeded this one."""
    heir = directory.living_class(code, at) if code else None
    return heir if heir != code else None


def heir_of_grid(code: GridCode | None, directory: View, at: datetime) -> GridCode | None:
    """Another grid that has succeeded this one."""
    heir = directory.living_grid(code, at) if code else None
    return heir if heir != code else None


def at_once(code: ClassCode | None, state: State, directory: View) -> Urgency | None:
    """U1 where the class that succeeded is dangerous by itself (R0), and the case is not so urgent yet."""
    item = directory.catalogue(code) if code else None
    return "U1" if item and item.safety and state.registered and state.urgency != "U1" else None
