"""Civil half-days: what counts as another try to reach somebody. Pure."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal
from zoneinfo import ZoneInfo

NOON = 12


def half_day(at: datetime, tz: str) -> tuple[date, Literal["AM", "PM"]]:
    """The civil day of the town and its half, in which an instant lies (rulebook.md c.3 #36)."""
    local = at.astimezone(ZoneInfo(tz))
    return local.date(), "AM" if local.hour < NOON else "PM"
