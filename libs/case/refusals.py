"""Refusals that several services share; who asks for evidence or a reason of his own says so in a subclass. Pure."""

from __future__ import annotations

from datetime import datetime

from libs.directory.facts.view import View, has_ended
from libs.directory.rules.naming import Naming
from libs.events.contracts.directory import CatalogueItemPublished, UnitPublished
from libs.events.errors import Forbidden, Malformed, Rejected


class NotInThisState(Rejected):
    """The case or its order has gone on, or has not come so far."""

    code = "E-STATE"


class NotYourUnit(Forbidden):
    """The case belongs to another unit."""

    code = "E-UNIT"
    zh = "该案件不属于您所在的单位"
    en = "the case is another unit's"


class EvidenceMissing(Rejected):
    """What is reported from the place needs its location, a photo, or both."""

    code = "E-EVIDENCE"
    zh = "缺少定位或照片"
    en = "a location or a photo is missing"


class ReasonMissing(Malformed):
    """Whoever decides against somebody, or against a proposal, says why."""

    code = "E-REASON"
    zh = "须说明理由"
    en = "give a reason"


class HasEnded(Rejected):
    """The unit or class has ended on its date: nothing new starts there (SUC-1). `allowed` names what succeeded it."""

    code = "E-ENDED"

    def __init__(self, ended: UnitPublished | CatalogueItemPublished, directory: View, at: datetime) -> None:
        heir = _heir_of(ended, directory, at)
        day = Naming(directory).last_day(ended.until)
        evidence = directory.published_by(type(ended), _key_of(ended))
        super().__init__(
            rule="SUC-1",
            evidence=[evidence] if evidence else [],
            allowed=[_key_of(heir)] if heir else [],
            zh=f"{ended.name_zh}至 {day} 止, " + (f"由{heir.name_zh}承接, 请改选" if heir else "没有承接, 请另选"),
            en=f"{ended.name_en} ended on {day}; "
            + (f"{heir.name_en} has succeeded it" if heir else "nothing has succeeded it"),
        )


def require_living(one: UnitPublished | CatalogueItemPublished, directory: View, at: datetime) -> None:
    """Raises `HasEnded`."""
    if has_ended(one, at):
        raise HasEnded(one, directory, at)


def _key_of(one: UnitPublished | CatalogueItemPublished) -> str:
    return one.id if isinstance(one, UnitPublished) else one.code


def _heir_of(
    ended: UnitPublished | CatalogueItemPublished, directory: View, at: datetime
) -> UnitPublished | CatalogueItemPublished | None:
    if isinstance(ended, UnitPublished):
        return directory.unit(directory.living_unit(ended.id, at) or "")
    return directory.catalogue(directory.living_class(ended.code, at) or "")
