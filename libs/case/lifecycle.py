"""The state of a case: one pure fold over all four services' events (rulebook.md c.1). Used by every read model."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from libs.case.changes import changes_of
from libs.case.state import POWERS, Case
from libs.events.contracts import intake, routing, supervision
from libs.events.envelope import Recorded

FOLLOWING = (
    routing.RouteRejected,
    routing.RouteProposed,
    supervision.ClockMoved,
    supervision.ClocksEnded,
    supervision.ClocksRevived,
    supervision.DeadlineWarned,
    supervision.DeadlineBreached,
    supervision.AutoEscalated,
    supervision.CaseLeftAlone,
)
"""Events that only follow from others."""

REVIVING = (intake.AppealRestored,)
"""Events that bring an ended case back to life."""


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
            "imported_at": event.recorded_at if isinstance(event.data, intake.CaseImported) else before.imported_at,
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
    once the withdrawal is taken back. `AppealRestored` takes back only the withdrawal (rulebook.md c.3 #41a).
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
