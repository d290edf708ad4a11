"""An order's clocks and its rule chain as the answers of routing show them. Asks nothing."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

import orjson

Lamp = Literal["GREEN", "YELLOW", "RED", "LONG_RED"]


def lamp(row: Any, at: datetime, clock: str = "") -> Lamp | None:
    """红黄绿灯 of the work clock at an instant, or at its stop (rulebook.md f.1); None without a clock.

    `clock`: prefix of another clock's columns, `dispatch_`.
    """
    due_at, yellow_at, long_red_at, stopped_at = (
        row[clock + name] for name in ("due_at", "yellow_at", "long_red_at", "stopped_at")
    )
    if due_at is None:
        return None
    until = min(stopped_at or at, at)
    if long_red_at and until > long_red_at:
        return "LONG_RED"
    if until > due_at:
        return "RED"
    return "YELLOW" if yellow_at and until >= yellow_at else "GREEN"


def due_times(row: Any) -> dict[str, Any]:
    """When what is due, as supervision's clocks say; null where there is no clock."""
    names = ("dispatched_at", "signed_at", "sign_due_at", "due_at", "yellow_at", "stopped_at", "overall_due_at")
    return {name: text_or_none(row[name]) for name in names} | {"provisional": row["provisional"]}


def reasons(row: Any) -> dict[str, Any]:
    """Why the case goes where it goes, and why not elsewhere."""
    return {"rule_chain": orjson.loads(row["chain"]), "rejected": orjson.loads(row["rejected"])}


def text_or_none(at: datetime | None) -> str | None:
    """An instant as the answer shows it."""
    return at.isoformat() if at else None
