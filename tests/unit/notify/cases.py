"""Cases of the demo town, and events of theirs that somebody must be told of."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from libs.case.state import Case
from libs.events.contracts import intake, routing, supervision
from libs.events.contracts.parts.clock import Clock
from libs.events.event import Event
from libs.events.ids import ClassCode, ClockId, GridCode, PersonId, UnitId

CASE = "0199a5b0-7c1e-7d3a-9f00-2b6c1d5e8a01"
MONDAY = datetime(2026, 11, 2, 1, 0, tzinfo=UTC)
DUE = datetime(2026, 11, 9, 16, 0, tzinfo=UTC)
HOUSING = UnitId("county-housing")

REGISTERED = intake.CaseRegistered(
    registered_by=PersonId("zhou-min"),
    kind="complaint",
    class_code=ClassCode("manhole"),
    urgency="U3",
    grid=GridCode("G03"),
)
NOT_ACCEPTED = intake.CaseNotAccepted(
    refused_by=PersonId("zhou-min"),
    reason_code="LITIGATION",
    legal_basis="《信访工作条例》第三十三条",
    alternative="县人民法院",
)
DISPATCHED = routing.CaseDispatched(unit=HOUSING, dispatched_by=PersonId("chen-li"), class_code=ClassCode("manhole"))
ASSIGNED = routing.HandlerAssigned(unit=HOUSING, handler=PersonId("zheng-kai"), assigned_by=PersonId("fang-yun"))
VERIFICATION = supervision.VerificationAssigned(
    verifier=PersonId("zhao-qiang"), assigned_by=PersonId("system"), round=1, because="e-1"
)
CLOSED = supervision.CaseClosed(closed_by=PersonId("wu-qian"), close_kind="HANDLED", round=1)


def warned(clock: Clock, unit: UnitId | None = HOUSING) -> Event:
    return supervision.DeadlineWarned(
        clock_id=ClockId("e-1"), clock=clock, round=1, unit=unit, instant=MONDAY, due_at=DUE
    )


def breached(clock: Clock, unit: UnitId | None = HOUSING) -> Event:
    return supervision.DeadlineBreached(
        clock_id=ClockId("e-1"), clock=clock, round=1, unit=unit, instant=DUE, due_at=DUE
    )


def escalated(level: int, told: str | None) -> Event:
    return supervision.AutoEscalated(
        clock_id=ClockId("e-1"),
        clock="handling",
        level=level,
        round=1,
        unit=HOUSING,
        instant=DUE,
        told_unit=UnitId(told) if told else None,
    )


def appeal(**known: Any) -> Case:
    """A named citizen's appeal about a manhole in G03, handled by the housing bureau unless said otherwise."""
    return Case(
        **{
            "case_id": CASE,
            "lane": 2,
            "reporter_kind": "NAMED",
            "class_code": "manhole",
            "urgency": "U3",
            "grid": "G03",
            "unit": "county-housing",
            "units": ("county-housing",),
        }
        | known
    )
