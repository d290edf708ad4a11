"""What one version of the directory pins for the clocks of a case: lamp, ladder, limits. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import cast

from libs.case.state import Case
from libs.directory.facts.view import View
from libs.directory.rules.calendar import Limit
from libs.directory.rules.ladder import levels_of
from libs.directory.rules.lamps import LampRule
from libs.directory.rules.limits import UnknownClass, Urgency, handling_limit, stage_limit
from libs.events.contracts.parts.clock import Clock
from libs.events.contracts.parts.rulebook import Kind
from libs.events.ids import ClassCode, UnitId
from services.supervision.domain.clocks.limits import CaseLimits


@lru_cache(maxsize=128)
def lamp_rule(view: View, urgency: Urgency) -> LampRule:
    """When the lamp of a clock turns."""
    return LampRule.of(view.rulebook.lamp, urgency)


@lru_cache(maxsize=128)
def levels(view: View, urgency: Urgency) -> Mapping[int, Limit | None]:
    """Ladder level → how long after the due instant."""
    return levels_of(view.rulebook.ladder_wd, view.rulebook.ladder_h, urgency)


def limits_of(clock: Clock, case: Case, urgency: Urgency, view: View) -> CaseLimits:
    """The limits by which this clock of the case starts now, and no others: one is looked up per start."""
    code = ClassCode(case.class_code or "")
    match clock:
        case "handling":
            limits = {"handling": _handling(case, code, urgency, view)}
        case "overall":
            limits = {"handling": _handling(case, code, urgency, view)}
            limits |= {"dispatch": stage_limit(view, "dispatch", urgency, code)}
        case "callback":
            limits = {"callback": stage_limit(view, "callback", urgency, code)}
            limits |= {"tries": view.rulebook.callback.within}
        case "response":
            limits = {"response": stage_limit(view, "supervision_response", urgency, code)}
        case _:
            limits = {clock: stage_limit(view, clock, urgency, code)}
    return CaseLimits.of(_upstream(clock, case), **limits)


def _upstream(clock: Clock, case: Case) -> datetime | None:
    """The sender's deadline; one that had passed before the order moved in bounds no unit that gets it since."""
    passed = case.imported_at and case.upstream_due_at and case.upstream_due_at <= case.imported_at
    return None if passed and clock != "overall" else case.upstream_due_at


def told_unit(unit: UnitId | None, level: int, view: View) -> UnitId | None:
    """Who is told of a ladder level: at L1 the unit itself, then one superior higher each time (rulebook.md f.2)."""
    if unit is None:
        return None
    chain = (unit, *view.ancestors(unit))
    return chain[min(level - 1, len(chain) - 1)]


def _handling(case: Case, code: ClassCode, urgency: Urgency, view: View) -> str:
    try:
        return handling_limit(view, code, cast(Kind, case.kind), urgency, case.filing_condition)
    except UnknownClass:
        # Intake let the case in by an older rulebook; a combination that exists no more makes no clock.
        return "refused"
