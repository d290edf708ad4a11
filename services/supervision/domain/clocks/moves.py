"""Which clocks a fact of the log starts, stops, continues, ends or revives (CLK-09, CLK-13, CLK-14, RET-5). Pure.

A correction of class, kind or urgency is no such fact: what runs keeps its limit, dispatch and overall included, and
clocks that start later follow what the case says then (rulebook.md c.4).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import assert_never

from libs.case.state import Case
from libs.events.contracts.intake import (
    AnsweredDirectly,
    AppealRestored,
    AppealWithdrawn,
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
    FeedbackSubmitted,
    ReturnApproved,
    ReturnRejected,
    ReturnRequested,
)
from libs.events.contracts.supervision import (
    CaseClosed,
    FeedbackRejected,
    ReworkOrdered,
    SupervisionIssued,
    SupervisionLifted,
    SupervisionResponded,
)
from libs.events.ids import UnitId
from services.supervision.domain.clocks.case_clocks import Clocks, Track
from services.supervision.domain.clocks.operations import Ended

OfRouting = (
    CaseDispatched
    | AssignmentAccepted
    | AssignmentDeemedAccepted
    | ReturnRequested
    | ReturnApproved
    | ReturnRejected
    | ArbitrationOpened
    | ArbitrationRuled
    | FeedbackSubmitted
)
OfSupervision = (
    FeedbackRejected | ReworkOrdered | CaseClosed | SupervisionIssued | SupervisionResponded | SupervisionLifted
)
OfIntake = CaseRegistered | CaseVoided | CaseNotAccepted | AnsweredDirectly | AppealWithdrawn | AppealRestored
Fact = OfIntake | OfRouting | OfSupervision
"""What starts, stops, continues, ends or revives a clock."""


@dataclass(frozen=True)
class Start:
    """A clock is to start, where a limit or the sender gives it a due instant."""

    clock: Clock
    round: int = 1
    unit: UnitId | None = None


@dataclass(frozen=True)
class Stop:
    """The stage of this clock is over."""

    track: Track


@dataclass(frozen=True)
class Continue:
    """The stage of this clock goes on; an overall clock does so in the round `round`."""

    track: Track
    round: int


@dataclass(frozen=True)
class EndAll:
    """The case has ended."""


@dataclass(frozen=True)
class Revive:
    """The case lives again: what only its end had stopped goes on."""


Move = Start | Stop | Continue | EndAll | Revive


def moves(clocks: Clocks, fact: Fact, at: datetime, case: Case) -> Iterator[Move]:
    """What the fact, recorded at `at`, does; `case` is the case right after it."""
    if isinstance(fact, OfIntake):
        return _of_intake(clocks, fact, case)
    if isinstance(fact, OfRouting):
        return _of_routing(clocks, fact, at, case)
    return _of_supervision(clocks, fact, at, case)


def _of_intake(clocks: Clocks, fact: OfIntake, case: Case) -> Iterator[Move]:
    match fact:
        case CaseRegistered():
            yield from (Start("dispatch"), Start("overall"))
        case CaseVoided() | CaseNotAccepted() | AnsweredDirectly() | AppealWithdrawn(continues=False):
            yield EndAll()
        case AppealWithdrawn():
            # The matter goes on without him, and so do its clocks.
            return
        case AppealRestored():
            # Where the case had ended otherwise before, taking the withdrawal back changes nothing.
            if not case.ended and clocks.of_case and isinstance(clocks.of_case[-1], Ended):
                yield Revive()
        case _:
            assert_never(fact)


def _of_routing(clocks: Clocks, fact: OfRouting, at: datetime, case: Case) -> Iterator[Move]:
    """退单 and 裁定 do not stop handling (CLK-09); a justified return is charged to the dispatcher (RET-5)."""
    match fact:
        case CaseDispatched():
            yield from _dispatched(clocks, at, fact)
        case AssignmentAccepted() | AssignmentDeemedAccepted():
            yield from _stops(clocks, at, "sign", unit=fact.unit)
        case ReturnRequested():
            yield Start("return_decision", fact.round)
        case ReturnRejected():
            yield from _stops(clocks, at, "return_decision")
        case ReturnApproved():
            yield from _stops(clocks, at, "return_decision")
            # The unit has left; until somebody else gets the case the centre alone is charged.
            yield from _stops(clocks, at, "sign", "handling", "rework", unit=fact.unit)
            yield Start("dispatch", case.round)
        case ArbitrationOpened():
            # From here the arbiter chooses the unit, not the dispatcher.
            yield from _stops(clocks, at, "return_decision", "dispatch")
            yield Start("arbitration", case.round)
        case ArbitrationRuled():
            yield from _stops(clocks, at, "arbitration")
        case FeedbackSubmitted():
            yield from _stops(clocks, at, "handling", "rework", unit=fact.unit, of_round=fact.round)
            yield from _stops(clocks, at, "overall")
        case _:
            assert_never(fact)


def _dispatched(clocks: Clocks, at: datetime, fact: CaseDispatched) -> Iterator[Move]:
    """Another unit has clocks of its own, the one that the case has left answers no more; overall never resets.

    A unit that is ruled to keep the case signs anew, but gains no time by its dispute (RET-5).
    """
    yield from _stops(clocks, at, "dispatch", "sign")
    running = list(_stops(clocks, at, "handling", "rework"))
    yield from (stop for stop in running if stop.track.unit != fact.unit)
    yield Start("sign", fact.round, fact.unit)
    if all(stop.track.unit != fact.unit for stop in running):
        yield Start("handling", fact.round, fact.unit)


def _of_supervision(clocks: Clocks, fact: OfSupervision, at: datetime, case: Case) -> Iterator[Move]:
    unit = UnitId(case.unit) if case.unit else None
    match fact:
        case FeedbackRejected():
            yield from _continues(clocks, fact.round, "handling", "rework", unit=unit, of_round=fact.round)
            yield from _continues(clocks, fact.round, "overall")
        case ReworkOrdered():
            yield Start("rework", fact.round, unit)
            yield from _continues(clocks, fact.round, "overall")
        case SupervisionIssued():
            yield Start("response", case.round, fact.unit)
        case SupervisionResponded():
            yield from _stops(clocks, at, "response", unit=fact.unit)
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
