"""May this person use this power on this case? None, or the rule that is broken and who may instead. Pure: no I/O."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from libs.directory.view import View
from libs.events.contracts.directory import Role
from libs.events.ids import PersonId, UnitId
from libs.separation import routes, rules
from libs.separation.case import Act, Breach, CaseParties


def may_discover(case: CaseParties, actor: PersonId, view: View, at: datetime) -> Breach | None:
    """Whether the person may report, screen or pre-check the case."""
    return rules.first(rules.discovering(Act(case, actor, view, at)))


def may_dispatch(case: CaseParties, actor: PersonId, view: View, at: datetime) -> Breach | None:
    """Whether the person may dispatch the case, decide its return or rule on it."""
    act = Act(case, actor, view, at)
    breach = rules.first(rules.dispatching(act))
    others = view.holders("DISPATCHER", None, at) if breach else ()
    free = tuple(one for one in others if rules.first(rules.dispatching(replace(act, actor=one))) is None)
    return breach and replace(breach, allowed=free)


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


def may_verify(case: CaseParties, actor: PersonId, view: View, at: datetime) -> Breach | None:
    """Whether the person may check the case on site."""
    breach = rules.first(rules.verifying(Act(case, actor, view, at)))
    return breach and replace(breach, allowed=routes.verifiers(case, view, at))


def may_close(
    case: CaseParties, actor: PersonId, view: View, at: datetime, power: rules.Closing = "close"
) -> Breach | None:
    """Whether the person may review the feedback, call the reporter back, or close the case."""
    act = Act(case, actor, view, at)
    breach = rules.first(rules.closing(act, power))
    role: Role = "CALLBACK_AGENT" if power == "callback" else "REVIEWER"
    others = view.holders(role, None, at) if breach else ()
    free = tuple(one for one in others if rules.first(rules.closing(replace(act, actor=one), power)) is None)
    return breach and replace(breach, allowed=free)
