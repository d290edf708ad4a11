"""What routing does on facts of the log: propose, cancel, resume, deem signed, look twice at its own. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from libs.directory.view import View
from libs.events.contracts.intake import CaseNotAccepted, CaseRegistered, CaseVoided
from libs.events.contracts.routing import (
    AssignmentAccepted,
    CaseDispatched,
    CitizenContacted,
    FeedbackSubmitted,
    HandlerAssigned,
    ProgressRecorded,
)
from libs.events.contracts.supervision import CaseClosed, DeadlineBreached, FeedbackRejected, ReworkOrdered
from libs.events.decider import SYSTEM
from libs.events.envelope import Recorded
from libs.events.event import Event
from libs.events.ids import PersonId, UnitId
from libs.events.lifecycle import Case
from libs.separation.case import Breach
from libs.separation.powers import may_dispatch, may_handle
from services.routing.domain import (
    CancelWorkOrder,
    Command,
    DeemAccepted,
    DispatchCase,
    ProposeRoute,
    RecordViolation,
    ResumeHandling,
)


def react(event: Recorded, case: Case, view: View) -> Sequence[Command]:
    """Commands that follow from one event; `case` is the case right after it."""
    at = event.recorded_at
    if event.data.owner == "routing":
        return [*_second_look(event, case, view)]
    if event.id in case.without_effect:
        return []
    match event.data:
        case CaseRegistered():
            return [ProposeRoute(at, SYSTEM), *_dispatch_at_once(event.data, view, at)]
        case CaseVoided() | CaseNotAccepted():
            return [CancelWorkOrder(at, SYSTEM, event.type)]
        case CaseClosed():
            return [CancelWorkOrder(at, SYSTEM, event.type, after_feedback=False)]
        case FeedbackRejected() | ReworkOrdered():
            return [ResumeHandling(at, SYSTEM, event.data.round, event.type)]
        case DeadlineBreached(clock="sign"):
            return [DeemAccepted(at, SYSTEM, event.data.clock_id)]
        case _:
            return []


def _dispatch_at_once(registered: CaseRegistered, view: View, at: datetime) -> Sequence[Command]:
    item = view.catalogue(registered.class_code)
    return [DispatchCase(at, SYSTEM)] if item and item.dispatch == "auto" else []


def _second_look(event: Recorded, case: Case, view: View) -> Iterator[Command]:
    """SEP-18: read in log order, an act may prove barred by a fact that was still on its way when it was decided."""
    for person, breach in _breaches(event.data, case, view, event.time):
        evidence = (event.id, *breach.evidence)
        yield RecordViolation(event.recorded_at, SYSTEM, person, breach.rule, evidence)


def _breaches(act: Event, case: Case, view: View, at: datetime) -> Iterator[tuple[PersonId, Breach]]:
    if isinstance(act, CaseDispatched):
        if breach := may_dispatch(case, act.dispatched_by, view, at):
            yield act.dispatched_by, breach
        return
    for person in _handled_by(act):
        unit = UnitId(case.unit) if case.unit else None
        if breach := may_handle(case, person, view, at, unit):
            yield person, breach


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
        case _:
            return ()
