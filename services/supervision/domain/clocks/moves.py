"""Which clocks a fact of the log starts, stops, continues, ends or revives (e.2, CLK-09, CLK-13, CLK-14, RET-5). Pure.

A correction of class, kind or urgency is no such fact: what runs keeps its limit, dispatch and overall included, and
clocks that start later follow what the case says then (rulebook.md c.4).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import assert_never

from libs.case.state import Case
from libs.events.contracts.intake import (
    AnsweredDirectly,
    AppealRestored,
    AppealWithdrawn,
    CaseImported,
    CaseNotAccepted,
    CaseRegistered,
    CaseVoided,
)
from libs.events.contracts.parts.clock import Clock
from libs.events.contracts.routing import (
    ArbitrationOpened,
    ArbitrationRuled,
    AssignmentAccepted,
    AssignmentDeemedAccepted,
    CaseDispatched,
    CitizenContacted,
    FeedbackSubmitted,
    OrderPassedOn,
    ReturnApproved,
    ReturnRejected,
    ReturnRequested,
)
from libs.events.contracts.supervision import (
    CallbackAttempted,
    CallbackCompleted,
    CaseClosed,
    FeedbackAccepted,
    FeedbackRejected,
    ReworkOrdered,
    SupervisionIssued,
    SupervisionLifted,
    SupervisionResponded,
    VerificationPassed,
)
from libs.events.ids import UnitId
from services.supervision.domain.clocks.case_clocks import Clocks, Track
from services.supervision.domain.clocks.operations import Ended
from services.supervision.domain.closing.completion import Completion, owes_a_callback

OfRouting = (
    CaseDispatched
    | AssignmentAccepted
    | AssignmentDeemedAccepted
    | CitizenContacted
    | ReturnRequested
    | ReturnApproved
    | ReturnRejected
    | ArbitrationOpened
    | ArbitrationRuled
    | OrderPassedOn
    | FeedbackSubmitted
)
OfSupervision = (
    FeedbackAccepted
    | FeedbackRejected
    | VerificationPassed
    | ReworkOrdered
    | CallbackAttempted
    | CallbackCompleted
    | CaseClosed
    | SupervisionIssued
    | SupervisionResponded
    | SupervisionLifted
)
OfIntake = (
    CaseImported | CaseRegistered | CaseVoided | CaseNotAccepted | AnsweredDirectly | AppealWithdrawn | AppealRestored
)
Fact = OfIntake | OfRouting | OfSupervision
"""What starts, stops, continues, ends or revives a clock."""
CLOSING: Sequence[Clock] = ("review", "verification", "callback", "close")
"""The centre's own stages after a feedback, of which one runs at a time."""
OF_THE_UNIT: Sequence[Clock] = ("sign", "first_contact", "handling", "rework", "response")
"""What a handling unit answers for."""
NEXT: Mapping[str, Clock] = {"VERIFYING": "verification", "CALLBACK": "callback", "CLOSING": "close"}
"""What comes next, as the event says it → the clock of that stage."""


@dataclass(frozen=True)
class Start:
    """A clock is to start, where a limit or the sender gives it a due instant."""

    clock: Clock
    round: int = 1
    unit: UnitId | None = None
    again: bool = False
    """By the limit for further tries of a call-back."""


@dataclass(frozen=True)
class TryAgain:
    """The reporter was not reached: the limit for further tries takes over, where the rulebook sets one."""

    track: Track


@dataclass(frozen=True)
class Stop:
    """The stage of this clock is over."""

    track: Track


@dataclass(frozen=True)
class Continue:
    """The stage of this clock goes on, as that of the unit it names; an overall clock does so in the round `round`."""

    track: Track
    round: int


@dataclass(frozen=True)
class EndAll:
    """The case has ended."""


@dataclass(frozen=True)
class Revive:
    """The case lives again: what only its end had stopped goes on."""


Move = Start | TryAgain | Stop | Continue | EndAll | Revive


def moves(clocks: Clocks, own: Completion, fact: Fact, at: datetime, case: Case) -> Iterator[Move]:
    """What the fact, recorded at `at`, does; `case` is the case right after it, `own` what supervision decided."""
    if isinstance(fact, OfIntake):
        return _of_intake(clocks, own, fact, at, case)
    if isinstance(fact, OfRouting):
        return _of_routing(clocks, fact, at, case)
    return _of_supervision(clocks, fact, at, case)


def _of_intake(clocks: Clocks, own: Completion, fact: OfIntake, at: datetime, case: Case) -> Iterator[Move]:
    match fact:
        case CaseImported():
            # Nobody here has let it wait for its dispatch.
            yield Start("overall")
        case CaseRegistered():
            yield from (Start("dispatch"), Start("overall"))
        case CaseVoided() | CaseNotAccepted() | AnsweredDirectly() | AppealWithdrawn(continues=False):
            yield EndAll()
        case AppealWithdrawn():
            # The matter goes on without him, and so do its clocks; but nobody calls him any more.
            yield from _stops(clocks, at, "first_contact")
            for called in _stops(clocks, at, "callback"):
                yield called
                yield Start("close", case.round)
        case AppealRestored():
            yield from _restored(clocks, own, at, case)
        case _:
            assert_never(fact)


def _restored(clocks: Clocks, own: Completion, at: datetime, case: Case) -> Iterator[Move]:
    """Where the case had ended otherwise before, taking the withdrawal back changes nothing."""
    if case.ended:
        return
    if clocks.of_case and isinstance(clocks.of_case[-1], Ended):
        yield Revive()
    elif own.accepted and own.checked and owes_a_callback(own, case):
        # The matter had gone on without him, up to its closing.
        yield from _stops(clocks, at, "close")
        yield Start("callback", case.round)


def _of_routing(clocks: Clocks, fact: OfRouting, at: datetime, case: Case) -> Iterator[Move]:
    """退单 and 裁定 do not stop handling (CLK-09); a justified return is charged to the dispatcher (RET-5)."""
    match fact:
        case CaseDispatched():
            yield from _dispatched(clocks, at, fact, case)
        case CitizenContacted():
            # A call that reached nobody is no contact: the clock runs on until he is reached, or the unit reports.
            if fact.reached:
                yield from _stops(clocks, at, "first_contact")
        case AssignmentAccepted() | AssignmentDeemedAccepted():
            yield from _stops(clocks, at, "sign", unit=fact.unit)
        case ReturnRequested():
            yield Start("return_decision", fact.round)
        case ReturnRejected():
            yield from _stops(clocks, at, "return_decision")
        case ReturnApproved():
            yield from _stops(clocks, at, "return_decision")
            # The unit has left; until somebody else gets the case the centre alone is charged.
            yield from _stops(clocks, at, "sign", "first_contact", "handling", "rework", unit=fact.unit)
            yield Start("dispatch", case.round)
        case ArbitrationOpened():
            # From here the arbiter chooses the unit, not the dispatcher.
            yield from _stops(clocks, at, "return_decision", "dispatch")
            yield Start("arbitration", case.round)
        case ArbitrationRuled():
            yield from _stops(clocks, at, "arbitration")
        case OrderPassedOn():
            yield from _passed_on(clocks, at, fact, case)
        case FeedbackSubmitted():
            yield from _stops(clocks, at, "handling", "rework", unit=fact.unit, of_round=fact.round)
            yield from _stops(clocks, at, "overall", "first_contact")
            yield Start("review", fact.round)
        case _:
            assert_never(fact)


def _dispatched(clocks: Clocks, at: datetime, fact: CaseDispatched, case: Case) -> Iterator[Move]:
    """Another unit has clocks of its own, the one that the case has left answers no more; overall never resets.

    A unit that is ruled to keep the case signs anew, but gains no time by its dispute (RET-5).
    """
    yield from _stops(clocks, at, "dispatch", "sign")
    running = list(_stops(clocks, at, "first_contact", "handling", "rework"))
    yield from (stop for stop in running if stop.track.unit != fact.unit)
    yield Start("sign", fact.round, fact.unit)
    if all(stop.track.unit != fact.unit for stop in running):
        if _can_be_contacted(case):
            yield Start("first_contact", fact.round, fact.unit)
        yield Start("handling", fact.round, fact.unit)


def _passed_on(clocks: Clocks, at: datetime, fact: OrderPassedOn, case: Case) -> Iterator[Move]:
    """The successor has the clocks of the unit that has ended, and no more time (SUC-2). Where nobody has taken over,
    the centre alone is charged, as after a return."""
    if fact.role == "co":
        return
    running = list(_stops(clocks, at, *OF_THE_UNIT, unit=fact.ended))
    if fact.unit:
        yield from (Continue(replace(stop.track, unit=fact.unit), stop.track.round) for stop in running)
        return
    yield from running
    yield from _stops(clocks, at, "return_decision")
    if case.state == "REGISTERED":
        yield Start("dispatch", fact.round)


def _can_be_contacted(case: Case) -> bool:
    """Whether there is a reporter whom the unit can call; what was found on patrol has none."""
    return case.reporter_kind == "NAMED" and not case.reporter_left and "reporter" not in case.erased


def _of_supervision(clocks: Clocks, fact: OfSupervision, at: datetime, case: Case) -> Iterator[Move]:
    unit = UnitId(case.unit) if case.unit else None
    match fact:
        case FeedbackAccepted() | VerificationPassed():
            yield from _stops(clocks, at, *CLOSING)
            # Who has left meanwhile, unknown to whoever decided, is not called back.
            left = case.reporter_left and fact.next == "CALLBACK"
            yield Start("close" if left else NEXT[fact.next], fact.round)
        case CallbackAttempted():
            if fact.attempt == 1 and not fact.reached:
                yield from (TryAgain(stop.track) for stop in _stops(clocks, at, "callback"))
        case CallbackCompleted():
            yield from _stops(clocks, at, *CLOSING)
            yield Start("close", fact.round)
        case FeedbackRejected():
            yield from _stops(clocks, at, *CLOSING)
            yield from _continues(clocks, fact.round, "handling", "rework", unit=unit, of_round=fact.round)
            yield from _continues(clocks, fact.round, "overall")
        case ReworkOrdered():
            yield from _stops(clocks, at, *CLOSING)
            yield Start("rework", fact.round, unit)
            yield from _continues(clocks, fact.round, "overall")
        case SupervisionIssued():
            yield Start("response", case.round, fact.unit)
        case SupervisionResponded():
            for asked in (fact.unit, *fact.answers_for):
                yield from _stops(clocks, at, "response", unit=asked)
        case SupervisionLifted():
            yield from _stops(clocks, at, "response")
        case CaseClosed():
            yield EndAll()
        case _:
            assert_never(fact)


def _tracks(clocks: Clocks, kinds: Sequence[Clock], unit: UnitId | None, of_round: int | None) -> Iterator[Track]:
    for track in clocks.tracks.values():
        if track.clock in kinds and unit in (None, track.unit) and of_round in (None, track.round):
            yield track


def _stops(
    clocks: Clocks, at: datetime, *kinds: Clock, unit: UnitId | None = None, of_round: int | None = None
) -> Iterator[Stop]:
    # Of several stops the earliest counts, so one after another would say nothing.
    yield from (Stop(track) for track in _tracks(clocks, kinds, unit, of_round) if not track.is_stopped(at))


def _continues(
    clocks: Clocks, to_round: int, *kinds: Clock, unit: UnitId | None = None, of_round: int | None = None
) -> Iterator[Continue]:
    # A unit that got the case back has an older clock of the same name: only the newest was stopped by the feedback.
    newest = {track.clock: track for track in _tracks(clocks, kinds, unit, of_round)}
    yield from (Continue(track, to_round) for track in newest.values())
