"""The state of a case: one pure fold over the events of all four services (domain.md c.1). Used by every read model."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict

from libs.events.contracts import intake, routing, supervision
from libs.events.envelope import Recorded
from libs.events.event import Event

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
    discoverers: Powers = {}
    dispatchers: Powers = {}
    handlers: Powers = {}
    verifiers: Powers = {}
    closers: Powers = {}
    supervisors: Powers = {}
    without_effect: tuple[str, ...] = ()
    """Events that came after the case had ended: recorded, never undone, of no effect while it has."""
    versions: dict[str, int] = {}
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
    changes = _changes(before, event.data, event.id)
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
    changes = _changes(kept, event.data, event.id)
    if kept.ended or event.data.owner == "intake":
        return {power: persons for power, persons in changes.items() if power in POWERS}
    return {**changes, "before_withdrawal": changes["state"], "state": case.state}


def _step(event: Recorded) -> dict[str, Any]:
    """What a list shows as the last step: not what only follows from one."""
    if event.data.owner == "notify" or isinstance(event.data, FOLLOWING):
        return {}
    return {"last_step": event.type, "last_step_at": event.recorded_at}


def _changes(case: Case, event: Event, event_id: str) -> dict[str, Any]:
    if event.owner == "intake":
        return _intake(case, event, event_id)
    if event.owner == "routing":
        return _routing(case, event, event_id)
    if event.owner == "supervision":
        return _supervision(case, event, event_id)
    return {}


def _used(powers: Powers, person: str | None, event_id: str) -> Powers:
    if person is None:
        return powers
    return {**powers, person: (*powers.get(person, ()), event_id)}


def _intake(case: Case, event: Event, event_id: str) -> dict[str, Any]:
    match event:
        case intake.AppealReceived():
            return {
                "state": "RECEIVED",
                "channel": event.channel,
                "kind": event.kind,
                "grid": event.grid,
                "reporter_kind": event.reporter_kind,
                "upstream_due_at": event.upstream_due_at,
                "discoverers": _used(case.discoverers, event.found_by, event_id),
            }
        case intake.GridEventReported():
            return {
                "state": "RECEIVED",
                "found": "GRID_REPORT",
                "channel": "grid",
                "kind": event.kind,
                "class_code": event.class_code,
                "grid": event.grid,
                "discoverers": _used(case.discoverers, event.discoverer, event_id),
            }
        case intake.CaseRegistered():
            return {
                "state": "REGISTERED",
                "kind": event.kind,
                "class_code": event.class_code,
                "urgency": event.urgency,
                "grid": event.grid,
                "filing_condition": event.filing_condition,
                "upstream_due_at": event.upstream_due_at,
            }
        case intake.CaseVoided():
            return {"state": "VOID"}
        case intake.CaseNotAccepted():
            return {"state": "NOT_ACCEPTED"}
        case intake.CaseCorrected():
            changed = event.model_dump(include={"kind", "class_code", "urgency", "grid", "filing_condition"})
            # A filing condition belongs to a class: another class does not inherit it.
            kept = {"filing_condition": None if event.class_code else case.filing_condition}
            return kept | {name: value for name, value in changed.items() if value is not None}
        case intake.AnsweredDirectly():
            return {"state": "CLOSED", "close_kind": "DIRECT"}
        case intake.AppealWithdrawn(continues=True):
            return {"reporter_left": True}
        case intake.AppealWithdrawn():
            return {"state": "WITHDRAWN", "before_withdrawal": case.state}
        case intake.AppealRestored():
            if case.state == "WITHDRAWN":
                return {"state": case.before_withdrawal or "RECEIVED", "before_withdrawal": None}
            return {"reporter_left": False}
        case intake.RepeatContactReceived():
            return {"contacts": case.contacts + 1}
        case intake.PersonalDataErased():
            return {"erased": tuple(sorted({*case.erased, *event.kinds}))}
        case _:
            return {}


def _routing(case: Case, event: Event, event_id: str) -> dict[str, Any]:
    match event:
        case routing.CaseDispatched():
            return {
                "state": "DISPATCHED",
                "unit": event.unit,
                "units": case.units if event.unit in case.units else (*case.units, event.unit),
                "signed": False,
                "handler": None,
                "co_units": (),
                "no_return": event.no_return,
                "dual_hat": case.dual_hat or event.dual_hat,
                "dispatchers": _used(case.dispatchers, event.dispatched_by, event_id),
            }
        case routing.AssignmentAccepted():
            handlers = _used(case.handlers, event.accepted_by, event_id)
            return {"state": "IN_PROGRESS", "signed": True, "handlers": handlers}
        case routing.AssignmentDeemedAccepted():
            # While a return waits the sign limit runs on; the order stands signed if the unit keeps it.
            return {"state": "IN_PROGRESS" if case.state == "DISPATCHED" else case.state, "signed": True}
        case routing.HandlerAssigned():
            assigned = _used(case.handlers, event.assigned_by, event_id)
            return {"handler": event.handler, "handlers": _used(assigned, event.handler, event_id)}
        case routing.CitizenContacted():
            return {"handlers": _used(case.handlers, event.contacted_by, event_id)}
        case routing.ProgressRecorded():
            return {"handlers": _used(case.handlers, event.recorded_by, event_id)}
        case routing.FeedbackSubmitted():
            return {"state": "FEEDBACK", "handlers": _used(case.handlers, event.submitted_by, event_id)}
        case routing.EndorsementRequested(requested_by=person):
            return {"handlers": _used(case.handlers, person, event_id)}
        case routing.EndorsementGiven(endorsed_by=person) | routing.EndorsementRefused(refused_by=person):
            return {"handlers": _used(case.handlers, person, event_id)}
        case routing.ReturnRequested():
            return {"state": "RETURN_PENDING", "returns": (*case.returns, event.unit), "return_asked": event_id}
        case routing.ReturnApproved():
            dispatchers = _used(case.dispatchers, event.decided_by, event_id)
            return {"state": "REGISTERED", "unit": None, "signed": False, "handler": None, "dispatchers": dispatchers}
        case routing.ReturnRejected():
            state = "IN_PROGRESS" if case.signed else "DISPATCHED"
            return {"state": state, "dispatchers": _used(case.dispatchers, event.decided_by, event_id)}
        case routing.ArbitrationOpened():
            return {"state": "ARBITRATION", "dispatchers": _used(case.dispatchers, event.opened_by, event_id)}
        case routing.ArbitrationRuled():
            return {"dispatchers": _used(case.dispatchers, event.ruled_by, event_id)}
        case routing.CoUnitAdded():
            units = case.units if event.unit in case.units else (*case.units, event.unit)
            co_units = (*case.co_units, event.unit)
            return {"co_units": co_units, "units": units, "handlers": _used(case.handlers, event.added_by, event_id)}
        case routing.CoUnitReported():
            left = tuple(unit for unit in case.co_units if unit != event.unit)
            return {"co_units": left, "handlers": _used(case.handlers, event.reported_by, event_id)}
        case _:
            return {}


def _supervision(case: Case, event: Event, event_id: str) -> dict[str, Any]:
    match event:
        case supervision.FeedbackAccepted():
            state = "FEEDBACK" if event.next == "CLOSING" else event.next
            return {"state": state, "closers": _used(case.closers, event.reviewed_by, event_id)}
        case supervision.FeedbackRejected():
            return {"state": "IN_PROGRESS", "closers": _used(case.closers, event.reviewed_by, event_id)}
        case supervision.VerificationAssigned():
            return {"state": "VERIFYING", "verifier": event.verifier}
        case supervision.VerificationPassed():
            state = "CALLBACK" if event.next == "CALLBACK" else "VERIFYING"
            return {"state": state, "verifiers": _used(case.verifiers, event.verifier, event_id)}
        case supervision.VerificationFailed():
            return {"verifiers": _used(case.verifiers, event.verifier, event_id)}
        case supervision.ReworkOrdered():
            return {"state": "IN_PROGRESS", "round": event.round, "verifier": None}
        case supervision.CallbackAttempted() | supervision.CallbackCompleted():
            return {"closers": _used(case.closers, event.agent, event_id)}
        case supervision.CaseClosed():
            closers = _used(case.closers, event.closed_by, event_id)
            return {"state": "CLOSED", "close_kind": event.close_kind, "closers": closers}
        case supervision.AutoEscalated():
            return {"supervision_level": max(case.supervision_level, event.level)}
        case supervision.CaseUrged():
            return {"urged": case.urged + 1}
        case supervision.SupervisionIssued():
            level = max(case.supervision_level, event.level)
            return {"supervision_level": level, "supervisors": _used(case.supervisors, event.issued_by, event_id)}
        case supervision.SupervisionLifted():
            return {"supervision_level": event.level}
        case _:
            return {}
