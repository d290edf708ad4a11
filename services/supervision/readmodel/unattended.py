"""Events → open cases that need a look, for no clock of whoever must act watches them. Part of the projection: sees no
clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import get_args

from libs.case.state import Case
from libs.events.contracts.intake import CaseImported
from libs.events.contracts.parts.clock import Clock
from libs.events.contracts.supervision import CaseLeftAlone
from libs.events.envelope import Recorded
from libs.log.read.rows import ReadModel, Row
from services.supervision.readmodel.tables import clock, unattended

UNTIL_FEEDBACK = ("REGISTERED", "DISPATCHED", "IN_PROGRESS", "RETURN_PENDING", "ARBITRATION")
"""States in which a unit or the dispatcher must act; before the case waits for the operator, afterwards for the
centre."""
AFTER_FEEDBACK = ("FEEDBACK", "VERIFYING", "CALLBACK")
OF_THE_CENTRE = ("dispatch", "arbitration")
WATCHED_BY: Mapping[str, tuple[Clock, ...]] = {
    **dict.fromkeys(UNTIL_FEEDBACK, get_args(Clock)),
    **dict.fromkeys(("DISPATCHED", "IN_PROGRESS"), ("handling", "rework")),
    **dict.fromkeys(AFTER_FEEDBACK, ("review", "verification", "callback", "close")),
}
"""By which clocks an open case is watched in a state. A state that is not here is watched by none: whatever is in it is
looked at."""


def follow(rows: ReadModel, event: Recorded, case: Case) -> None:
    """The case among those that need a look, or no more."""
    before = rows[unattended].get(case.case_id)
    # It is told once of each last step.
    same = before is not None and before["last_step_at"] == case.last_step_at
    # Of orders that moved in, the report of their import tells.
    told = isinstance(event.data, CaseLeftAlone | CaseImported) or (before is not None and same and before["told"])
    row = row_of(case, rows[clock].of_case(case.case_id), told=told)
    if row and row != before:
        rows[unattended].put(row)
    elif before and not row:
        rows[unattended].remove(case.case_id)


def row_of(case: Case, clocks: Sequence[Row], *, told: bool = False) -> Row | None:
    """What there is to be looked at; None where a clock watches, or nobody has to act."""
    if case.ended:
        return None
    running = [one for one in clocks if one["stopped_at"] is None]
    watched = [one for one in running if one["clock"] in WATCHED_BY.get(case.state, ())]
    if case.unit and any(not one["exempt"] for one in watched):
        return None
    return {
        **{name: getattr(case, name) for name in ("case_id", "lane", "state", "unit", "grid", "class_code")},
        **{name: getattr(case, name) for name in ("last_step", "last_step_at", "received_at")},
        "decide_by": latest(running),
        # Where the rulebook sets no limit there is no overall clock either, but others are there or were.
        "clockless": not watched and (not clocks or any(one["clock"] == "overall" for one in clocks)),
        "told": told,
        "left_by": case.left_by,
    }


def latest(running: Sequence[Row]) -> datetime | None:
    """Until when dispatch or arbitration is in time; None where neither runs."""
    return max((one["due_at"] for one in running if one["clock"] in OF_THE_CENTRE), default=None)
