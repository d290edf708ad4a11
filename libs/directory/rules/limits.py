"""Which limit of the rulebook holds for a case: filing condition, then class, then the general table. Pure."""

from __future__ import annotations

from typing import Literal, get_args

from libs.directory.facts.view import View
from libs.events.contracts.parts.rulebook import Kind, PerUrgency, Stage
from libs.events.errors import Malformed
from libs.events.ids import ClassCode

Urgency = Literal["U1", "U2", "U3", "U4"]
URGENCIES: tuple[Urgency, ...] = get_args(Urgency)


class UnknownClass(Malformed):
    """The class, its filing condition, or the combination of kind and urgency does not exist."""

    code = "E-CLASS"
    zh = "事项分类、立案条件或紧急程度的组合不存在"
    en = "no such class, filing condition, or combination of kind and urgency"


def stage_limit(view: View, stage: Stage, urgency: Urgency, class_code: ClassCode | None = None) -> str:
    """The limit of a stage other than handling: `15min`, `4wh`, …, `none`; `refused` where it cannot occur."""
    item = view.catalogue(class_code) if class_code else None
    own = item.limits.get(stage) if item else None
    return _of(own or view.rulebook.limits.get(stage), urgency)


def handling_limit(
    view: View, class_code: ClassCode, kind: Kind, urgency: Urgency, filing_condition: str | None = None
) -> str:
    """The handling limit of a case (rulebook.md e.2); raises `UnknownClass` where the rulebook refuses it."""
    if (item := view.catalogue(class_code)) is None or kind not in item.kinds:
        raise UnknownClass
    if filing_condition is not None:
        limits = [one.limit for one in item.filing_conditions if one.id == filing_condition]
        limit = limits[0] if limits else "refused"
    else:
        limit = _of(item.handling.get(kind) or view.rulebook.handling.get(kind), urgency)
    if limit == "refused":
        raise UnknownClass
    return limit


def _of(row: PerUrgency | None, urgency: Urgency) -> str:
    return str(getattr(row, urgency)) if row else "refused"
