"""What supervision does on facts of the log: move clocks, urge, ask for a check, look twice at its own powers. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import get_args

from libs.case.state import Case
from libs.directory.facts.view import View
from libs.events.contracts.intake import RepeatContactReceived
from libs.events.contracts.supervision import (
    CallbackAttempted,
    CaseClosed,
    FeedbackAccepted,
    FeedbackRejected,
    ReworkOrdered,
    VerificationFailed,
    VerificationPassed,
)
from libs.events.decider import SYSTEM
from libs.events.envelope import Recorded
from libs.events.ids import PersonId
from libs.separation.acts import Breach
from libs.separation.powers import may_close, may_verify
from libs.separation.violations import RecordViolation
from services.supervision.domain.clocks.from_facts import FollowClocks
from services.supervision.domain.clocks.moves import Fact
from services.supervision.domain.closing.verification import AssignVerification
from services.supervision.domain.decider import Command
from services.supervision.domain.orders.urging import UrgeCase

FACTS: tuple[type, ...] = get_args(Fact)


def react(event: Recorded, case: Case, view: View) -> Sequence[Command]:
    """Commands that follow from one event; `case` is the case right after it.

    Clocks follow also what came after the end of a case: the order of instants decides, not that of the log.
    """
    at = event.recorded_at
    commands: list[Command] = []
    if isinstance(event.data, FACTS):
        commands.append(FollowClocks(at, SYSTEM, event.data, event.id))  # type: ignore[arg-type]
    if isinstance(event.data, FeedbackAccepted) and event.data.next == "VERIFYING":
        commands.append(AssignVerification(at, SYSTEM))
    if isinstance(event.data, RepeatContactReceived):
        commands.append(UrgeCase(at, SYSTEM, contact=event.id))
    return [*commands, *_second_look(event, case, view)]


def _second_look(event: Recorded, case: Case, view: View) -> Iterator[Command]:
    """SEP-18: read in log order, an act may prove barred by a fact that was still on its way when it was decided."""
    person, breach = _breach(event, case, view)
    if person and breach:
        evidence = (event.id, *breach.evidence)
        yield RecordViolation(event.recorded_at, SYSTEM, person, breach.rule, evidence)


def _breach(event: Recorded, case: Case, view: View) -> tuple[PersonId | None, Breach | None]:
    """Who used one of supervision's powers in this event, and the rule that forbade it, if any."""
    at = event.time
    match event.data:
        case VerificationPassed(verifier=person) | VerificationFailed(verifier=person):
            return person, may_verify(case, person, view, at)
        case FeedbackAccepted(reviewed_by=person) | FeedbackRejected(reviewed_by=person):
            return person, may_close(case, person, view, at, "review")
        case ReworkOrdered(ordered_by=person) if person != SYSTEM.person:
            return person, may_close(case, person, view, at, "review")
        case CallbackAttempted(agent=person):
            return person, may_close(case, person, view, at, "callback")
        case CaseClosed(closed_by=person):
            return person, may_close(case, person, view, at, "close")
        case _:
            return None, None
