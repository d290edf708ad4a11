"""Events → open cases that need a look, for no clock of a unit watches them. Part of the projection: sees no clock."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from libs.case.state import Case
from libs.log.read.rows import ReadModel, Row
from services.supervision.readmodel.tables import clock, unattended

CLOCKED = ("REGISTERED", "DISPATCHED", "IN_PROGRESS", "RETURN_PENDING", "ARBITRATION")
"""States in which a clock runs; afterwards the case waits for the centre, before for the operator."""
WITH_THE_UNIT = ("DISPATCHED", "IN_PROGRESS")
OF_THE_UNIT = ("handling", "rework")
OF_THE_CENTRE = ("dispatch", "arbitration")


def follow(rows: ReadModel, case: Case) -> None:
    """The case among those that need a look, or no more."""
    row, before = row_of(case, rows[clock].of_case(case.case_id)), rows[unattended].get(case.case_id)
    if row and row != before:
        rows[unattended].put(row)
    elif before and not row:
        rows[unattended].remove(case.case_id)


def row_of(case: Case, clocks: Sequence[Row]) -> Row | None:
    """What there is to be looked at; None where a clock watches, or nobody has to act."""
    running = [one for one in clocks if one["stopped_at"] is None]
    watched = [one for one in running if case.state not in WITH_THE_UNIT or one["clock"] in OF_THE_UNIT]
    waits = case.state in CLOCKED and not (case.unit and any(not one["exempt"] for one in watched))
    if case.state != "RECEIVED" and not waits:
        return None
    return {
        **{name: getattr(case, name) for name in ("case_id", "lane", "state", "unit", "grid", "class_code")},
        **{name: getattr(case, name) for name in ("last_step", "last_step_at", "received_at")},
        "decide_by": latest(running),
        # Where the rulebook sets no limit there is no overall clock either, but others are there or were.
        "clockless": not watched and (not clocks or any(one["clock"] == "overall" for one in clocks)),
    }


def latest(running: Sequence[Row]) -> datetime | None:
    """Until when dispatch or arbitration is in time; None where neither runs."""
    return max((one["due_at"] for one in running if one["clock"] in OF_THE_CENTRE), default=None)
