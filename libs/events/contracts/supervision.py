"""Events that only supervision 督办 appends: clocks and steps, review, verification, call-back, closing, orders."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal, get_args

from libs.events.contracts.parts.clock import Alarm, Clock, KnownClock
from libs.events.event import CaseText, Event
from libs.events.ids import ClockId, GridCode, PersonId, UnitId

Urgency = Literal["U1", "U2", "U3", "U4"]


class ClockMoved(KnownClock, Event, zh="时限变动", en="clock moved"):
    """What every fact about a clock carries: where it took effect, and the whole clock as known then.

    The fold uses `at` and amounts only (architecture.md §5); the other instants are the result known when the event
    was written.
    """

    at: datetime
    because: str
    """Event id of the fact."""


class ClockStarted(ClockMoved, zh="开始计时", en="clock started"):
    """What every start of a clock carries: a limit, or an instant that the sender gave."""

    limit: str | None = None
    counted_from: datetime | None = None
    upstream_due_at: datetime | None = None
    urgency: Urgency
    directory_version: int
    """Pins lamp and ladder of this clock for good, its calendar until a limit is counted anew."""


class DeadlineSet(ClockStarted, zh="开始计时", en="clock started"):
    """A clock was started by a fact: a limit counted from `at`, or an instant that the sender gave."""


class ClockImported(ClockStarted, zh="导入计时", en="clock imported"):
    """The clock of an order that moved in, by its source's instants: it started at `started_at`, and where the source
    closed the order it stopped at `stopped_at`. Judged, and nothing up to `at` is warned of, recorded or escalated.
    """


class StageFinished(ClockMoved, zh="停止计时", en="clock stopped"):
    """A clock was stopped by the end of its stage."""


class StageContinued(ClockMoved, zh="继续计时", en="clock goes on"):
    """A stopped clock goes on: the feedback was rejected, or the case was taken up again; the time between is free.

    One that runs goes on as that of `unit`, which has succeeded the unit that it was of; it gains no time.
    """


class DeadlineRecomputed(ClockMoved, zh="重算时限", en="deadline counted anew"):
    """A calendar was published: a limit that runs over days not published before is counted anew (CLK-15)."""

    counted_from: datetime | None = None
    """Where the limit counts on from a due instant: that one, counted anew."""
    calendar_version: int
    """Pins the calendar of this clock from `at` on."""


class ClocksEnded(Event, zh="终止计时", en="clocks ended"):
    """A terminal event ended every clock of the case, those included that are read of later."""

    at: datetime
    because: str
    """Event id of the terminal event."""
    clocks: tuple[KnownClock, ...]


class ClocksRevived(Event, zh="恢复计时", en="clocks go on"):
    """The case lives again (a withdrawal was taken back, or it was reopened): what only its end had stopped goes on."""

    at: datetime
    because: str
    """Event id of the fact."""
    clocks: tuple[KnownClock, ...]


class InstantReached(Event, zh="时限到点", en="instant reached"):
    """What is said of an instant of a running clock."""

    clock_id: ClockId
    clock: Clock
    round: int
    unit: UnitId | None = None
    instant: datetime
    due_at: datetime


class DeadlineWarned(InstantReached, zh="到期提醒", en="due soon"):
    """到期提醒 (L0): the lamp of a running clock turned yellow."""


class DeadlineBreached(InstantReached, zh="超期", en="overdue"):
    """超期: the due instant of a running clock passed and every fact up to it is known."""


class AutoEscalated(Event, zh="自动督办", en="escalated"):
    """自动督办: a ladder instant passed; the supervision level is at least this one from now on.

    A supervisor's own order raises the level too (`SupervisionIssued`); nothing is drafted (rulebook.md f.2).
    """

    clock_id: ClockId
    clock: Clock
    level: int
    round: int
    unit: UnitId | None = None
    instant: datetime
    told_unit: UnitId | None = None


class FeedbackAccepted(Event, zh="审核通过", en="feedback accepted"):
    """办结: the centre accepts the unit's feedback; what comes next is decided by the class."""

    reviewed_by: PersonId
    round: int
    next: Literal["VERIFYING", "CALLBACK", "CLOSING"]


class FeedbackRejected(Event, zh="审核退回", en="feedback sent back"):
    """The centre sends the feedback back; the same handling clock goes on."""

    reviewed_by: PersonId
    round: int
    reason: CaseText


class VerificationAssigned(Event, zh="交办核实", en="verification assigned"):
    """核实: somebody who did not handle the case is to look at the place."""

    verifier: PersonId
    assigned_by: PersonId
    round: int
    because: str
    relieved: PersonId | None = None
    """Who was to verify before: he learns of it."""


class VerificationPassed(Event, zh="核实通过", en="found done"):
    """The verifier stood at the place and found it done."""

    verifier: PersonId
    round: int
    grid: GridCode
    location: CaseText
    photos: tuple[str, ...]
    note: CaseText | None = None
    next: Literal["CALLBACK", "CLOSING"]


class VerificationFailed(Event, zh="核实未通过", en="found not done"):
    """The verifier stood at the place and found it not done; rework follows."""

    verifier: PersonId
    round: int
    grid: GridCode
    location: CaseText
    photos: tuple[str, ...]
    note: CaseText | None = None


class ReworkOrdered(Event, zh="重办", en="rework ordered"):
    """重办: a new round begins; the rework clock starts, the first round's verdict is frozen."""

    round: int
    ordered_by: PersonId
    because: str
    reason: CaseText | None = None
    relieved: PersonId | None = None
    """Who was still to verify it."""


class CallbackAttempted(Event, zh="回访", en="call-back"):
    """回访: one try to reach the reporter."""

    agent: PersonId
    round: int
    attempt: int
    day: date
    half: Literal["AM", "PM"]
    """Civil half-day of the attempt: the next one must be in another."""
    reached: bool


class CallbackCompleted(Event, zh="回访结束", en="call-back over"):
    """The call-back is over: three answers, or none after three tries (then it is not valid and counts nowhere)."""

    agent: PersonId
    round: int
    valid: bool
    contacted: bool | None = None
    solved: bool | None = None
    satisfaction: Literal["SATISFIED", "BASICALLY", "DISSATISFIED"] | None = None
    remark: CaseText | None = None


class CallbackWaived(Event, zh="免回访", en="no call-back"):
    """No call-back for this case, with the reason (a grid-found case has no reporter: rulebook.md j.3)."""

    round: int
    reason: Literal["GRID_REPORT", "ANONYMOUS", "CLASS_EXEMPT", "REPORTER_LEFT"]


class CaseClosed(Event, zh="结案", en="closed"):
    """结案: always by the centre, never by the unit."""

    closed_by: PersonId
    close_kind: Literal["HANDLED", "EXPLAINED", "FORCED"]
    round: int


class CaseUrged(Event, zh="催办", en="urged"):
    """催办: the unit is asked to move. The supervisor hears of it only where the unit is late or silent (f.2)."""

    urged_by: PersonId | None = None
    source: Literal["CITIZEN", "SUPERVISOR"]
    unit: UnitId | None = None
    supervisor_told: bool = False
    because: str | None = None
    unit_acts: int = 0
    """How often the handling side had acted by then: the same number at the next urge means that nothing was done."""
    note: CaseText | None = None


class CaseLeftAlone(Event, zh="久无人过问", en="left alone"):
    """No clock of whoever must act watches an open case, and nobody has done anything for long (rulebook.md e.3)."""

    alarm: Alarm
    since: datetime
    """When its last step was recorded: it is told once of each."""
    unit: UnitId | None = None


class SupervisionIssued(Event, zh="下达督办", en="supervision order"):
    """督办单: a supervisor orders an answer; the response clock starts."""

    level: int
    issued_by: PersonId
    unit: UnitId
    order: CaseText


class SupervisionResponded(Event, zh="回应督办", en="supervision answered"):
    """The unit's leader answered the order with a plan and a date."""

    responded_by: PersonId
    unit: UnitId
    plan: CaseText
    answers_for: tuple[UnitId, ...] = ()
    """Units that were asked and have ended: their orders are answered too, by what has succeeded them."""


class SupervisionLifted(Event, zh="解除督办", en="supervision lifted"):
    """The cause is removed; the level goes down."""

    lifted_by: PersonId
    level: int
    reason: CaseText


class SeparationViolationAttempted(Event, zh="违反巡办分离被拒", en="refused by separation"):
    """A command that 巡办分离 forbids was tried and refused; the case did not change."""

    person: PersonId
    unit: UnitId | None = None
    command: str
    rule: str
    also: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()


class SeparationViolationDetected(Event, zh="违反巡办分离", en="separation broken"):
    """SEP-18: a power was used on facts that later proved incomplete; history stays, somebody must look."""

    person: PersonId
    rule: str
    evidence: tuple[str, ...]


SupervisionEvent = (
    DeadlineSet
    | ClockImported
    | StageFinished
    | StageContinued
    | DeadlineRecomputed
    | ClocksEnded
    | ClocksRevived
    | DeadlineWarned
    | DeadlineBreached
    | AutoEscalated
    | FeedbackAccepted
    | FeedbackRejected
    | VerificationAssigned
    | VerificationPassed
    | VerificationFailed
    | ReworkOrdered
    | CallbackAttempted
    | CallbackCompleted
    | CallbackWaived
    | CaseClosed
    | CaseUrged
    | CaseLeftAlone
    | SupervisionIssued
    | SupervisionResponded
    | SupervisionLifted
    | SeparationViolationAttempted
    | SeparationViolationDetected
)
"""Everything that supervision says: whoever folds it names each of them, or mypy names what is missing."""
EVENTS: tuple[type[SupervisionEvent], ...] = get_args(SupervisionEvent)
STEPS: tuple[type[SupervisionEvent], ...] = (DeadlineWarned, DeadlineBreached, AutoEscalated)
"""Instants of clocks that were reached: each happened before it was recorded."""
