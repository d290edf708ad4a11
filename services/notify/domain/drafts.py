"""目录草案: who waits for a draft of the directory, and whose it was, is told of it. Pure: no I/O, no clock."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from libs.directory.facts.view import View
from libs.events.contracts.directory import DraftMade, DraftPublished, DraftWithdrawn
from libs.events.ids import PersonId
from services.notify.domain.channels import Telling, by_channels
from services.notify.domain.telling import Message

Told = DraftMade | DraftPublished | DraftWithdrawn
"""Of what somebody is told; who tried in vain was refused on the spot."""


def messages_of(event: Told, drafted_by: PersonId, view: View, at: datetime) -> tuple[Message, ...]:
    """A draft is told to the other administrators in office; its end to its drafter, unless he ended it himself.

    Of the parts of a large draft the last one is told.
    """
    values = {"drafted_by": drafted_by}
    match event:
        case DraftMade(part=part, parts=parts):
            others = [one for one in view.holders("ADMIN", None, at) if one != view.natural(drafted_by)]
            return tuple(_each(others if part == parts else [], "draft_waiting", values, view, at))
        case DraftPublished(published_by=person):
            template = "draft_published"
        case DraftWithdrawn(withdrawn_by=person):
            template = "draft_withdrawn"
    drafter = [] if view.natural(person) == view.natural(drafted_by) else [drafted_by]
    return tuple(_each(drafter, template, values | {"ended_by": person}, view, at))


def _each(
    people: list[PersonId], template: str, values: Mapping[str, str], view: View, at: datetime
) -> Iterator[Message]:
    for person in people:
        yield from by_channels(Telling(f"person:{person}", template, values), view, at)
