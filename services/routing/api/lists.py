"""What the lists of routing share: what they are complete over, the parameters of a page, whose orders are listed."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query

from libs.case.access import Sight, sight
from libs.log.watermarks.watermark import DECIDING_SOURCES
from libs.service.http.dependencies import Person
from services.routing.domain.work_order import NotYourOrder

LISTED = DECIDING_SOURCES
Limit = Annotated[int, Query(ge=1, le=200)]
Cursor = Annotated[str | None, Query(max_length=300)]


def own_sight(person: Person, unit: str | None) -> Sight:
    """What the caller may list; raises `NotYourOrder` where a department asks for another one's work."""
    seen = sight(person.actor, person.directory, person.now)
    if unit and seen.units and unit not in seen.units:
        raise NotYourOrder()
    return seen
