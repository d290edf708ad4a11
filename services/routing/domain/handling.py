"""What the handling side does with its work order: sign, assign, contact, progress, feedback. Pure: no I/O."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from libs.case.evidence import require_sent
from libs.case.facts import Facts
from libs.case.refusals import EvidenceMissing, NotInThisState
from libs.case.state import Attached, Case
from libs.directory.facts.view import View
from libs.directory.rules.half_days import half_day
from libs.events.contracts.routing import (
    AssignmentAccepted,
    CitizenContacted,
    FeedbackSubmitted,
    HandlerAssigned,
    ProgressRecorded,
)
from libs.events.decider import Actor
from libs.events.errors import Forbidden, Malformed, Rejected
from libs.events.event import Event, Sealed
from libs.events.ids import PersonId, UnitId
from libs.separation.powers import may_handle
from services.routing.domain.work_order import NotYourOrder, Timed, WorkOrder, forbidden, require_status

DEPT_ROLES = ("DEPT_CLERK", "DEPT_HANDLER", "DEPT_LEADER")

# Commands


@dataclass(frozen=True)
class AcceptAssignment:
    """签收 (rulebook.md c.3 #17)."""

    at: datetime
    by: Actor


@dataclass(frozen=True)
class AssignHandler:
    """One person of the unit becomes responsible (c.3 #18)."""

    at: datetime
    by: Actor
    handler: PersonId


@dataclass(frozen=True)
class ContactCitizen:
    """The handler reached, or tried to reach, the reporter (c.3 #25)."""

    at: datetime
    by: Actor
    reached: bool
    note: str | None = None


@dataclass(frozen=True)
class RecordProgress:
    """What has been done so far (c.3 #26)."""

    at: datetime
    by: Actor
    note: str


@dataclass(frozen=True)
class SubmitFeedback:
    """反馈: the unit reports completion (c.3 #32). `photos` are SHA-256 of attachments."""

    at: datetime
    by: Actor
    result: Literal["SOLVED", "EXPLAINED", "PARTLY"]
    reply: str | Sealed
    photos: tuple[str, ...] = ()


# Refusals


class UnknownPerson(Malformed):
    """Nobody in the directory has this id."""

    code = "E-PERSON"
    zh = "目录中没有此人"
    en = "nobody in the directory has this id"


class HandlerNotOfUnit(Rejected):
    """The named person holds no handling post in the unit now."""

    code = "E-HANDLER"
    zh = "该人员目前不是承办单位的经办人员"
    en = "the person holds no handling post in the unit"


class FinishedWorkNotShown(EvidenceMissing):
    """A matter that is checked on site is reported done with at least one photo."""

    code = "E-FB-EVIDENCE"
    zh = "该事项须附至少一张办理后照片"
    en = "this matter needs at least one photo of the finished work"


class CitizenNotContacted(Rejected):
    """A named reporter must have been reached, or called three times."""

    code = "E-FB-CONTACT"
    zh = "反馈前须联系诉求人, 或留有三次联系记录"
    en = "reach the reporter first, or record three tries"


class CoUnitOutstanding(Rejected):
    """The lead reports when every co-unit has done its part."""

    code = "E-FB-COUNIT"
    zh = "尚有协办单位未反馈"
    en = "a co-handling unit has not reported yet"


class SameTry(Rejected):
    """Three calls within one second are one."""

    code = "E-CONTACT"
    zh = "距上次联系太近, 请换一个半日再试; 紧急事项至少间隔十五分钟"
    en = "too soon after the last try: try in another half-day, or after fifteen minutes where it is urgent"


TRIES = 3
APART = timedelta(minutes=15)
"""Between two tries of an urgent case (U1, U2)."""

# Decisions


def unbarred(order: WorkOrder, command: Timed, facts: Facts) -> Case:
    """The case, where no rule of separation names the actor: SEP-01 … 04, 09 before any role."""
    case = facts.known_case()
    refuse_barred(case, command, command.by.person, order.unit, facts.directory)
    return case


def refuse_barred(case: Case, command: Timed, person: PersonId, unit: UnitId | None, directory: View) -> None:
    """Raises `SeparationForbids` where the person may not use a handling power for the unit."""
    if breach := may_handle(case, person, directory, command.at, unit):
        raise forbidden(breach, type(command).__name__, person, unit)


def accept(order: WorkOrder, command: AcceptAssignment, facts: Facts) -> Sequence[Event]:
    """One signature of the unit is enough."""
    case = unbarred(order, command, facts)
    command.by.must_be("DEPT_CLERK")
    unit = own_unit(order, command.by)
    if order.status in ("IN_PROGRESS", "FEEDBACK"):
        return []
    require_status(order, case, "DISPATCHED")
    return [AssignmentAccepted(unit=unit, accepted_by=command.by.person)]


def assign(order: WorkOrder, command: AssignHandler, facts: Facts) -> Sequence[Event]:
    """The one who is named must be free to handle, like the one who names him."""
    case, directory = unbarred(order, command, facts), facts.directory
    command.by.must_be("DEPT_CLERK")
    unit = own_unit(order, command.by)
    if directory.person(command.handler) is None:
        raise UnknownPerson()
    handler = directory.natural(command.handler)
    refuse_barred(case, command, handler, unit, directory)
    free = able_members(directory, unit, command.at)
    if handler not in free:
        raise HandlerNotOfUnit(allowed=free)
    require_status(order, case, "IN_PROGRESS")
    if order.handler == handler:
        return []
    by = command.by.person
    return [HandlerAssigned(unit=unit, handler=handler, assigned_by=by, relieved=order.handler)]


def contact(order: WorkOrder, command: ContactCitizen, facts: Facts) -> Sequence[Event]:
    """Reached or not, it may come before the signature; a try that failed counts if it was another than the last."""
    case = unbarred(order, command, facts)
    require_handler(order, command.by)
    require_status(order, case, "DISPATCHED", "IN_PROGRESS")
    if not command.reached and is_same_try(order, case, command.at, facts.directory.rulebook.clock.tz):
        raise SameTry(allowed=["contact"])
    told = CitizenContacted(
        contacted_by=command.by.person, reached=command.reached, note=command.note, tried_at=command.at
    )
    return [told]


def is_same_try(order: WorkOrder, case: Case, at: datetime, tz: str) -> bool:
    """Whether a call that nobody took is no other than the last one (rulebook.md c.3 #25)."""
    if order.tried_at is None:
        return False
    if case.urgency in ("U1", "U2"):
        return at - order.tried_at < APART
    return half_day(at, tz) == half_day(order.tried_at, tz)


def progress(order: WorkOrder, command: RecordProgress, facts: Facts) -> Sequence[Event]:
    """What has been done, while the case is at work."""
    case = unbarred(order, command, facts)
    require_handler(order, command.by)
    require_status(order, case, "IN_PROGRESS")
    return [ProgressRecorded(recorded_by=command.by.person, note=command.note)]


def feedback(order: WorkOrder, command: SubmitFeedback, facts: Facts) -> Sequence[Event]:
    """The handling clock stops at this event, so whoever is early is early."""
    case = unbarred(order, command, facts)
    unit = require_handler(order, command.by)
    require_status(order, case, "IN_PROGRESS")
    if order.co_units:
        raise CoUnitOutstanding(allowed=order.co_units)
    item = facts.directory.catalogue(case.class_code or "")
    on_site = item is not None and item.verification and not item.photo_exempt
    if on_site and command.result != "EXPLAINED" and not command.photos:
        raise FinishedWorkNotShown(allowed=["photos"])
    require_sent(command.photos, finished_work(order, case))
    if not has_contacted(order, case):
        raise CitizenNotContacted(allowed=["contact"])
    return [
        FeedbackSubmitted(
            unit=unit,
            submitted_by=command.by.person,
            round=order.round,
            result=command.result,
            reply=command.reply,
            photos=command.photos,
        )
    ]


def finished_work(order: WorkOrder, case: Case) -> Iterator[Attached]:
    """What the units that hold the case sent in this round."""
    units = (order.unit, *case.units)
    return (one for one in case.attachments if one.unit and one.unit in units and one.round == order.round)


def has_contacted(order: WorkOrder, case: Case) -> bool:
    """Whether a named reporter was reached, or called often enough; nobody else can be."""
    return case.reporter_kind != "NAMED" or order.reached or order.tries >= TRIES


def own_unit(order: WorkOrder, by: Actor) -> UnitId:
    """The order's unit, which must be the actor's; raises `NotInThisState` before dispatch."""
    if order.unit is None:
        raise NotInThisState()
    if by.unit != order.unit:
        raise NotYourOrder()
    return order.unit


def require_handler(order: WorkOrder, by: Actor) -> UnitId:
    """The assigned handler, or any handler of the unit."""
    by.must_be(*DEPT_ROLES)
    unit = own_unit(order, by)
    if by.role != "DEPT_HANDLER" and by.person != order.handler:
        raise Forbidden(allowed=["DEPT_HANDLER"])
    return unit


def able_members(directory: View, unit: UnitId, at: datetime) -> tuple[PersonId, ...]:
    """Natural persons with a handling post in the unit, by id."""
    posts = directory.members(unit, at)
    return tuple(sorted({directory.natural(post.person) for post in posts if post.role in DEPT_ROLES}))
