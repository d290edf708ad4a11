"""How a case comes to its end: what supervision itself decided about it, and the refusals its commands share. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import partial
from typing import Literal, assert_never

from libs.case.facts import Facts
from libs.case.refusals import NotInThisState
from libs.case.state import Case
from libs.events.contracts.supervision import (
    CallbackAttempted,
    CallbackCompleted,
    CallbackWaived,
    CaseClosed,
    ClocksRevived,
    FeedbackAccepted,
    FeedbackRejected,
    ReworkOrdered,
    SeparationViolationAttempted,
    SeparationViolationDetected,
    VerificationAssigned,
    VerificationPassed,
)
from libs.events.decider import Actor
from libs.events.ids import PersonId
from libs.separation.powers import may_close
from libs.separation.refusal import SeparationForbids
from libs.separation.rules import Closing

# Refusals

forbidden = partial(SeparationForbids, attempted=SeparationViolationAttempted)
"""(breach, command, person, unit): the refusal, with supervision's own record of the attempt."""

# State


@dataclass(frozen=True)
class Completion:
    """The current round: accepted, verified where the class needs it, called back or waived; and whether closed."""

    round: int = 1
    accepted: bool = False
    rejected: bool = False
    needs_verification: bool = True
    verifier: PersonId | None = None
    verified: bool = False
    callback: Literal["OPEN", "DONE", "WAIVED"] = "OPEN"
    attempts: tuple[tuple[date, str], ...] = ()
    """Half-days in which the reporter was tried."""
    closed: bool = False
    violations: frozenset[tuple[PersonId, str]] = frozenset()

    @property
    def checked(self) -> bool:
        """Whether nothing is left to verify."""
        return self.verified or not self.needs_verification


CompletionEvent = (
    FeedbackAccepted
    | FeedbackRejected
    | VerificationAssigned
    | VerificationPassed
    | ReworkOrdered
    | CallbackAttempted
    | CallbackCompleted
    | CallbackWaived
    | CaseClosed
    | ClocksRevived
    | SeparationViolationDetected
)
"""Which of supervision's events bring a case to its end, or back from it."""


def evolve(own: Completion, event: CompletionEvent) -> Completion:
    """One of these events later."""
    match event:
        case FeedbackAccepted():
            return replace(own, accepted=True, rejected=False, needs_verification=event.next == "VERIFYING")
        case FeedbackRejected():
            return replace(own, rejected=True)
        case VerificationAssigned():
            return replace(own, verifier=event.verifier)
        case VerificationPassed():
            return replace(own, verified=True)
        case ReworkOrdered():
            return Completion(round=event.round, violations=own.violations)
        case CallbackAttempted():
            return replace(own, attempts=(*own.attempts, (event.day, event.half)))
        case CallbackCompleted():
            return replace(own, callback="DONE")
        case CallbackWaived():
            return replace(own, callback="WAIVED")
        case CaseClosed():
            return replace(own, closed=True)
        case ClocksRevived():
            return replace(own, closed=False)
        case SeparationViolationDetected():
            return replace(own, violations=own.violations | {(event.person, event.rule)})
        case _:
            assert_never(event)


# Guards


def unbarred(facts: Facts, by: Actor, at: datetime, power: Closing, command: str) -> Case:
    """The case, if no separation rule bars the actor from the power; before any role is looked at."""
    case = facts.known_case()
    if breach := may_close(case, by.person, facts.directory, at, power):
        raise forbidden(breach, command, by.person, by.unit)
    return case


def not_here(own: Completion, case: Case) -> NotInThisState:
    """The refusal of a command that comes too early or too late, with what can be done instead."""
    return NotInThisState(evidence=[case.last_event_id], allowed=open_steps(own, case))


def open_steps(own: Completion, case: Case) -> tuple[str, ...]:
    """What the centre can do next with the case, whoever does it."""
    if case.ended or own.closed:
        return ()
    if not own.accepted:
        return ("review", "rework") if case.state == "FEEDBACK" else ()
    if not own.checked:
        return ("verification", "verification/result", "rework")
    return ("callback", "rework") if owes_a_callback(own, case) else ("close", "rework")


def owes_a_callback(own: Completion, case: Case) -> bool:
    """Nobody calls a reporter who left the matter; while he may still come back nothing is waived for good."""
    return own.callback == "OPEN" and not case.reporter_left
