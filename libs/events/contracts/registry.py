"""Every event type that this code knows, and how bytes become one. No I/O."""

from __future__ import annotations

from pydantic import ValidationError

from libs.events.contracts import directory, intake, notify, routing, supervision
from libs.events.errors import UnknownEvent
from libs.events.event import Event

OWNERS = (directory, intake, routing, supervision, notify)
OLDER: tuple[type[Event], ...] = (*intake.OLDER, *routing.OLDER)
"""Versions that nobody writes any more and everybody still reads."""
TYPES: dict[str, type[Event]] = {kind.ce_type: kind for owner in OWNERS for kind in owner.EVENTS} | {
    kind.ce_type: kind for kind in OLDER
}


def decode(ce_type: str, body: bytes) -> Event:
    """The event that these bytes say, in its newest version; raises `UnknownEvent` for one newer than this code.

    Bytes that are not an event of their type are as unknown: whoever reads them halts instead of dying.
    """
    kind = TYPES.get(ce_type)
    if kind is None:
        raise UnknownEvent(ce_type)
    try:
        return kind.model_validate_json(body).upcast()
    except ValidationError:
        # Without its cause, whose words would repeat the body.
        raise UnknownEvent(f"{ce_type}: the body does not fit") from None
