"""What one event changes in a case, owner by owner (rulebook.md c.1); what comes too late is lifecycle.py's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, assert_never, cast, get_args

from typing_extensions import TypeIs

from libs.case.state import Attached, Case, Powers
from libs.events.contracts import intake, routing, supervision
from libs.events.contracts.intake import IntakeEvent
from libs.events.contracts.routing import RoutingEvent
from libs.events.contracts.supervision import SupervisionEvent
from libs.events.event import Event

ChangesNothing = (
    intake.OwnershipNotProved
    | intake.CasesToldApart
    | intake.IdentityRead
    | intake.IdentityNotShown
    | intake.SeparationViolationAttempted
    | intake.SeparationViolationDetected
    | routing.RouteRejected
    | routing.RouteProposed
    | routing.HandlingResumed
    | routing.WorkOrderCancelled
    | routing.SeparationViolationAttempted
    | routing.SeparationViolationDetected
    | supervision.DeadlineSet
    | supervision.ClockImported
    | supervision.StageFinished
    | supervision.StageContinued
    | supervision.DeadlineRecomputed
    | supervision.ClocksEnded
    | supervision.ClocksRevived
    | supervision.DeadlineWarned
    | supervision.DeadlineBreached
    | supervision.CallbackWaived
    | supervision.CaseLeftAlone
    | supervision.SupervisionResponded
    | supervision.SeparationViolationAttempted
    | supervision.SeparationViolationDetected
)
"""Said about a case, and the case is as before."""
UNCHANGING: frozenset[type[Event]] = frozenset(get_args(ChangesNothing))


def changes_of(case: Case, event: Event, event_id: str) -> dict[str, Any]:
    """Field of the case → its value after this event."""
    match event.owner:
        case "intake":
            return _intake(case, cast(IntakeEvent, event), event_id)
        case "routing":
            return _routing(case, cast(RoutingEvent, event), event_id)
        case "supervision":
            return _supervision(case, cast(SupervisionEvent, event), event_id)
        case _:
            # What notify and the directory say is of messages and of the town.
            return {}


def _changes_nothing(event: Event) -> TypeIs[ChangesNothing]:
    # Most events of a log are of these types: asked first, and at once.
    return type(event) in UNCHANGING


def _used(powers: Powers, person: str | None, event_id: str) -> Powers:
    if person is None:
        return powers
    return {**powers, person: (*powers.get(person, ()), event_id)}


def _named(case: Case, photos: Sequence[str], by: str, unit: str | None = None) -> tuple[Attached, ...]:
    """The case's attachments and what a report names besides: sent ahead of it, or before sending was an event."""
    known = {one.sha256 for one in case.attachments}
    more = (one for one in photos if one not in known)
    return (
        *case.attachments,
        *(Attached(sha256=one, by=by, unit=unit, round=case.round, during=case.state) for one in more),
    )


def _intake(case: Case, event: IntakeEvent, event_id: str) -> dict[str, Any]:
    if _changes_nothing(event):
        return {}
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
                "attachments": _named(case, event.photos, event.recorded_by or ""),
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
                "attachments": _named(case, event.photos, event.discoverer),
            }
        case intake.CaseImported():
            return _imported(event, case, event_id)
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
        case intake.FilingPassedOn():
            filed = {"class_code": event.class_code, "grid": event.grid, "urgency": event.urgency}
            kept = {"filing_condition": None if event.class_code else case.filing_condition}
            return kept | {name: value for name, value in filed.items() if value is not None}
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
        case intake.AttachmentAdded():
            sent = Attached(sha256=event.sha256, by=event.sent_by, unit=event.unit, round=case.round, during=case.state)
            return {"attachments": (*case.attachments, sent)}
        case intake.PersonalDataErased():
            return {"erased": tuple(sorted({*case.erased, *event.kinds}))}
        case _:
            assert_never(event)


def _imported(event: intake.CaseImported, case: Case, event_id: str) -> dict[str, Any]:
    state = "CLOSED" if event.closed else "REGISTERED" if event.class_code else "RECEIVED"
    told = ("channel", "kind", "grid", "reporter_kind", "class_code", "urgency", "filing_condition", "upstream_due_at")
    return {
        **{name: getattr(event, name) for name in told},
        **({"received_at": event.received_at} if event.received_at else {}),
        "state": state,
        "close_kind": "IMPORTED" if event.closed else None,
        "imported_from": event.source,
        "discoverers": _used(case.discoverers, event.found_by, event_id),
    }


def _routing(case: Case, event: RoutingEvent, event_id: str) -> dict[str, Any]:
    if _changes_nothing(event):
        return {}
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
                "left_by": None,
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
            handlers = _used(case.handlers, event.submitted_by, event_id)
            shown = _named(case, event.photos, event.submitted_by, event.unit)
            return {"state": "FEEDBACK", "handlers": handlers, "attachments": shown}
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
        case routing.OrderPassedOn():
            return _passed_on(case, event)
        case routing.CoUnitAdded():
            units = case.units if event.unit in case.units else (*case.units, event.unit)
            co_units = (*case.co_units, event.unit)
            return {"co_units": co_units, "units": units, "handlers": _used(case.handlers, event.added_by, event_id)}
        case routing.CoUnitReported():
            left = tuple(unit for unit in case.co_units if unit != event.unit)
            return {"co_units": left, "handlers": _used(case.handlers, event.reported_by, event_id)}
        case _:
            assert_never(event)


def _passed_on(case: Case, event: routing.OrderPassedOn) -> dict[str, Any]:
    """The successor has it as it stood; where there is none it waits for the dispatcher, or still for the arbiter."""
    taken = (event.unit,) if event.unit else ()
    units = (*case.units, *(one for one in taken if one not in case.units))
    if event.role == "co":
        joined = dict.fromkeys((*(one for one in case.co_units if one != event.ended), *taken))
        return {"co_units": tuple(one for one in joined if one != case.unit), "units": units}
    if event.unit:
        helping = tuple(one for one in case.co_units if one != event.unit)
        flagged = case.dual_hat or event.dual_hat
        return {
            "unit": event.unit,
            "units": units,
            "handler": event.handler,
            "co_units": helping,
            "dual_hat": flagged,
        }
    state = case.state if case.state == "ARBITRATION" else "REGISTERED"
    left = {"unit": None, "signed": False, "handler": None, "co_units": (), "left_by": event.ended}
    return {"state": state, **left}


def _supervision(case: Case, event: SupervisionEvent, event_id: str) -> dict[str, Any]:
    if _changes_nothing(event):
        return {}
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
            verifiers = _used(case.verifiers, event.verifier, event_id)
            return {"state": state, "verifiers": verifiers, "attachments": _named(case, event.photos, event.verifier)}
        case supervision.VerificationFailed():
            verifiers = _used(case.verifiers, event.verifier, event_id)
            return {"verifiers": verifiers, "attachments": _named(case, event.photos, event.verifier)}
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
            assert_never(event)
