"""审签: a unit's leader endorses its return or feedback, where the class wants it (c.3 #19, #32). Pure: no I/O."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from libs.case.facts import Facts
from libs.case.refusals import NotInThisState, ReasonMissing
from libs.events.contracts.routing import EndorsementGiven, EndorsementRefused, EndorsementRequested
from libs.events.decider import Actor
from libs.events.event import Event
from libs.separation.powers import may_endorse
from services.routing.domain import handling, returns
from services.routing.domain.handling import SubmitFeedback, own_unit
from services.routing.domain.returns import RequestReturn
from services.routing.domain.work_order import WorkOrder, forbidden

# Commands


@dataclass(frozen=True)
class DecideEndorsement:
    """The leader endorses what somebody of his unit wants to send, or gives it back with a reason."""

    at: datetime
    by: Actor
    approved: bool
    reason: str | None = None


# Refusals


class ReasonForGivingBackMissing(ReasonMissing):
    """Who gives it back says why."""

    zh = "不予审签须说明理由"
    en = "giving it back needs a reason"


# Decisions


def send(order: WorkOrder, command: RequestReturn | SubmitFeedback, facts: Facts) -> Sequence[Event]:
    """The return or feedback; its draft where the class wants the leader's word first."""
    submitted = submit(order, command, facts)
    item = facts.directory.catalogue(facts.known_case().class_code or "")
    drafted = draft(order, command)
    return [drafted] if submitted and item and drafted.act in item.endorsement else submitted


def submit(order: WorkOrder, command: RequestReturn | SubmitFeedback, facts: Facts) -> Sequence[Event]:
    """The return or feedback itself; raises whatever stands against it."""
    if isinstance(command, RequestReturn):
        return returns.request(order, command, facts)
    return handling.feedback(order, command, facts)


def draft(order: WorkOrder, command: RequestReturn | SubmitFeedback) -> EndorsementRequested:
    """What waits for the leader; a newer one takes the place of one that waits."""
    known = {"unit": order.unit, "requested_by": command.by.person, "round": order.round}
    if isinstance(command, RequestReturn):
        names: tuple[str, ...] = ("basis", "suggested_unit", "reason")
        return EndorsementRequested(act="return", **known, **{name: getattr(command, name) for name in names})
    names = ("result", "reply", "photos")
    return EndorsementRequested(act="feedback", **known, **{name: getattr(command, name) for name in names})


def endorse(order: WorkOrder, command: DecideEndorsement, facts: Facts) -> Sequence[Event]:
    """Nobody endorses his own draft (SEP-15). It counts from the endorsement on, and has to be right then."""
    waiting, person = order.draft, command.by.person
    case, asked_by = facts.known_case(), waiting.requested_by if waiting else None
    if breach := may_endorse(case, person, facts.directory, command.at, order.unit, asked_by=asked_by):
        raise forbidden(breach, type(command).__name__, person, order.unit)
    command.by.must_be("DEPT_LEADER")
    unit = own_unit(order, command.by)
    if waiting is None or case.ended:
        raise NotInThisState(evidence=[case.last_event_id])
    if not command.approved:
        if not command.reason:
            raise ReasonForGivingBackMissing(allowed=["reason"])
        return [EndorsementRefused(act=waiting.act, unit=unit, refused_by=person, reason=command.reason)]
    given = EndorsementGiven(act=waiting.act, unit=unit, endorsed_by=person, requested_by=waiting.requested_by)
    return [given, *submit(order, submission(waiting, command), facts)]


def submission(waiting: EndorsementRequested, command: DecideEndorsement) -> RequestReturn | SubmitFeedback:
    """What was drafted, as if it were sent only now; its texts are the sealed ones of the draft."""
    role = "DEPT_CLERK" if waiting.act == "return" else "DEPT_HANDLER"
    by = Actor(person=waiting.requested_by, role=role, unit=waiting.unit)
    if waiting.act == "return":
        return RequestReturn(command.at, by, waiting.basis, waiting.suggested_unit, waiting.reason)
    return SubmitFeedback(command.at, by, waiting.result or "SOLVED", waiting.reply or "", waiting.photos)
