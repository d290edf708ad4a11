"""会商裁定: somebody outside the parties rules whose a disputed case is; nobody returns it any more. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from libs.case.facts import Facts
from libs.case.state import Case
from libs.directory.facts.view import View
from libs.events.contracts.routing import ArbitrationOpened, ArbitrationRuled, CaseDispatched
from libs.events.decider import Actor
from libs.events.errors import Malformed
from libs.events.event import Event
from libs.events.ids import ClassCode, UnitId
from libs.separation.powers import may_dispatch, may_rule
from services.routing.domain import route
from services.routing.domain.dispatch import fit, known_unit
from services.routing.domain.handling import able_members
from services.routing.domain.work_order import WITH_THE_UNIT, WorkOrder, forbidden, parties_of, require_status

# Commands


@dataclass(frozen=True)
class OpenArbitration:
    """The dispatcher calls for a ruling (c.3 #21), also where a unit has nobody left; the system does after silence."""

    at: datetime
    by: Actor


@dataclass(frozen=True)
class RuleArbitration:
    """The arbiter names the unit, and the parties whose return had no ground (c.3 #22, RET-5)."""

    at: datetime
    by: Actor
    unit: UnitId
    reason: str
    groundless: tuple[UnitId, ...] = ()


# Refusals


class NotAParty(Malformed):
    """Only a party of the dispute can have returned the case without ground."""

    code = "E-PARTY"
    zh = "无理退单的单位必须是争议一方"
    en = "only a party can have returned the case without ground"


# Decisions


def open_arbitration(order: WorkOrder, command: OpenArbitration, facts: Facts) -> Sequence[Event]:
    """By the dispatcher, or by the system after silence."""
    if command.by.role == "SYSTEM":
        return open_in_silence(order, facts)
    return open_by_dispatcher(order, command, facts)


def open_in_silence(order: WorkOrder, facts: Facts) -> Sequence[Event]:
    """A decision that came meanwhile, however late, is a decision."""
    if order.status != "RETURN_PENDING" or facts.known_case().ended:
        return []
    return [ArbitrationOpened(parties=parties_of(order), because="SILENCE")]


def open_by_dispatcher(order: WorkOrder, command: OpenArbitration, facts: Facts) -> Sequence[Event]:
    """Instead of deciding a return, or of dispatching a case that nobody wants; or because its unit has nobody left."""
    case, person = facts.known_case(), command.by.person
    if breach := may_dispatch(case, person, facts.directory, command.at):
        raise forbidden(breach, type(command).__name__, person, order.unit)
    command.by.must_be("DISPATCHER")
    if order.status == "ARBITRATION":
        return []
    vacant = is_vacant(order, facts.directory, command.at)
    require_status(order, case, "RETURN_PENDING", "PROPOSED", *(WITH_THE_UNIT if vacant else ()))
    because: Literal["VACANT", "DISPUTED"] = "VACANT" if order.status in WITH_THE_UNIT else "DISPUTED"
    return [ArbitrationOpened(parties=parties_of(order), because=because, opened_by=person)]


def is_vacant(order: WorkOrder, directory: View, at: datetime) -> bool:
    """Whether nobody can sign, handle or return the order any more: every post of its unit has ended."""
    return order.unit is not None and not able_members(directory, order.unit, at)


def rule(order: WorkOrder, command: RuleArbitration, facts: Facts) -> Sequence[Event]:
    """The ruling and the forced dispatch, in one breath. The arbiter serves neither a party nor the unit he names."""
    case, person = facts.known_case(), command.by.person
    concerned = (*order.parties, command.unit)
    if breach := may_rule(case, person, facts.directory, command.at, concerned):
        raise forbidden(breach, type(command).__name__, person, command.unit)
    command.by.must_be("ARBITER")
    require_status(order, case, "ARBITRATION")
    known_unit(command.unit, facts.directory, command.at)
    if not set(command.groundless) <= set(order.parties):
        raise NotAParty(allowed=order.parties)
    ruled = ArbitrationRuled(
        ruled_by=person,
        unit=command.unit,
        groundless=command.groundless,
        reason=command.reason,
        relieved=None if command.unit == order.unit else order.handler,
    )
    return [ruled, forced(order, command, case, facts)]


def forced(order: WorkOrder, command: RuleArbitration, case: Case, facts: Facts) -> CaseDispatched:
    """RET-4: a ruling binds, but neither power nor separation is ruled away."""
    answer = fit(command.unit, case, command, facts.directory)
    return CaseDispatched(
        unit=command.unit,
        round=order.round,
        dispatched_by=command.by.person,
        class_code=ClassCode(case.class_code or ""),
        chain=(*order.chain, route.ruled(facts.directory, command.unit)),
        dual_hat=bool(answer.dual_hats),
        no_return=True,
    )
