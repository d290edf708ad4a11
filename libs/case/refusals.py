"""Refusals that several services share; who asks for evidence or a reason of his own says so in a subclass. Pure."""

from __future__ import annotations

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
