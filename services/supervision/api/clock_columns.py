"""A clock as the answers of supervision show it: its instants, its lamp, its verdict. Asks nothing."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

from libs.case.lamp import lamp_of

Verdict = Literal["ON_TIME", "OVERDUE", "RUNNING", "EXEMPT"]


def verdict_of(row: Mapping[str, Any], at: datetime) -> Verdict:
    """What the fold says of a clock at an instant; on time iff stopped no later than due (CLK-04)."""
    if row["breach_at"] and row["breach_at"] < at:
        return "OVERDUE"
    if row["exempt"]:
        return "EXEMPT"
    return "ON_TIME" if row["stopped_at"] and row["stopped_at"] <= at else "RUNNING"


def clock_document(row: Mapping[str, Any], at: datetime) -> dict[str, Any]:
    """A clock as a case shows it."""
    names = ("clock_id", "clock", "round", "unit", "started_at", "due_at", "yellow_at", "stopped_at")
    marks = ("provisional", "imported")
    return {name: row[name] for name in (*names, *marks)} | {
        "lamp": lamp_of(row, at),
        "verdict": verdict_of(row, at),
        "confirmed": row["breach_recorded_at"] is not None,
    }
