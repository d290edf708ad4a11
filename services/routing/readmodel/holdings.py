"""Events → what each unit holds: its orders, how many, and its feed. Sees the event and nothing else.

A unit holds an order as lead or as co-handling unit. Every row is owned by one lane, so sequences run per (unit, lane):
a reader who has 1 … n of each lane of his unit has missed nothing, whatever the other lanes do meanwhile.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal

from libs.case.state import TERMINAL, Case
from libs.events.contracts.supervision import ClockMoved, ClocksEnded, ClocksRevived
from libs.events.envelope import Recorded
from libs.log.read.rows import ReadModel, Row
from services.routing.readmodel.tables import feed_entry, held_order, unit_lane

Role = Literal["lead", "co"]
ALL_UNITS = "*"
NEVER = datetime(9999, 12, 31, tzinfo=UTC)
"""Later than anything: what has no due time, or is not due any more, comes last."""
CLOCKS = (ClockMoved, ClocksEnded, ClocksRevived)
DUES = ("sign_due_at", "due_at", "yellow_at", "long_red_at", "overall_due_at", "stopped_at")
TOLD = ("round", "kind", "class_code", "urgency", "grid", "sign_due_at", "due_at", "overall_due_at", "stopped_at")


def follow(rows: ReadModel, event: Recorded, before: Row | None, after: Row, case: Case) -> None:
    """One event into the lists, counts and feeds of the units that hold the order, or held it until now."""
    _count(rows, ALL_UNITS, case.lane, waiting(before), waiting(after))
    told = concerns(event, before, after)
    for unit in case.units:
        was = rows[held_order].get(case.case_id, unit)
        role = role_of(case, unit)
        now = held(case, unit, role, after) if role else None
        if now != was:
            _hold(rows, was, now)
        if told and (was or now):
            _tell(rows, unit, change(event, role, after, case))


def role_of(case: Case, unit: str) -> Role | None:
    """In which role the unit holds the case now."""
    if unit == case.unit:
        return "lead"
    return "co" if unit in case.co_units else None


def waiting(order: Row | None) -> str | None:
    """Which part of the dispatcher's queue counts the order."""
    if order is None or order["state"] not in ("REGISTERED", "ARBITRATION"):
        return None
    if order["state"] == "ARBITRATION":
        return None if order["unit"] else "queue disputed"
    return "queue unrouted" if order["proposed"] is None and order["dispatch"] else "queue routed"


def concerns(event: Recorded, before: Row | None, after: Row) -> bool:
    """Whether the units of the case hear of the event: of acts always, of clocks when a due time shown has moved."""
    if event.data.owner == "notify" or not event.stream.startswith("case-"):
        return False
    if isinstance(event.data, CLOCKS):
        return before is None or any(before[name] != after[name] for name in DUES)
    return True


def held(case: Case, unit: str, role: Role, order: Row) -> Row:
    """The order as it stands in the list of one unit."""
    return {
        "case_id": case.case_id,
        "unit": unit,
        "lane": case.lane,
        "role": role,
        "state": case.state,
        "open": case.state not in TERMINAL,
        "handler": case.handler if role == "lead" else None,
        "grid": order["grid"],
        **thresholds(order),
    }


def thresholds(order: Row) -> Row:
    """From when on the lamp of the order shows which colour; what a stopped clock did not reach is never reached."""
    stopped, due = order["stopped_at"], order["due_at"]
    yellow, long_red = order["yellow_at"], order["long_red_at"]
    if due is None:
        return {"yellow_from": None, "red_from": NEVER, "long_red_from": NEVER}
    return {
        "yellow_from": yellow if yellow and (stopped is None or stopped >= yellow) else NEVER,
        "red_from": due if stopped is None or stopped > due else NEVER,
        "long_red_from": long_red if long_red and (stopped is None or stopped > long_red) else NEVER,
    }


def change(event: Recorded, role: Role | None, order: Row, case: Case) -> Row:
    """What a unit in this role is told: the event, and the order as it stands after it."""
    return {
        "lane": case.lane,
        "case_id": case.case_id,
        "version": sum(case.versions.values()),
        "event_id": event.id,
        "type": event.type,
        "recorded_at": event.recorded_at,
        "role": role,
        "state": case.state,
        "lead_unit": case.unit,
        "handler": case.handler,
        **{name: order[name] for name in TOLD},
    }


def _hold(rows: ReadModel, was: Row | None, now: Row | None) -> None:
    row = now or was or {}
    if now:
        rows[held_order].put(now)
    else:
        rows[held_order].remove(row["case_id"], row["unit"])
    for unit in (row["unit"], ALL_UNITS):
        _count(rows, unit, row["lane"], _counter(was), _counter(now))


def _counter(row: Row | None) -> str | None:
    return f"{row['role']} {row['state']}" if row else None


def _count(rows: ReadModel, unit: str, lane: int, was: str | None, now: str | None) -> None:
    if was == now:
        return
    row = _lane(rows, unit, lane)
    counts = dict(row["counts"])
    for key, step in ((was, -1), (now, 1)):
        if key:
            counts[key] = counts.get(key, 0) + step
    rows[unit_lane].put({**row, "counts": {key: count for key, count in counts.items() if count}})


def _tell(rows: ReadModel, unit: str, told: Row) -> None:
    lane = _lane(rows, unit, told["lane"])
    sequence = lane["sequence"] + 1
    rows[unit_lane].put({**lane, "sequence": sequence})
    rows[feed_entry].put({"unit": unit, "sequence": sequence, **told})


def _lane(rows: ReadModel, unit: str, lane: int) -> Row:
    return rows[unit_lane].get(unit, lane) or {"unit": unit, "lane": lane, "sequence": 0, "counts": {}}
