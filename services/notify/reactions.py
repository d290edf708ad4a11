"""Of which events somebody is told: event → template and audiences (rulebook.md f.1, f.2). Pure: no I/O, no clock."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from libs.case.state import Case
from libs.directory.facts.view import View
from libs.events.contracts import intake, routing, supervision
from libs.events.decider import SYSTEM
from libs.events.envelope import Recorded, wire_instant
from libs.events.event import Event
from services.notify.domain import audiences as to
from services.notify.domain.channels import Telling, by_channels
from services.notify.domain.telling import Message, TellOf

NOBODY = to.Addressee("nobody", "NO_RECIPIENT")
"""The notice found no post at all: reported like a post that nobody holds."""


@dataclass(frozen=True)
class Notice:
    """A template, and who gets it; `also` says the same in other words to others."""

    template: str
    audiences: tuple[to.Audience, ...]
    also: Notice | None = None
    once: bool = False
    """Nobody hears it a second time of the same case."""


RELIEVED = Notice("relieved", (to.relieved,))
CALLED_OFF = Notice("relieved", (to.called_off,))
NOTICES: Mapping[type[Event], Notice] = {
    intake.CaseRegistered: Notice("registered", (to.dispatchers,)),
    intake.CaseNotAccepted: Notice("not_accepted", (to.finder,)),
    intake.AnsweredDirectly: Notice("answered", (to.reporter,)),
    intake.CaseCorrected: Notice("corrected", (to.responsible,)),
    # Who still works on it learns of its end from the cancelled work order.
    intake.AppealWithdrawn: Notice("withdrawn", (to.reporter,)),
    intake.AppealRestored: Notice("restored", (to.responsible, to.reporter)),
    intake.SeparationViolationDetected: Notice("violation", (to.supervisors,)),
    routing.CaseDispatched: Notice("dispatched", (to.clerks,)),
    routing.HandlerAssigned: Notice("assigned", (to.handler,), also=RELIEVED),
    # What is endorsed is told by the return or the feedback that follows.
    routing.EndorsementRequested: Notice("endorse", (to.leaders,)),
    routing.EndorsementRefused: Notice("endorsement_refused", (to.handler, to.clerks)),
    routing.ReturnRequested: Notice("return_requested", (to.dispatchers,)),
    routing.ReturnApproved: Notice("return_approved", (to.dispatchers, to.clerks), also=RELIEVED),
    routing.ReturnRejected: Notice("return_rejected", (to.handler, to.clerks)),
    routing.ArbitrationOpened: Notice(
        "arbitration", (to.arbiters, to.parties), also=Notice("deciding_unit", (to.reporter,), once=True)
    ),
    routing.ArbitrationRuled: Notice("ruled", (to.parties, to.dispatchers), also=RELIEVED),
    routing.OrderPassedOn: Notice("passed_on", (to.clerks, to.keeping_on), also=RELIEVED),
    routing.CoUnitAdded: Notice("co_unit", (to.clerks,)),
    routing.CoUnitReported: Notice("co_reported", (to.handler, to.lead)),
    routing.FeedbackSubmitted: Notice("feedback", (to.reviewers,)),
    routing.WorkOrderCancelled: Notice("cancelled", (to.handler, to.clerks), also=CALLED_OFF),
    routing.SeparationViolationDetected: Notice("violation", (to.supervisors,)),
    # The resumption of the work order that follows from these two says nothing new.
    supervision.FeedbackRejected: Notice("rejected", (to.handler, to.clerks)),
    supervision.ReworkOrdered: Notice("rework", (to.handler, to.clerks), also=RELIEVED),
    supervision.VerificationAssigned: Notice("verify", (to.verifier,), also=RELIEVED),
    supervision.DeadlineWarned: Notice("warned", (to.responsible,)),
    supervision.DeadlineBreached: Notice("breached", (to.responsible, to.leaders, to.town)),
    supervision.AutoEscalated: Notice("urged", (to.responsible, to.leaders, to.town)),
    # A repeat contact is told by the urge that follows from it.
    supervision.CaseUrged: Notice("pressed", (to.responsible, to.informed_supervisors)),
    supervision.CaseLeftAlone: Notice("left_alone", (to.desk, to.supervisors)),
    supervision.SupervisionIssued: Notice("supervised", (to.leaders,)),
    supervision.CaseClosed: Notice("closed", (to.finder,)),
    supervision.SeparationViolationDetected: Notice("violation", (to.supervisors,)),
}
LEFT_BY_UNIT = Notice("left_by_unit", (to.dispatchers,), also=RELIEVED)
CO_UNIT_LEFT = Notice("co_unit_left", (to.handler, to.lead))
"""A unit has ended, and nobody has its part."""
QUIET: Mapping[str, tuple[type[Event], ...]] = {
    "nobody has judged it yet": (intake.AppealReceived, intake.GridEventReported),
    "the report of its import tells of thousands at once": (intake.CaseImported,),
    "answered to whoever is on the line": (intake.CaseVoided, intake.RepeatContactReceived, intake.OwnershipNotProved),
    "whoever works on it sees it with the case": (intake.AttachmentAdded, intake.CasesToldApart),
    "for the auditor": (intake.IdentityRead, intake.IdentityNotShown, intake.PersonalDataErased),
    "refused on the spot": (
        intake.SeparationViolationAttempted,
        routing.SeparationViolationAttempted,
        supervision.SeparationViolationAttempted,
    ),
    "what follows from it is told": (
        routing.RouteRejected,
        routing.RouteProposed,
        routing.HandlingResumed,
        routing.AssignmentDeemedAccepted,
        routing.EndorsementGiven,
        supervision.FeedbackAccepted,
        supervision.VerificationPassed,
        supervision.VerificationFailed,
        supervision.CallbackAttempted,
        supervision.CallbackCompleted,
        supervision.CallbackWaived,
    ),
    "whoever waits for it finds it in his list": (
        routing.AssignmentAccepted,
        routing.CitizenContacted,
        routing.ProgressRecorded,
        supervision.SupervisionResponded,
        supervision.SupervisionLifted,
    ),
    "of a clock its warning and its breach are told": (
        supervision.DeadlineSet,
        supervision.ClockImported,
        supervision.StageFinished,
        supervision.StageContinued,
        supervision.ClocksEnded,
        supervision.ClocksRevived,
    ),
    # Whoever works on them sees it in his list and his feed.
    "thousands at one instant": (supervision.DeadlineRecomputed, intake.FilingPassedOn),
}
"""Why nobody is told → of what; an event type that is neither here nor told is an oversight, and a test says so."""
CONTINUED = Notice("reporter_left", (to.responsible,), also=Notice("continued", (to.reporter,)))
"""A withdrawal from a matter that goes on."""
ESCALATED = Notice("escalated", (to.leaders, to.supervisors, to.superior))
"""From L2 on (蓝单 and above)."""
OF_EVENT = (
    "unit",
    "act",
    "clock",
    "alarm",
    "round",
    "level",
    "result",
    "source",
    "close_kind",
    "reason_code",
)
OF_CASE = ("class_code", "urgency", "grid", "unit", "round")


def react(event: Recorded, case: Case, view: View) -> Sequence[TellOf]:
    """Who must be told of this event; `case` is the case right after it."""
    notice = notice_of(event.data)
    if notice is None or not event.stream.startswith("case-"):
        return []
    occasion = to.Occasion(event.data, case, view, event.recorded_at)
    messages = tuple(_messages(notice, occasion))
    return [TellOf(event.recorded_at, SYSTEM, event.id, event.type, messages)] if messages else []


def notice_of(event: Event) -> Notice | None:
    """What is said of an event, if anything."""
    if isinstance(event, supervision.AutoEscalated) and event.level > 1:
        return ESCALATED
    if isinstance(event, intake.AppealWithdrawn) and event.continues:
        return CONTINUED
    if isinstance(event, routing.OrderPassedOn) and event.unit is None:
        return LEFT_BY_UNIT if event.role == "lead" else CO_UNIT_LEFT
    return NOTICES.get(type(event))


def _messages(notice: Notice, occasion: to.Occasion) -> Iterator[Message]:
    values = values_of(occasion.event, occasion.case)
    seen: set[str] = set()
    for part in (notice, notice.also) if notice.also else (notice,):
        for one in _addressees(part, occasion):
            if one.recipient not in seen:
                seen.add(one.recipient)
                yield from _told(one, part, values, occasion)
    # Whom only the reporter's absence leaves without a reader needs no post.
    if not seen and notice.audiences != (to.reporter,):
        yield from _told(NOBODY, notice, values, occasion)


def _addressees(notice: Notice, occasion: to.Occasion) -> Iterator[to.Addressee]:
    return (one for audience in notice.audiences for one in audience(occasion))


def _told(one: to.Addressee, part: Notice, values: Mapping[str, str], occasion: to.Occasion) -> Iterator[Message]:
    telling = Telling(one.recipient, part.template, values, one.dropped, part.once, occasion.case.urgency)
    return by_channels(telling, occasion.view, occasion.at)


def values_of(event: Event, case: Case) -> dict[str, str]:
    """Ids, codes and instants that a template may print; nothing personal among them."""
    known = {name: getattr(case, name) for name in OF_CASE}
    known |= {name: found for name in OF_EVENT if (found := getattr(event, name, None)) is not None}
    if getattr(event, "clock", None) in to.OF_THE_CENTRE:
        # Whoever holds the case is not late.
        known["unit"] = None
    values = {name: str(value) for name, value in known.items() if value is not None}
    due_at = getattr(event, "due_at", None)
    return {**values, "due_at": wire_instant(due_at)} if due_at else values
