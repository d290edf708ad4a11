"""An order's clocks and its rule chain as the answers of routing show them. Asks nothing."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import orjson


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
