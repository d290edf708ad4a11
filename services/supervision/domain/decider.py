"""Supervision 督办: its commands, its state, its decisions – each in the room of its matter. Pure: no I/O, no clock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import assert_never

from libs.case.facts import Facts
from libs.events.contracts.supervision import (
    EVENTS,
    AutoEscalated,
    CallbackAttempted,
    CallbackCompleted,
    CallbackWaived,
    CaseClosed,
    CaseLeftAlone,
    CaseUrged,
    ClockImported,
    ClocksEnded,
    ClocksRevived,
    DeadlineBreached,
    DeadlineRecomputed,
    DeadlineSet,
    DeadlineWarned,
    FeedbackAccepted,
    FeedbackRejected,
    ReworkOrdered,
    SeparationViolationAttempted,
    SeparationViolationDetected,
    StageContinued,
    StageFinished,
    SupervisionEvent,
    SupervisionIssued,
    SupervisionLifted,
    SupervisionResponded,
    VerificationAssigned,
    VerificationFailed,
    VerificationPassed,
)
from libs.events.decider import Decider, fold_of
from libs.events.event import Event
from libs.separation import violations
from libs.separation.violations import RecordViolation
from services.supervision.domain.clocks import case_clocks, from_facts
from services.supervision.domain.clocks.case_clocks import Clocks
from services.supervision.domain.clocks.from_facts import FollowClocks
from services.supervision.domain.closing import callback, completion, review, verification
from services.supervision.domain.closing.callback import RecordCallback
from services.supervision.domain.closing.completion import Completion
from services.supervision.domain.closing.review import CloseCase, OrderRework, ReviewFeedback
from services.supervision.domain.closing.verification import AssignVerification, SubmitVerification
from services.supervision.domain.orders import left_alone, orders, urging
from services.supervision.domain.orders.left_alone import SayLeftAlone
from services.supervision.domain.orders.orders import IssueSupervision, LiftSupervision, Orders, RespondSupervision
from services.supervision.domain.orders.urging import UrgeCase, Urging

# Commands


Command = (
    ReviewFeedback
    | OrderRework
    | CloseCase
    | AssignVerification
    | SubmitVerification
    | RecordCallback
    | IssueSupervision
    | RespondSupervision
    | LiftSupervision
    | UrgeCase
    | SayLeftAlone
    | FollowClocks
    | RecordViolation
)

# State


@dataclass(frozen=True)
class State:
    """Supervision's own stream of one case; `version` is its length."""

    version: int = 0
    completion: Completion = field(default_factory=Completion)
    orders: Orders = field(default_factory=Orders)
    urging: Urging = field(default_factory=Urging)
    left_alone: datetime | None = None
    """Of which last step it is said already that none followed."""
    clocks: Clocks = field(default_factory=Clocks)


def evolve(state: State, event: SupervisionEvent) -> State:
    """One own event later: the rooms whose matter it is are told, and no others."""
    version = state.version + 1
    match event:
        case DeadlineSet() | ClockImported() | StageFinished() | StageContinued():
            return replace(state, version=version, clocks=case_clocks.evolve(state.clocks, event, version))
        case DeadlineRecomputed() | ClocksEnded():
            return replace(state, version=version, clocks=case_clocks.evolve(state.clocks, event, version))
        case DeadlineWarned() | DeadlineBreached() | AutoEscalated():
            return replace(state, version=version, clocks=case_clocks.evolve(state.clocks, event, version))
        case ClocksRevived():
            revived = case_clocks.evolve(state.clocks, event, version)
            return replace(
                state, version=version, clocks=revived, completion=completion.evolve(state.completion, event)
            )
        case FeedbackAccepted() | FeedbackRejected() | ReworkOrdered() | VerificationAssigned() | VerificationPassed():
            return replace(state, version=version, completion=completion.evolve(state.completion, event))
        case CallbackAttempted() | CallbackCompleted() | CallbackWaived() | SeparationViolationDetected():
            return replace(state, version=version, completion=completion.evolve(state.completion, event))
        case CaseClosed():
            closed = completion.evolve(state.completion, event)
            return replace(state, version=version, completion=closed, orders=orders.evolve(state.orders, event))
        case SupervisionIssued() | SupervisionResponded() | SupervisionLifted():
            return replace(state, version=version, orders=orders.evolve(state.orders, event))
        case CaseUrged():
            return replace(state, version=version, urging=urging.evolve(state.urging, event))
        case CaseLeftAlone():
            return replace(state, version=version, left_alone=event.since)
        case VerificationFailed() | SeparationViolationAttempted():
            return replace(state, version=version)
        case _:
            assert_never(event)


# Decisions


def decide(state: State, command: Command, facts: Facts) -> Sequence[Event]:
    """The facts that follow from a command; raises a refusal."""
    match command:
        case ReviewFeedback():
            return review.review(state.completion, command, facts)
        case OrderRework():
            return review.order_rework(state.completion, command, facts)
        case CloseCase():
            return review.close(state.completion, command, facts)
        case AssignVerification():
            return verification.assign(state.completion, command, facts)
        case SubmitVerification():
            return verification.submit(state.completion, command, facts)
        case RecordCallback():
            return callback.record(state.completion, command, facts)
        case IssueSupervision():
            return orders.issue(state.orders, command, facts)
        case RespondSupervision():
            return orders.respond(state.orders, command, facts)
        case LiftSupervision():
            return orders.lift(state.clocks, command, facts)
        case UrgeCase():
            return urging.urge(state.urging, command, facts, state.clocks)
        case SayLeftAlone():
            return left_alone.say(state.left_alone, command, facts)
        case FollowClocks():
            return from_facts.follow(state.clocks, state.completion, command, facts, state.version)
        case RecordViolation():
            return violations.record(state.completion.violations, command, SeparationViolationDetected)
        case _:
            assert_never(command)


DECIDER: Decider[State, Command, Facts] = Decider(State(), fold_of(EVENTS, evolve), decide)
