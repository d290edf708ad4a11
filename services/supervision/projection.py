"""Events → the clocks that people see. Sees the event and nothing else."""

from __future__ import annotations

from libs.events.contracts.supervision import ClockMoved, ClocksEnded, DeadlineBreached, KnownClock
from libs.events.envelope import Recorded
from libs.events.lifecycle import Case
from libs.events.readmodel import ReadModel, Row, Rows
from services.supervision.tables import clock

KNOWN = ("clock", "round", "started_at", "due_at", "yellow_at", "long_red_at", "stopped_at", "breach_at", "exempt")
OF_THE_CASE = ("dispatch", "overall")
"""Clocks that belong to no unit of their own: they stand under the unit that holds the case."""


def project(rows: ReadModel, event: Recorded, case: Case) -> None:
    """One event into the clocks of its case."""
    clocks = rows[clock]
    match event.data:
        case ClockMoved() as moved:
            put(clocks, moved, case)
        case ClocksEnded() as ended:
            for known in ended.clocks:
                put(clocks, known, case)
        case DeadlineBreached() as breached:
            if clocks.get(case.case_id, breached.clock_id):
                clocks.change(case.case_id, breached.clock_id, breach_recorded_at=event.recorded_at)
        case _:
            pass
    for row in clocks.of_case(case.case_id):
        if changes := moved_case(row, case):
            clocks.put({**row, **changes})


def put(clocks: Rows, known: KnownClock, case: Case) -> None:
    """A clock as the event says it; one that never ran has no row."""
    before = clocks.get(case.case_id, known.clock_id)
    if known.started_at is None:
        if before:
            clocks.remove(case.case_id, known.clock_id)
        return
    clocks.put(
        {
            "case_id": case.case_id,
            "clock_id": known.clock_id,
            "lane": case.lane,
            "unit": known.unit or case.unit,
            "grid": case.grid,
            "class_code": case.class_code,
            "urgency": case.urgency,
            "breach_recorded_at": before["breach_recorded_at"] if before else None,
            "provisional": known.provisional,
            **{name: getattr(known, name) for name in KNOWN},
        }
    )


def moved_case(row: Row, case: Case) -> Row:
    """What the case says now and the row does not yet: a later unit, another class or grid."""
    wanted: Row = {"grid": case.grid, "class_code": case.class_code, "urgency": case.urgency}
    if row["clock"] in OF_THE_CASE:
        wanted["unit"] = case.unit
    return wanted if any(row[name] != value for name, value in wanted.items()) else {}
