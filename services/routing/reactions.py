"""What routing does on facts of the log: propose, cancel, resume, deem signed, look twice at its own. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from libs.case.state import Case
from libs.directory.facts.view import View
from libs.events.contracts.intake import (
    AnsweredDirectly,
    AppealRestored,
    AppealWithdrawn,
    CaseCorrected,
    CaseImported,
    CaseNotAccepted,
    CaseRegistered,
    CaseVoided,
    FilingPassedOn,
)
from libs.events.contracts.routing import (
    AssignmentAccepted,
    CaseDispatched,
    CitizenContacted,
    CoUnitAdded,
    CoUnitReported,
    EndorsementGiven,
    EndorsementRefused,
    EndorsementRequested,
    FeedbackSubmitted,
    HandlerAssigned,
    ProgressRecorded,
    ReturnApproved,
    ReturnRejected,
    ReturnRequested,
)
from libs.events.contracts.supervision import CaseClosed, DeadlineBreached, FeedbackRejected, ReworkOrdered
from libs.events.decider import SYSTEM
from libs.events.envelope import Recorded
from libs.events.event import Event
from libs.events.ids import PersonId, UnitId
from libs.separation.acts import Breach
from libs.separation.powers import may_decide, may_dispatch, may_handle
from libs.separation.violations import RecordViolation
from services.routing.domain.arbitration import OpenArbitration
from services.routing.domain.decider import Command
from services.routing.domain.dispatch import DispatchCase, ProposeRoute
from services.routing.domain.order_lifecycle import CancelWorkOrder, DeemAccepted, RestoreWorkOrder, ResumeHandling


def react(event: Recorded, case: Case, view: View) -> Sequence[Command]:
    """Commands that follow from one event; `case` is the case right after it."""
    at = event.recorded_at
    if event.data.owner == "routing":
        return [*_second_look(event, case, view), *_next_proposal(event)]
    # What crossed a withdrawal counts once it is taken back.
    if event.id in case.without_effect and case.state != "WITHDRAWN":
        return []
    match event.data:
        case CaseImported() if case.state == "REGISTERED":
            # Nobody is told of an import: a unit gets it from a dispatcher who has seen it, never at once.
            return [ProposeRoute(at, SYSTEM)]
        case CaseRegistered():
            return [ProposeRoute(at, SYSTEM), *_dispatch_at_once(case, view, at)]
        case CaseCorrected() | FilingPassedOn() if case.state == "REGISTERED":
            return [ProposeRoute(at, SYSTEM), *_dispatch_at_once(case, view, at)]
        case AppealRestored():
            return [RestoreWorkOrder(at, SYSTEM, event.type)]
        case AppealWithdrawn(continues=True):
            return []
        case CaseVoided() | CaseNotAccepted() | AnsweredDirectly() | AppealWithdrawn():
            return [CancelWorkOrder(at, SYSTEM, event.type)]
        case CaseClosed():
            return [CancelWorkOrder(at, SYSTEM, event.type, after_feedback=False)]
        case FeedbackRejected() | ReworkOrdered():
            return [ResumeHandling(at, SYSTEM, event.data.round, event.type)]
        case DeadlineBreached(clock="sign"):
            return [DeemAccepted(at, SYSTEM, event.data.clock_id)]
        case DeadlineBreached(clock="return_decision") if event.data.clock_id.startswith(f"{case.return_asked}/"):
            return [OpenArbitration(at, SYSTEM)]
        case _:
            return []


def _dispatch_at_once(case: Case, view: View, at: datetime) -> Sequence[Command]:
    """Where the class says so; what a unit has returned is the dispatcher's to send on."""
    item = view.catalogue(case.class_code or "")
    return [DispatchCase(at, SYSTEM)] if item and item.dispatch == "auto" and not case.returns else []


def _next_proposal(event: Recorded) -> Sequence[Command]:
    """A case that was given back is proposed anew, without the units that returned it."""
    return [ProposeRoute(event.recorded_at, SYSTEM)] if isinstance(event.data, ReturnApproved) else []


def _second_look(event: Recorded, case: Case, view: View) -> Iterator[Command]:
    """SEP-18: read in log order, an act may prove barred by a fact that was still on its way when it was decided."""
    for person, breach in _breaches(event.data, case, view, event.time):
        evidence = (event.id, *breach.evidence)
        yield RecordViolation(event.recorded_at, SYSTEM, person, breach.rule, evidence)


def _breaches(act: Event, case: Case, view: View, at: datetime) -> Iterator[tuple[PersonId, Breach]]:
    for person, breach in _judged(act, case, view, at):
        if breach:
            yield person, breach


def _judged(act: Event, case: Case, view: View, at: datetime) -> Iterator[tuple[PersonId, Breach | None]]:
    match act:
        case CaseDispatched():
            yield act.dispatched_by, may_dispatch(case, act.dispatched_by, view, at)
        case ReturnApproved() | ReturnRejected():
            yield act.decided_by, may_decide(case, act.decided_by, view, at, act.unit)
        case CoUnitReported():
            yield act.reported_by, may_handle(case, act.reported_by, view, at, act.unit)
        case _:
            unit = UnitId(case.unit) if case.unit else None
            for person in _handled_by(act):
                yield person, may_handle(case, person, view, at, unit)


def _handled_by(act: Event) -> tuple[PersonId, ...]:
    """Who used a handling power in this event."""
    match act:
        case AssignmentAccepted():
            return (act.accepted_by,)
        case HandlerAssigned():
            return (act.assigned_by, act.handler)
        case CitizenContacted():
            return (act.contacted_by,)
        case ProgressRecorded():
            return (act.recorded_by,)
        case FeedbackSubmitted():
            return (act.submitted_by,)
        case ReturnRequested() | EndorsementRequested():
            return (act.requested_by,)
        case EndorsementGiven():
            return (act.endorsed_by,)
        case EndorsementRefused():
            return (act.refused_by,)
        case CoUnitAdded():
            return (act.added_by,)
        case _:
            return ()
