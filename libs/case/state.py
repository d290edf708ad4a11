"""The state of a case, as the log says it up to one position. Pure; how an event changes it is in changes.py."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, get_args

from pydantic import BaseModel, ConfigDict, Field

TERMINAL = frozenset({"CLOSED", "ARCHIVED", "MERGED", "NOT_ACCEPTED", "DIVERTED", "WITHDRAWN", "VOID"})
WORKING = frozenset({"DISPATCHED", "IN_PROGRESS", "RETURN_PENDING", "ARBITRATION", "SUSPENDED"})

State = Literal[
    "RECEIVED",
    "SCREENING",
    "PRECHECK",
    "REGISTERED",
    "DISPATCHED",
    "RETURN_PENDING",
    "ARBITRATION",
    "IN_PROGRESS",
    "SUSPENDED",
    "FEEDBACK",
    "VERIFYING",
    "CALLBACK",
    "CLOSED",
    "ARCHIVED",
    "MERGED",
    "NOT_ACCEPTED",
    "DIVERTED",
    "WITHDRAWN",
    "VOID",
]
"""rulebook.md c.1."""
OPEN = frozenset(get_args(State)) - TERMINAL
POWERS = frozenset({"discoverers", "dispatchers", "handlers", "verifiers", "closers", "supervisors"})

Powers = dict[str, tuple[str, ...]]
"""Person id → ids of the events in which the person used the power: the evidence."""


class Attached(BaseModel):
    """A photo or a document of a case: who sent it, for which unit if he handles, and when in its life."""

    model_config = ConfigDict(frozen=True)

    sha256: str
    by: str
    unit: str | None = None
    round: int = 1
    during: str = "RECEIVED"
    """State of the case."""


class Case(BaseModel):
    """What the log says of one case, up to one position."""

    model_config = ConfigDict(frozen=True)

    case_id: str
    lane: int
    state: str = "RECEIVED"
    found: str = "APPEAL"
    """`APPEAL` or `GRID_REPORT`: who found it decides whether there is a reporter to call back."""
    channel: str | None = None
    reporter_kind: str | None = None
    kind: str | None = None
    class_code: str | None = None
    urgency: str | None = None
    grid: str | None = None
    filing_condition: str | None = None
    upstream_due_at: datetime | None = None
    received_at: datetime | None = None
    """Of an imported order: when its source received it."""
    imported_at: datetime | None = None
    """When it moved in from another system, with its life until then."""
    imported_from: str | None = None
    round: int = 1
    unit: str | None = None
    """The handling unit now (lead)."""
    units: tuple[str, ...] = ()
    """Every unit that ever held the case: U_H(c)."""
    co_units: tuple[str, ...] = ()
    """Co-handling units of this round that have not reported yet."""
    left_by: str | None = None
    """The unit that ended while it held the case, nobody having taken over; until the next dispatch (SUC-3)."""
    signed: bool = False
    no_return: bool = False
    returns: tuple[str, ...] = ()
    """Units whose return was requested, in order (RET-3)."""
    return_asked: str | None = None
    """Event id of the newest of these requests."""
    handler: str | None = None
    dual_hat: bool = False
    supervision_level: int = 0
    urged: int = 0
    contacts: int = 1
    """First contact and repeats of the same caller."""
    reporter_left: bool = False
    """Withdrew while the matter goes on: nobody calls him back."""
    before_withdrawal: str | None = None
    """Where a withdrawn case stands once the withdrawal is taken back: what still came moves it there."""
    close_kind: str | None = None
    verifier: str | None = None
    erased: tuple[str, ...] = ()
    attachments: tuple[Attached, ...] = ()
    """In the order in which they came: what feedback and verification may show."""
    discoverers: Powers = Field(default_factory=dict)
    dispatchers: Powers = Field(default_factory=dict)
    handlers: Powers = Field(default_factory=dict)
    verifiers: Powers = Field(default_factory=dict)
    closers: Powers = Field(default_factory=dict)
    supervisors: Powers = Field(default_factory=dict)
    without_effect: tuple[str, ...] = ()
    """Events that came after the case had ended: recorded, never undone, of no effect while it has."""
    versions: dict[str, int] = Field(default_factory=dict)
    """Source → version of the case's own stream there."""
    last_event_id: str = ""
    last_recorded_at: datetime | None = None
    last_type: str = ""
    last_step: str = ""
    """Type of the last event in which somebody, or a rule, acted on the case; messages and clocks are no steps."""
    last_step_at: datetime | None = None

    @property
    def ended(self) -> bool:
        """No command but reopening, erasure or an assessment can move it any more."""
        return self.state in TERMINAL
