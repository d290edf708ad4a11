"""办结审核, 重办, 结案: the centre judges the feedback, orders rework, closes (rulebook.md c.3 #33, #37, #38). Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from libs.case.facts import Facts
from libs.case.refusals import ReasonMissing
from libs.case.state import Case
from libs.events.contracts.directory import CatalogueItemPublished
from libs.events.contracts.supervision import (
    CallbackWaived,
    CaseClosed,
    FeedbackAccepted,
    FeedbackRejected,
    ReworkOrdered,
)
from libs.events.decider import Actor
from libs.events.errors import Rejected
from libs.events.event import Event
from services.supervision.domain.closing.completion import Completion, not_here, owes_a_callback, unbarred

Waiver = Literal["GRID_REPORT", "ANONYMOUS", "CLASS_EXEMPT", "REPORTER_LEFT"]

# Commands


@dataclass(frozen=True)
class ReviewFeedback:
    """审核: accept the unit's feedback, or send it back with a reason."""

    at: datetime
    by: Actor
    accepted: bool
    reason: str | None = None


@dataclass(frozen=True)
class OrderRework:
    """重办: a new round, with a reason."""

    at: datetime
    by: Actor
    reason: str


@dataclass(frozen=True)
class CloseCase:
    """结案, by the centre alone."""

    at: datetime
    by: Actor
    close_kind: Literal["HANDLED", "EXPLAINED"]


# Refusals


class ReasonForSendingBackMissing(ReasonMissing):
    """Feedback is sent back with a reason."""

    zh = "退回反馈须说明理由"
    en = "feedback is sent back with a reason"


class NotVerified(Rejected):
    """The class needs a check on site before the case is closed."""

    code = "E-CLS-VERIFY"
    zh = "该事项须先核实通过, 才能结案"
    en = "this matter must be verified on site before it is closed"


class NotCalledBack(Rejected):
    """The reporter has not been asked yet."""

    code = "E-CLS-CALLBACK"
    zh = "须先完成回访, 才能结案"
    en = "the reporter must be called back before the case is closed"


# Decisions


def review(own: Completion, command: ReviewFeedback, facts: Facts) -> Sequence[Event]:
    """What comes after an acceptance is decided by the class and by who found the case."""
    case = unbarred(facts, command.by, command.at, "review", "ReviewFeedback")
    command.by.must_be("REVIEWER")
    if not command.accepted and not command.reason:
        raise ReasonForSendingBackMissing()
    if own.accepted and command.accepted and not case.ended:
        return []
    if own.rejected and not command.accepted and case.state == "IN_PROGRESS":
        return []
    if own.accepted or case.state != "FEEDBACK":
        raise not_here(own, case)
    if command.accepted:
        return accept(own, command, case, facts)
    reason = command.reason or ""
    return [FeedbackRejected(reviewed_by=command.by.person, round=own.round, reason=reason)]


def accept(own: Completion, command: ReviewFeedback, case: Case, facts: Facts) -> Sequence[Event]:
    """办结; a call-back that the case does not need is waived here, with the reason."""
    item = facts.directory.catalogue(case.class_code or "")
    waiver = waiver_of(case, item)
    after: Literal["CALLBACK", "CLOSING"] = "CLOSING" if waiver or case.reporter_left else "CALLBACK"
    verifies = item is None or item.verification
    accepted = FeedbackAccepted(reviewed_by=command.by.person, round=own.round, next="VERIFYING" if verifies else after)
    return [accepted, CallbackWaived(round=own.round, reason=waiver)] if waiver else [accepted]


def waiver_of(case: Case, item: CatalogueItemPublished | None) -> Waiver | None:
    """Why nobody is called back, if so (rulebook.md j.3, g: valid call-back)."""
    if case.found == "GRID_REPORT":
        return "GRID_REPORT"
    if item and not item.callback:
        return "CLASS_EXEMPT"
    return "ANONYMOUS" if case.reporter_kind == "ANONYMOUS" else None


def order_rework(own: Completion, command: OrderRework, facts: Facts) -> Sequence[Event]:
    """From feedback, verification or call-back back to the unit."""
    case = unbarred(facts, command.by, command.at, "review", "OrderRework")
    command.by.must_be("REVIEWER")
    if case.ended or own.closed or not (own.accepted or case.state == "FEEDBACK"):
        raise not_here(own, case)
    relieved = own.verifier if case.state == "VERIFYING" else None
    by = command.by.person
    return [
        ReworkOrdered(round=own.round + 1, ordered_by=by, because="REVIEWER", reason=command.reason, relieved=relieved)
    ]


def close(own: Completion, command: CloseCase, facts: Facts) -> Sequence[Event]:
    """Whatever the reporter answered, the reviewer decides; but asked he must be, and the place checked."""
    case = unbarred(facts, command.by, command.at, "close", "CloseCase")
    command.by.must_be("REVIEWER")
    if own.closed:
        return []
    if case.ended or not own.accepted:
        raise not_here(own, case)
    if not own.checked:
        raise NotVerified(evidence=[case.last_event_id], allowed=["verification"])
    if owes_a_callback(own, case):
        raise NotCalledBack(evidence=[case.last_event_id], allowed=["callback"])
    closed = CaseClosed(closed_by=command.by.person, close_kind=command.close_kind, round=own.round)
    # A reporter who left may come back until now; the waiver is recorded when that is over.
    return [CallbackWaived(round=own.round, reason="REPORTER_LEFT"), closed] if own.callback == "OPEN" else [closed]
