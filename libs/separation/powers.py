"""May this person use this power on this case? None, or the rule that is broken and who may instead. Pure: no I/O."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from libs.directory.facts.view import View
from libs.events.contracts.directory import Role
from libs.events.ids import PersonId, UnitId
from libs.separation import routes, rules
from libs.separation.acts import Act, Breach, CaseParties


def may_discover(case: CaseParties, actor: PersonId, view: View, at: datetime) -> Breach | None:
    """Whether the person may report, screen or pre-check the case."""
    return rules.first(rules.discovering(Act(case, actor, view, at)))


def may_dispatch(case: CaseParties, actor: PersonId, view: View, at: datetime) -> Breach | None:
    """Whether the person may dispatch the case, or open an arbitration on it."""
    return _judged(Act(case, actor, view, at), "DISPATCHER", rules.dispatching)


def may_decide(
    case: CaseParties, actor: PersonId, view: View, at: datetime, unit: UnitId, *, asked_by: PersonId | None = None
) -> Breach | None:
    """Whether the person may decide what `asked_by` asked for on behalf of `unit`."""
    return _judged(Act(case, actor, view, at), "DISPATCHER", lambda act: rules.deciding(act, unit, asked_by))


def may_rule(case: CaseParties, actor: PersonId, view: View, at: datetime, parties: tuple[str, ...]) -> Breach | None:
    """Whether the person may rule on a dispute between these units."""
    return _judged(Act(case, actor, view, at), "ARBITER", lambda act: rules.ruling(act, parties))


def may_handle(
    case: CaseParties, actor: PersonId, view: View, at: datetime, unit: UnitId | None = None
) -> Breach | None:
    """Whether the person may use a handling power, for `unit` or for those of the case's units that are his."""
    act = Act(case, actor, view, at)
    units = (unit,) if unit else act.handling_units
    breach = rules.first(rules.handling(act, units))
    roles: tuple[Role, ...] = ("DEPT_CLERK", "DEPT_HANDLER") if breach else ()
    free = {person for one in units for role in roles for person in routes.able(one, role, case, view, at)}
    return breach and replace(breach, allowed=tuple(sorted(free)))


def may_endorse(
    case: CaseParties, actor: PersonId, view: View, at: datetime, unit: UnitId | None, *, asked_by: PersonId | None
) -> Breach | None:
    """Whether the person may endorse what `asked_by` wants to send for `unit`."""
    act = Act(case, actor, view, at)

    def rule(one: Act) -> rules.Breaches:
        return rules.endorsing(one, (unit,) if unit else act.handling_units, asked_by)

    breach = rules.first(rule(act))
    leaders = view.holders("DEPT_LEADER", unit, at) if breach and unit else ()
    free = tuple(one for one in leaders if rules.first(rule(replace(act, actor=one))) is None)
    return breach and replace(breach, allowed=free)


def may_verify(case: CaseParties, actor: PersonId, view: View, at: datetime) -> Breach | None:
    """Whether the person may check the case on site."""
    breach = rules.first(rules.verifying(Act(case, actor, view, at)))
    return breach and replace(breach, allowed=routes.verifiers(case, view, at))


def may_close(
    case: CaseParties, actor: PersonId, view: View, at: datetime, power: rules.Closing = "close"
) -> Breach | None:
    """Whether the person may review the feedback, call the reporter back, or close the case."""
    role: Role = "CALLBACK_AGENT" if power == "callback" else "REVIEWER"
    return _judged(Act(case, actor, view, at), role, lambda act: rules.closing(act, power))


def _judged(act: Act, role: Role, rule: Callable[[Act], rules.Breaches]) -> Breach | None:
    """The breach, with those holders of the role whom the rule does not bar."""
    breach = rules.first(rule(act))
    others = act.view.holders(role, None, act.at) if breach else ()
    free = tuple(one for one in others if rules.first(rule(replace(act, actor=one))) is None)
    return breach and replace(breach, allowed=free)
