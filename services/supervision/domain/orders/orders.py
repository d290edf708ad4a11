"""督办: orders, the answer of the unit, and their end (rulebook.md c.3 #45, f.2; L0 is `DeadlineWarned`). Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal, assert_never

from libs.case.facts import Facts
from libs.case.refusals import NotInThisState, NotYourUnit
from libs.case.state import Case
from libs.directory.facts.view import View
from libs.events.contracts.supervision import (
    CaseClosed,
    SupervisionIssued,
    SupervisionLifted,
    SupervisionResponded,
)
from libs.events.decider import Actor
from libs.events.errors import Rejected
from libs.events.event import Event
from libs.events.ids import UnitId
from services.supervision.domain.clocks.case_clocks import Clocks, is_overdue

LEVELS = (1, 2, 3, 4, 5)
FREE_UP_TO = 3
"""The highest level that needs no lower one before it."""

# Commands


@dataclass(frozen=True)
class IssueSupervision:
    """An order that the unit has to answer: L1 催办, L2 蓝单, L3 橙单, L4 红单 (通报, 约谈), L5 问责建议."""

    at: datetime
    by: Actor
    level: Literal[1, 2, 3, 4, 5]
    order: str


@dataclass(frozen=True)
class RespondSupervision:
    """The unit's leader answers with a plan and a date."""

    at: datetime
    by: Actor
    plan: str


@dataclass(frozen=True)
class LiftSupervision:
    """The cause is removed; the level goes down to `level`."""

    at: datetime
    by: Actor
    level: int
    reason: str


# Refusals


class CauseRemains(Rejected):
    """A level goes down only when its cause is gone."""

    code = "E-SUP-CAUSE"
    zh = "案件仍在超期, 督办原因未消除, 不能降级"
    en = "the case is still overdue; the cause of the supervision remains"


class StepSkipped(Rejected):
    """An important matter may start at orange (L3); 红单 and 问责建议 follow the level below them (rulebook.md f.2)."""

    code = "E-SUP-STEP"
    zh = "红单和问责建议须逐级升级, 不能越级下达"
    en = "levels 4 and 5 follow the level below them; they cannot be the first"


# State


@dataclass(frozen=True)
class Orders:
    """Orders that the unit has not answered yet: (level, unit)."""

    unanswered: tuple[tuple[int, UnitId], ...] = ()


OrdersEvent = SupervisionIssued | SupervisionResponded | SupervisionLifted | CaseClosed
"""Which of supervision's events open, answer or end an order."""


def evolve(own: Orders, event: OrdersEvent) -> Orders:
    """One of these events later."""
    match event:
        case SupervisionIssued():
            return replace(own, unanswered=(*own.unanswered, (event.level, event.unit)))
        case SupervisionResponded():
            answered = (event.unit, *event.answers_for)
            return replace(own, unanswered=tuple(one for one in own.unanswered if one[1] not in answered))
        case SupervisionLifted() | CaseClosed():
            return Orders()
        case _:
            assert_never(event)


# Decisions


def issue(own: Orders, command: IssueSupervision, facts: Facts) -> Sequence[Event]:
    """One order per level is open at a time."""
    case = facts.known_case()
    command.by.must_be("SUPERVISOR")
    if case.ended or case.unit is None:
        raise NotInThisState(evidence=[case.last_event_id])
    unit = facts.directory.living_unit(case.unit, command.at) or UnitId(case.unit)
    if (command.level, unit) in own.unanswered:
        return []
    if not follows(command.level, case):
        raise StepSkipped(evidence=[case.last_event_id], allowed=["supervision"])
    return [SupervisionIssued(level=command.level, issued_by=command.by.person, unit=unit, order=command.order)]


def follows(level: int, case: Case) -> bool:
    """Whether an order of this level skips no step of the ladder."""
    return level <= max(FREE_UP_TO, case.supervision_level + 1)


def can_issue(level: int, unit: UnitId, own: Orders, case: Case) -> bool:
    """Whether the unit has no open order of this level, and it skips no step."""
    return (level, unit) not in own.unanswered and follows(level, case)


def respond(own: Orders, command: RespondSupervision, facts: Facts) -> Sequence[Event]:
    """One answer answers every open order of the unit."""
    case = facts.known_case()
    command.by.must_be("DEPT_LEADER")
    asked = [unit for _, unit in own.unanswered] or [UnitId(case.unit or "")]
    heirs = asked_now(asked, facts.directory, command.at)
    if command.by.unit is None or command.by.unit not in heirs.values():
        raise NotYourUnit(allowed=sorted(set(heirs.values())))
    if case.ended or not own.unanswered:
        raise NotInThisState(evidence=[case.last_event_id])
    by, unit = command.by.person, command.by.unit
    succeeded = tuple(one for one, heir in heirs.items() if heir == unit != one)
    return [SupervisionResponded(responded_by=by, unit=unit, plan=command.plan, answers_for=succeeded)]


def asked_now(units: Sequence[UnitId], directory: View, at: datetime) -> dict[UnitId, UnitId]:
    """Unit that an order names → who answers it now: itself, or what has succeeded it (SUC-2)."""
    return {unit: directory.living_unit(unit, at) or unit for unit in units}


def lift(clocks: Clocks, command: LiftSupervision, facts: Facts) -> Sequence[Event]:
    """Down, never up; and not while the case runs overdue."""
    case = facts.known_case()
    command.by.must_be("SUPERVISOR")
    if command.level == case.supervision_level:
        return []
    if command.level > case.supervision_level:
        raise NotInThisState(evidence=[case.last_event_id], allowed=["supervision"])
    if not case.ended and is_overdue(clocks, facts, command.at):
        raise CauseRemains(evidence=[case.last_event_id], allowed=["supervision/response"])
    return [SupervisionLifted(lifted_by=command.by.person, level=command.level, reason=command.reason)]
