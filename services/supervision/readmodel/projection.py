"""Events → the clocks that people see, and what they were before. Sees the event and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise

from libs.case.state import Case
from libs.events.contracts.parts.clock import KnownClock
from libs.events.contracts.supervision import (
    ClockImported,
    ClockMoved,
    ClocksEnded,
    ClocksRevived,
    ClockStarted,
    DeadlineBreached,
)
from libs.events.envelope import Recorded
from libs.log.read.rows import ReadModel, Row, Rows
from services.supervision.readmodel import unattended
from services.supervision.readmodel.tables import case_past, clock, clock_past
from services.supervision.readmodel.versions import SINCE, amend

KNOWN = (
    *("clock", "round", "started_at", "due_at", "yellow_at", "long_red_at"),
    *("stopped_at", "breach_at", "exempt", "provisional"),
)
OF_THE_CASE = ("dispatch", "overall", "return_decision", "arbitration", "review", "verification", "callback", "close")
"""Clocks that belong to no unit of their own: they stand under the unit that holds the case."""
ON_EVERY_CLOCK = ("grid", "class_code", "urgency", "supervision_level")
LISTED = (
    *("state", "unit", "grid", "class_code", "urgency", "handler", "supervision_level"),
    *("last_step", "last_step_at"),
)
"""What a list shows of the case itself."""


def project(rows: ReadModel, event: Recorded, case: Case) -> None:
    """One event into the clocks of its case, and into what was known when.

    A clock says something from the instant of the fact that moved it, a case from the instant its event was recorded.
    """
    match event.data:
        case ClockMoved() as moved:
            put(rows, moved, case, moved.at)
        case ClocksEnded() | ClocksRevived() as moved_all:
            for known in moved_all.clocks:
                put(rows, known, case, moved_all.at)
        case DeadlineBreached() as breached:
            if rows[clock].get(case.case_id, breached.clock_id):
                rows[clock].change(case.case_id, breached.clock_id, breach_recorded_at=event.recorded_at)
        case _:
            pass
    if event.stream.startswith("case-"):
        follow_case(rows, case, event.recorded_at)
        unattended.follow(rows, event, case)


def put(rows: ReadModel, known: KnownClock, case: Case, at: datetime) -> None:
    """A clock as the event says it; one that never ran has no row, and never had one."""
    versions = versions_of(rows, case.case_id, known.clock_id)
    if known.started_at is None:
        keep(rows, case.case_id, known.clock_id, [])
        return
    changes: Row = {name: getattr(known, name) for name in KNOWN} | {"unit": known.unit or case.unit}
    # Events of before it was said: only the start of a clock tells.
    if version := known.calendar_version or getattr(known, "directory_version", None):
        changes["calendar_version"] = version
    if isinstance(known, ClockStarted):
        changes["by_calendar"] = (known.limit or "").endswith(("wh", "wd")) or known.counted_from is not None
    if not versions:
        changes |= {"case_id": case.case_id, "clock_id": known.clock_id, "lane": case.lane, "breach_recorded_at": None}
        changes |= {"imported": case.imported_at is not None}
        changes = {"calendar_version": None, "by_calendar": False, **changes, **_of(case, ON_EVERY_CLOCK)}
    if isinstance(known, ClockImported) and known.breach_at and known.breach_at <= at:
        # The source's instants say it: nothing more will be recorded of it.
        changes["breach_recorded_at"] = at
    keep(rows, case.case_id, known.clock_id, amend(versions, at, changes))


def follow_case(rows: ReadModel, case: Case, at: datetime) -> None:
    """What the case says now and its rows do not yet: a later unit, another class or grid, the last step."""
    for row in rows[clock].of_case(case.case_id):
        wanted = _of(case, ON_EVERY_CLOCK) | ({"unit": case.unit} if row["clock"] in OF_THE_CASE else {})
        if changes := _new(row, wanted):
            versions = versions_of(rows, case.case_id, row["clock_id"])
            # What is read late may be older than the clock, which was not there then.
            since = max(at, versions[0][SINCE])
            keep(rows, case.case_id, row["clock_id"], amend(versions, since, changes))
    before = sorted(rows[case_past].of_case(case.case_id), key=lambda row: row[SINCE])
    listed = _of(case, LISTED) | {"co_units": list(case.co_units)}
    if changes := _new(before[-1], listed) if before else listed | {"case_id": case.case_id, "lane": case.lane}:
        replace(rows[case_past], before, amend(before, at, changes))


def versions_of(rows: ReadModel, case_id: str, clock_id: str) -> list[Row]:
    """All versions of one clock, oldest first, with the columns of `clock`; the last one is the clock as it is."""
    past = [row for row in rows[clock_past].of_case(case_id) if row["clock_id"] == clock_id]
    now = rows[clock].get(case_id, clock_id)
    found = [{name: row[name] for name in row if name != "known_until"} for row in past]
    return sorted([*found, *([now] if now else [])], key=lambda row: row[SINCE])


def keep(rows: ReadModel, case_id: str, clock_id: str, versions: Sequence[Row]) -> None:
    """These versions of a clock and no others."""
    before = [row for row in rows[clock_past].of_case(case_id) if row["clock_id"] == clock_id]
    replace(rows[clock_past], before, [{**one, "known_until": after[SINCE]} for one, after in pairwise(versions)])
    if not versions:
        rows[clock].remove(case_id, clock_id)
    elif rows[clock].get(case_id, clock_id) != versions[-1]:
        rows[clock].put(versions[-1])


def replace(rows: Rows, before: Sequence[Row], after: Sequence[Row]) -> None:
    """Rows of one table by others of the same owner; what stays is not written again."""
    keys = {rows.key(row) for row in after}
    for row in before:
        if rows.key(row) not in keys:
            rows.remove(*rows.key(row))
    for row in after:
        if rows.get(*rows.key(row)) != row:
            rows.put(row)


def _of(case: Case, names: Sequence[str]) -> Row:
    return {name: getattr(case, name) for name in names}


def _new(row: Row, wanted: Row) -> Row:
    """Where the row says something else."""
    return {name: value for name, value in wanted.items() if row[name] != value}
