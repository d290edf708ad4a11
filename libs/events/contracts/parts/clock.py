"""What an event says of a clock, whichever event it is; the events are in contracts/supervision.py."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

from libs.events.ids import ClockId, UnitId

Clock = Literal[
    "dispatch",
    "sign",
    "first_contact",
    "handling",
    "rework",
    "overall",
    "return_decision",
    "arbitration",
    "review",
    "verification",
    "callback",
    "close",
    "response",
]
"""rulebook.md e.2, e.3."""
Alarm = Literal["NO_UNIT", "UNIT_VACANT", "UNIT_ENDED", "NO_CLOCK", "NO_STEP", "NOT_REGISTERED"]
"""Why no clock of whoever must act watches an open case (rulebook.md e.3)."""


class KnownClock(BaseModel):
    """A clock as it was known when an event was written, so that read models need no calendar."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    clock_id: ClockId
    """`<event id of the starting fact>/<clock>`: the same whenever and by whomever it is derived."""
    clock: Clock
    round: int
    unit: UnitId | None = None
    started_at: datetime | None
    """None: the clock never ran, because its stage or its case was over before (CLK-14)."""
    due_at: datetime | None
    yellow_at: datetime | None = None
    """The first instant of 黄."""
    long_red_at: datetime | None = None
    """The last instant before 长红."""
    stopped_at: datetime | None = None
    breach_at: datetime | None = None
    """When the clock passed its due instant; of a running clock, when it will."""
    exempt: bool = False
    provisional: bool = False
    """It is counted over days of a year for which the notice is not out (CLK-15)."""
    calendar_version: int | None = None
    """Version of the directory by whose calendar it is counted."""
