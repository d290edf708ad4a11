"""The state of a case: one pure fold over the events of all four services (domain.md c.1). Used by every read model."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from libs.events.changes import changes_of
from libs.events.contracts import intake, routing, supervision
from libs.events.envelope import Recorded

TERMINAL = frozenset({"CLOSED", "ARCHIVED", "MERGED", "NOT_ACCEPTED", "DIVERTED", "WITHDRAWN", "VOID"})
WORKING = frozenset({"DISPATCHED", "IN_PROGRESS", "RETURN_PENDING", "ARBITRATION", "SUSPENDED"})

POWERS = frozenset({"discoverers", "dispatchers", "handlers", "verifiers", "closers", "supervisors"})

FOLLOWING = (
    routing.RouteRejected,
    routing.RouteProposed,
    supervision.ClockMoved,
    supervision.ClocksEnded,
    supervision.ClocksRevived,
    supervision.DeadlineWarned,
    supervision.DeadlineBreached,
    supervision.AutoEscalated,
)
"""Events that only follow from others."""

REVIVING = (intake.AppealRestored,)
"""Events that bring an ended case back to life."""

Powers = dict[str, tuple[str, ...]]
"""Person id → ids of the events in which the person used the power: the evidence."""


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
    round: int = 1
    unit: str | None = None
    """The handling unit now (lead)."""
    units: tuple[str, ...] = ()
    """Every unit that ever held the case: U_H(c)."""
    co_units: tuple[str, ...] = ()
    """Co-handling units of this round that have not reported yet."""
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


def fold(events: Iterable[Recorded]) -> Case | None:
    """The case after these events in log order; None where there were none."""
    case: Case | None = None
    for event in events:
        case = evolve(case, event)
    return case


def evolve(case: Case | None, event: Recorded) -> Case:
    """The case one event later. Streams other than the case's own (`access-…`) leave it as it is."""
    before = case or Case(case_id=event.subject, lane=event.position.lane)
    if not event.stream.startswith("case-"):
        return before
    changes = changes_of(before, event.data, event.id)
    if before.ended and "state" in changes and not isinstance(event.data, REVIVING):
        changes = {**_too_late(before, event), "without_effect": (*before.without_effect, event.id)}
    return before.model_copy(
        update={
            "received_at": before.received_at or event.recorded_at,
            **changes,
            "versions": {**before.versions, event.source: event.position.streamversion},
            "last_event_id": event.id,
            "last_recorded_at": event.recorded_at,
            "last_type": event.type,
            **_step(event),
        }
    )


def _too_late(case: Case, event: Recorded) -> dict[str, Any]:
    """What is left of an event after the end: who used a power; of one that crossed a withdrawal, what it will be worth
    once the withdrawal is taken back. `AppealRestored` takes back the withdrawal and nothing else (domain.md c.3 #41a).
    """
    kept = case.model_copy(update={"state": case.before_withdrawal or case.state})
    changes = changes_of(kept, event.data, event.id)
    if kept.ended or event.data.owner == "intake":
        return {power: persons for power, persons in changes.items() if power in POWERS}
    return {**changes, "before_withdrawal": changes["state"], "state": case.state}


def _step(event: Recorded) -> dict[str, Any]:
    """What a list shows as the last step: not what only follows from one."""
    if event.data.owner == "notify" or isinstance(event.data, FOLLOWING):
        return {}
    return {"last_step": event.type, "last_step_at": event.recorded_at}
