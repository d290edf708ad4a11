"""The parts of the rulebook document that `RulebookPublished` carries. Owns no event; no I/O.

Integers and strings only: floats break hashes across languages.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from libs.events.ids import ClassCode

Limit = Annotated[str, Field(pattern=r"^(none|refused|[0-9]+(min|h|wh|wd|d))$")]
"""`15min` and `24h` run continuously, `4wh` working hours, `5wd` working days, `30d` natural days; `none` = no clock,
`refused` = this combination does not exist (E-CLASS)."""
Term = Annotated[str, Field(pattern=r"^(none|[1-9][0-9]*(min|h|wh|wd|d))$")]
"""As a limit; `none` = at any time."""
Days = Annotated[str, Field(pattern=r"^[0-9]+d$")]
"""Natural days: `90d`."""
Share = Annotated[str, Field(pattern=r"^([0-9]+/[1-9][0-9]*|[0-9]+(\.[0-9]+)?)$")]
"""An exact fraction or decimal as text: `2/3`, `0.10`."""
Window = Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]-(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$")]
"""Working window of a working day, local time: `08:00-12:00`."""

Strength = Literal["strict", "standard", "compatible"]
Kind = Literal[
    "consult",
    "help",
    "complaint",
    "report",
    "suggestion",
    "praise",
    "grid_livelihood",
    "grid_safety",
    "grid_dispute",
    "city_management",
]
Stage = Literal[
    "intake_phone",
    "intake_web",
    "screening",
    "precheck",
    "dispatch",
    "sign",
    "return_request",
    "return_decision",
    "arbitration",
    "first_contact",
    "review",
    "verification",
    "callback",
    "rework",
    "close",
    "archive",
    "supervision_response",
]
"""Stages of the limits table but handling, which has a row per kind (rulebook.md e.2)."""


class Part(BaseModel):
    """A part of a fact; old code ignores what newer code adds."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class PerUrgency(Part):
    """One limit per urgency."""

    U1: Limit
    U2: Limit
    U3: Limit
    U4: Limit


class Separation(Part):
    """巡办分离: its strength, and the self-handling switch."""

    strength: Strength
    self_handle: Literal["forbid", "whitelist"] = "forbid"
    self_handle_whitelist: tuple[ClassCode, ...] = ()
    self_handle_sample: Share = "0.10"
    closing_sample: Share = "0.02"
    dual_hat_max: Days = "90d"


class WorkClock(Part):
    """Working time: zone, windows, and how day limits are counted."""

    tz: str
    windows: tuple[Window, ...] = Field(min_length=1)
    hours_per_workday: int
    minutes_per_workday: int = Field(default=0, ge=0, le=59)
    """Beside the whole hours: 7 and 30 are seven and a half."""
    day_end: Literal["24:00", "COB"] = "24:00"
    first_day: Literal["next_working_day"] = "next_working_day"


class Returns(Part):
    """退单: how often per unit and per case, and what comes then; until when, `limits.return_request` says."""

    window: PerUrgency | None = Field(default=None, description="Of older rulebooks; `limits.return_request` decides.")
    per_unit: int
    per_case: int
    then: Literal["arbitration"] = "arbitration"


class Extension(Part):
    """延期: how often per urgency, how long, and until when it may be asked for."""

    U1: int
    U2: int
    U3: int
    U4: int
    each_max: Literal["original_limit"] = "original_limit"
    total_max: Limit
    apply_before: Limit
    silence: Literal["refused"] = "refused"
    overdue: Literal["refuse"] = "refuse"


class Suspension(Part):
    """挂账: how often, how long, and how often progress is noted."""

    max_times: int
    max_length: str
    progress_note: Literal["monthly"] = "monthly"


class Callback(Part):
    """回访: attempts, within how long, and what an unreachable reporter counts as."""

    attempts: int
    within: Limit
    distinct_half_days: bool = True
    unreachable: Literal["invalid"] = "invalid"


class Lamp(Part):
    """红黄绿灯: the share of the limit at which the lamp turns."""

    yellow_ratio: Share
    long_red_ratio: Share


class Ladder(Part):
    """Steps of the ladder after the due instant, in working days (U3, U4) or hours (U1, U2)."""

    L2: int
    L3: int
    L4: int
    L5: int


class Cluster(Part):
    """Thresholds of repeated matters."""

    watch: int
    cluster: int
    mass: int
    leader_brief: int
    radius_m: int


class ThreeRates(Part):
    """三率: weights, and what 基本满意 counts."""

    response: Share
    solved: Share
    satisfied: Share
    basically_satisfied: Share
    zero_denominator: Literal["null"] = "null"


Channel = Literal["file", "webhook", "email", "sms"]
Hour = Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]
"""Local time of a day: `08:30`."""


class QuietHours(Part):
    """免打扰: local hours, also across midnight, in which these channels leave people in peace."""

    begins: Hour
    ends: Hour
    channels: tuple[Channel, ...] = ("sms",)


class Messages(Part):
    """告知: when people are left in peace, what is late, and by which channel those without a contact are told.

    U1 and U2 break through quiet hours and digests.
    """

    quiet: QuietHours | None = None
    digest_at: tuple[Hour, ...] = Field(default=("08:30",), min_length=1)
    late_after_minutes: int = Field(default=30, ge=1)
    reporter: tuple[Channel, ...] = ("file",)
    """By which channels a reporter is told."""
    without_contact: Channel = "file"
