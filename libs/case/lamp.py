"""红黄绿灯: what the lamp of a clock shows at an instant (rulebook.md f.1). Pure; supervision counts when it turns."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

Lamp = Literal["GREEN", "YELLOW", "RED", "LONG_RED"]
"""绿, 黄, 红, 长红."""


def lamp(
    at: datetime,
    *,
    due_at: datetime,
    yellow_at: datetime | None,
    long_red_at: datetime | None,
    stopped_at: datetime | None = None,
) -> Lamp:
    """黄 from `yellow_at` on, 红 just after `due_at`, 长红 just after `long_red_at`; None is never reached.

    A clock that has stopped shows for ever what it showed then.
    """
    seen = min(at, stopped_at) if stopped_at else at
    if seen > due_at:
        return "LONG_RED" if long_red_at and seen > long_red_at else "RED"
    return "YELLOW" if yellow_at and seen >= yellow_at else "GREEN"


def lamp_of(row: Mapping[str, Any], at: datetime, clock: str = "") -> Lamp | None:
    """The lamp of a clock in a row; None where there is none. `clock` is the prefix of its columns: `dispatch_`."""
    names = ("due_at", "yellow_at", "long_red_at", "stopped_at")
    instants = {name: row[clock + name] for name in names}
    return lamp(at, **instants) if instants["due_at"] else None
