"""回访: trying to reach the reporter, and his three answers (rulebook.md c.3 #36). Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from libs.case.facts import Facts
from libs.directory.rules.half_days import half_day
from libs.events.contracts.supervision import CallbackAttempted, CallbackCompleted
from libs.events.decider import Actor
from libs.events.errors import Rejected
from libs.events.event import Event
from services.supervision.domain.closing.completion import Completion, not_here, owes_a_callback, unbarred

Satisfaction = Literal["SATISFIED", "BASICALLY", "DISSATISFIED"]


@dataclass(frozen=True)
class Answers:
    """The three separate questions: was he contacted, is it solved, is he satisfied."""

    contacted: bool
    solved: bool
    satisfaction: Satisfaction


@dataclass(frozen=True)
class RecordCallback:
    """One try; `answers` is None where he was not reached, or did not answer all three."""

    at: datetime
    by: Actor
    answers: Answers | None = None
    remark: str | None = None


class SameHalfDay(Rejected):
    """Three calls in five minutes are one."""

    code = "E-CALLBACK"
    zh = "本半日已尝试回访, 请换一个半日再试"
    en = "he was tried in this half-day already; try in another one"


def record(own: Completion, command: RecordCallback, facts: Facts) -> Sequence[Event]:
    """Valid with three answers; after the last try of the rulebook it is over, not valid, and counts nowhere."""
    case = unbarred(facts, command.by, command.at, "callback", "RecordCallback")
    command.by.must_be("CALLBACK_AGENT")
    if case.ended or not own.accepted or not own.checked or not owes_a_callback(own, case):
        raise not_here(own, case)
    rules = facts.directory.rulebook
    day, half = half_day(command.at, rules.clock.tz)
    if command.answers is None and rules.callback.distinct_half_days and (day, half) in own.attempts:
        raise SameHalfDay(allowed=["callback"])
    attempt = CallbackAttempted(
        agent=command.by.person,
        round=own.round,
        attempt=len(own.attempts) + 1,
        day=day,
        half=half,
        reached=command.answers is not None,
    )
    over = command.answers is not None or attempt.attempt >= rules.callback.attempts
    return [attempt, completed(own, command)] if over else [attempt]


def completed(own: Completion, command: RecordCallback) -> CallbackCompleted:
    """The end of the call-back."""
    answers = command.answers
    return CallbackCompleted(
        agent=command.by.person,
        round=own.round,
        valid=answers is not None,
        contacted=answers.contacted if answers else None,
        solved=answers.solved if answers else None,
        satisfaction=answers.satisfaction if answers else None,
        remark=command.remark,
    )
