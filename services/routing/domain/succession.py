"""承接: whose an order is once its unit has ended, the successor's or the dispatcher's (rulebook.md d.8). Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from libs.case.facts import Facts
from libs.case.state import Case
from libs.directory.facts.view import View, has_ended
from libs.directory.rules.naming import Bilingual, Naming
from libs.events.contracts.routing import OrderPassedOn
from libs.events.decider import Actor
from libs.events.event import Event
from libs.events.ids import PersonId, UnitId
from libs.separation.powers import may_handle
from libs.separation.routes import Dispatchable, UnitRejected, contributing, dispatchable
from services.routing.domain.dispatch import ProposeRoute, propose
from services.routing.domain.handling import able_members
from services.routing.domain.work_order import Status, WorkOrder, passed_on

HELD: tuple[Status, ...] = ("DISPATCHED", "IN_PROGRESS", "RETURN_PENDING", "ARBITRATION")
"""Where a unit has work before it; what it has reported done stays its own, until it comes back."""

# Commands


@dataclass(frozen=True)
class PassOn:
    """The system: a unit that has a part in the case, or is proposed for it, has ended."""

    at: datetime
    by: Actor


# Decisions


def pass_on(order: WorkOrder, command: PassOn, facts: Facts) -> Sequence[Event]:
    """Nothing where no unit of the order has ended. What nobody takes over is proposed anew in the same breath."""
    command.by.must_be("SYSTEM")
    case, directory, at = facts.known_case(), facts.directory, command.at
    if case.ended:
        return []
    if order.status == "PROPOSED" and is_over(order.proposed, directory, at):
        return propose(order, ProposeRoute(at, command.by), facts)
    if order.status not in HELD:
        return []
    events: list[Event] = []
    if is_over(order.unit, directory, at):
        passed = of_lead(order, case, directory, at)
        order, events = passed_on(order, passed), [passed]
    events += [of_co_unit(order, unit, case, directory, at) for unit in order.co_units if is_over(unit, directory, at)]
    if order.status == "PROPOSED":
        events += propose(order, ProposeRoute(at, command.by), facts)
    return events


def is_over(unit: UnitId | None, directory: View, at: datetime) -> bool:
    """Whether it is a unit, and has ended."""
    known = directory.unit(unit) if unit else None
    return known is not None and has_ended(known, at)


def of_lead(order: WorkOrder, case: Case, directory: View, at: datetime) -> OrderPassedOn:
    """巡办分离 is judged anew: somebody of the successor must be free to sign and somebody to handle."""
    ended = order.unit or UnitId("")
    heir = directory.living_unit(ended, at)
    answer = dispatchable(heir, case, directory, at) if heir else None
    if heir is None or not isinstance(answer, Dispatchable):
        return _said(order, ended, None, nobody(ended, answer, directory), relieved=order.handler)
    stays = order.handler if goes_on(order.handler, heir, case, directory, at) else None
    return _said(
        order,
        ended,
        heir,
        taken_over(ended, heir, directory),
        handler=stays,
        relieved=order.handler if stays is None else None,
        dual_hat=bool(answer.dual_hats),
    )


def of_co_unit(order: WorkOrder, ended: UnitId, case: Case, directory: View, at: datetime) -> OrderPassedOn:
    """The successor helps in its place; where it leads the case itself, that is part of its own work."""
    heir = directory.living_unit(ended, at)
    barred = contributing(heir, case, directory, at) if heir and heir != order.unit else None
    if heir is None or barred:
        return _said(order, ended, None, nobody(ended, barred, directory), role="co")
    return _said(order, ended, heir, taken_over(ended, heir, directory), role="co")


def goes_on(handler: PersonId | None, heir: UnitId, case: Case, directory: View, at: datetime) -> bool:
    """Whether the handler has gone to the successor, too."""
    if handler is None or handler not in able_members(directory, heir, at):
        return False
    return may_handle(case, handler, directory, at, heir) is None


def taken_over(ended: UnitId, heir: UnitId, directory: View) -> Bilingual:
    """Why another unit has it now."""
    names = Naming(directory)
    was, now = names.unit(ended), names.unit(heir)
    return Bilingual(
        f"{was.zh}已撤并, 由{now.zh}承接, 时限不变", f"{was.en} has ended: {now.en} takes over, no limit moves"
    )


def nobody(ended: UnitId, why: UnitRejected | Dispatchable | None, directory: View) -> Bilingual:
    """Why nobody takes over."""
    names = Naming(directory)
    was = names.unit(ended)
    if not isinstance(why, UnitRejected):
        return Bilingual(f"{was.zh}已撤并, 没有承接单位", f"{was.en} has ended, and nobody has succeeded it")
    heir = names.unit(why.unit)
    return Bilingual(
        f"{was.zh}已撤并, {heir.zh}不能承接: {why.zh} ({why.rule})",
        f"{was.en} has ended, and {heir.en} cannot take over: {why.en} ({why.rule})",
    )


def _said(
    order: WorkOrder,
    ended: UnitId,
    heir: UnitId | None,
    words: Bilingual,
    *,
    role: Literal["lead", "co"] = "lead",
    handler: PersonId | None = None,
    relieved: PersonId | None = None,
    dual_hat: bool = False,
) -> OrderPassedOn:
    return OrderPassedOn(
        ended=ended,
        unit=heir,
        role=role,
        round=order.round,
        rule="SUC-2" if heir else "SUC-3",
        zh=words.zh,
        en=words.en,
        handler=handler,
        relieved=relieved,
        dual_hat=dual_hat,
    )
