"""Events that only routing 派遣·办理 appends: who gets the work order and what the handling side does with it."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, get_args

from pydantic import BaseModel, ConfigDict

from libs.events.event import CaseText, Event
from libs.events.ids import ClassCode, PersonId, UnitId


class RuleStep(BaseModel):
    """One link of the chain that explains a route: the rule (rulebook.md d.4) and what it found, in words."""

    model_config = ConfigDict(frozen=True)

    rule: str
    zh: str
    en: str


class RouteRejected(Event, zh="跳过单位", en="unit skipped"):
    """A candidate unit was skipped by a rule, with the reason in words."""

    unit: UnitId
    rule: str
    zh: str
    en: str


class RouteProposed(Event, zh="建议派遣", en="route proposed"):
    """The router's answer: the lead unit it would choose, or none, and the rule chain that led there."""

    unit: UnitId | None
    candidates: tuple[UnitId, ...]
    chain: tuple[RuleStep, ...]
    dispatch: Literal["auto", "confirm"]


class CaseDispatched(Event, zh="派遣", en="dispatched"):
    """派遣: the binding decision; the handling and sign clocks start here."""

    unit: UnitId
    round: int = 1
    dispatched_by: PersonId
    class_code: ClassCode
    chain: tuple[RuleStep, ...] = ()
    dual_hat: bool = False
    no_return: bool = False
    override_reason: CaseText | None = None
    return_until: datetime | None = None
    """The last instant at which the unit may ask to return the case (RET-1); None: it may not."""


class AssignmentAccepted(Event, zh="签收", en="signed for"):
    """签收: the unit signed for the work order; no clock starts or moves but the sign clock, which stops."""

    unit: UnitId
    accepted_by: PersonId


class AssignmentDeemedAccepted(Event, zh="视为签收", en="held to have signed"):
    """视为签收 (RET-6): the sign limit passed in silence; the unit is held to have signed, late."""

    unit: UnitId
    clock_id: str


class HandlerAssigned(Event, zh="指定经办人", en="handler assigned"):
    """One person of the unit is responsible for handling the case."""

    unit: UnitId
    handler: PersonId
    assigned_by: PersonId
    relieved: PersonId | None = None
    """Who was the handler before: he learns of it."""


class CitizenContacted(Event, zh="联系诉求人", en="reporter called"):
    """联系诉求人: the handler reached, or tried to reach, the reporter."""

    contacted_by: PersonId
    reached: bool
    note: CaseText | None = None
    tried_at: datetime | None = None
    """When he was called: tries of one half-day, or of one quarter of an hour where it is urgent, are one."""


class ProgressRecorded(Event, zh="记录进展", en="progress"):
    """What has been done so far, in the handler's words."""

    recorded_by: PersonId
    note: CaseText


class FeedbackSubmitted(Event, zh="反馈", en="feedback"):
    """反馈: the unit reports completion; the handling clock stops at this event's `recordedat`."""

    unit: UnitId
    submitted_by: PersonId
    round: int
    result: Literal["SOLVED", "EXPLAINED", "PARTLY"]
    reply: CaseText
    photos: tuple[str, ...] = ()


class EndorsementRequested(Event, zh="报请审签", en="endorsement asked for"):
    """审签: a return or a feedback that waits for the word of the unit's leader, as the class wants it."""

    act: Literal["return", "feedback"]
    unit: UnitId
    requested_by: PersonId
    round: int = 1
    basis: CaseText | None = None
    suggested_unit: UnitId | None = None
    reason: CaseText | None = None
    result: Literal["SOLVED", "EXPLAINED", "PARTLY"] | None = None
    reply: CaseText | None = None
    photos: tuple[str, ...] = ()


class EndorsementGiven(Event, zh="审签同意", en="endorsed"):
    """The leader has endorsed it; the return or the feedback itself follows in the same breath."""

    act: Literal["return", "feedback"]
    unit: UnitId
    endorsed_by: PersonId
    requested_by: PersonId


class EndorsementRefused(Event, zh="审签退回", en="given back by the leader"):
    """The leader gives it back to whoever wrote it."""

    act: Literal["return", "feedback"]
    unit: UnitId
    refused_by: PersonId
    reason: CaseText


class HandlingResumed(Event, zh="继续办理", en="handling goes on"):
    """The work order is open again: same round after a rejected feedback, the next one after rework or reopening."""

    unit: UnitId
    round: int
    because: str


class ReturnRequested(Event, version=2, zh="申请退单", en="return requested"):
    """退单: the unit says that the matter is not its own, on which basis, and whose it would be."""

    unit: UnitId
    requested_by: PersonId
    round: int = 1
    basis: CaseText
    """Article or entry of the duty list (RET-2), as the clerk typed it."""
    suggested_unit: UnitId
    reason: CaseText | None = None


class ReturnApproved(Event, zh="同意退单", en="return approved"):
    """The dispatcher takes the case back; it waits for another dispatch, the overall clock goes on."""

    unit: UnitId
    decided_by: PersonId
    reason: CaseText | None = None
    relieved: PersonId | None = None
    """Who handled it there."""


class ReturnRejected(Event, zh="不同意退单", en="return rejected"):
    """The unit keeps the case; the time of the groundless return is its own (RET-5)."""

    unit: UnitId
    decided_by: PersonId
    reason: CaseText


class ArbitrationOpened(Event, version=2, zh="提请裁定", en="arbitration opened"):
    """会商裁定: nobody may return the case any more; somebody outside the parties rules."""

    parties: tuple[UnitId, ...]
    because: Literal["RET-3", "DISPUTED", "SILENCE", "VACANT"]
    """The third return, the dispatcher's own decision, a return decision that came too late, or nobody in the unit."""
    opened_by: PersonId | None = None
    requested_by: PersonId | None = None
    """Whose request was the return too many (RET-3); with its basis, the unit named and the reason."""
    basis: CaseText | None = None
    suggested_unit: UnitId | None = None
    reason: CaseText | None = None


class ArbitrationRuled(Event, zh="裁定", en="ruled"):
    """裁定: the unit that has to handle the case; a dispatch without return follows."""

    ruled_by: PersonId
    unit: UnitId
    groundless: tuple[UnitId, ...] = ()
    """Parties whose return had no ground: the time is charged to them (RET-5)."""
    reason: CaseText
    relieved: PersonId | None = None
    """Who handled it in a unit that has it no more."""


class OrderPassedOn(Event, zh="单位撤并承接", en="passed to the successor"):
    """A unit has ended: its successor has its part of the case as it stood, clocks and all (SUC-2), or nobody (SUC-3).

    Lead: without a successor the case waits for the dispatcher. Co-unit: without one the lead does without it.
    """

    ended: UnitId
    unit: UnitId | None
    role: Literal["lead", "co"]
    round: int
    rule: str
    zh: str
    en: str
    handler: PersonId | None = None
    """Who goes on: he serves in the successor too, and nothing bars him."""
    relieved: PersonId | None = None
    """Who was the handler, and is so no more."""
    dual_hat: bool = False


class CoUnitAdded(Event, zh="加入协办", en="co-unit added"):
    """协办: another unit has to contribute, before the lead unit may report."""

    unit: UnitId
    added_by: PersonId
    round: int = 1
    task: CaseText


class CoUnitReported(Event, zh="协办反馈", en="co-unit reported"):
    """The co-handling unit has done its part."""

    unit: UnitId
    reported_by: PersonId
    round: int = 1
    report: CaseText


class WorkOrderCancelled(Event, zh="工单撤销", en="work order cancelled"):
    """The case ended elsewhere (voided, withdrawn, diverted, not accepted); the unit has nothing more to do."""

    unit: UnitId | None
    because: str


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


class ReturnRequestedV1(Event, named="ReturnRequested", zh="申请退单", en="return requested"):
    """退单 as it was written while its basis stood open."""

    unit: UnitId
    requested_by: PersonId
    round: int = 1
    basis: str
    suggested_unit: UnitId
    reason: CaseText | None = None

    def upcast(self) -> ReturnRequested:
        """The basis stays as open as it is in the log."""
        return ReturnRequested(**{name: getattr(self, name) for name in self.model_fields_set})


class ArbitrationOpenedV1(Event, named="ArbitrationOpened", zh="提请裁定", en="arbitration opened"):
    """会商裁定 as it was written while the basis of the return too many stood open."""

    parties: tuple[UnitId, ...]
    because: Literal["RET-3", "DISPUTED", "SILENCE"]
    opened_by: PersonId | None = None
    requested_by: PersonId | None = None
    basis: str | None = None
    suggested_unit: UnitId | None = None
    reason: CaseText | None = None

    def upcast(self) -> ArbitrationOpened:
        """The basis stays as open as it is in the log."""
        return ArbitrationOpened(**{name: getattr(self, name) for name in self.model_fields_set})


RoutingEvent = (
    RouteRejected
    | RouteProposed
    | CaseDispatched
    | AssignmentAccepted
    | AssignmentDeemedAccepted
    | HandlerAssigned
    | CitizenContacted
    | ProgressRecorded
    | FeedbackSubmitted
    | EndorsementRequested
    | EndorsementGiven
    | EndorsementRefused
    | HandlingResumed
    | ReturnRequested
    | ReturnApproved
    | ReturnRejected
    | ArbitrationOpened
    | ArbitrationRuled
    | OrderPassedOn
    | CoUnitAdded
    | CoUnitReported
    | WorkOrderCancelled
    | SeparationViolationAttempted
    | SeparationViolationDetected
)
"""Everything that routing says: whoever folds it names each of them, or mypy names what is missing."""
EVENTS: tuple[type[RoutingEvent], ...] = get_args(RoutingEvent)
OLDER: tuple[type[Event], ...] = (ReturnRequestedV1, ArbitrationOpenedV1)
