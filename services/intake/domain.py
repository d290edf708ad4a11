"""Intake 受理: receiving, registering, refusing, voiding, erasing. Pure: no I/O, no clock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal, assert_never

from libs.directory.facts import Facts
from libs.directory.limits import UnknownClass, handling_limit
from libs.directory.view import View
from libs.events.contracts.directory import CatalogueItemPublished
from libs.events.contracts.intake import (
    AppealReceived,
    CaseNotAccepted,
    CaseRegistered,
    CaseVoided,
    GridEventReported,
    Kind,
    PersonalDataErased,
    Urgency,
)
from libs.events.decider import Actor, Decider
from libs.events.errors import Forbidden, Malformed, NotFound, Rejected
from libs.events.event import Event
from libs.events.ids import ClassCode, GridCode, PersonId

# Commands


@dataclass(frozen=True)
class Place:
    """Where it is: a grid, or a point in 1e-7 degrees from which the grid follows; and the exact address."""

    grid: GridCode | None = None
    longitude: int | None = None
    latitude: int | None = None
    address: str | None = None


@dataclass(frozen=True)
class SubmitAppeal:
    """A citizen's appeal through the hotline, the web or the counter (domain.md c.3 #1)."""

    at: datetime
    by: Actor
    channel: str
    kind: Kind
    content: str
    place: Place
    reporter_name: str | None = None
    reporter_phone: str | None = None
    found_by: PersonId | None = None
    upstream_due_at: datetime | None = None
    external_id: str | None = None


@dataclass(frozen=True)
class ReportGridEvent:
    """What a grid worker found on patrol (c.3 #2)."""

    at: datetime
    by: Actor
    kind: Kind
    class_code: ClassCode
    content: str
    place: Place
    photos: tuple[str, ...] = ()
    out_of_grid_reason: str | None = None


@dataclass(frozen=True)
class RegisterCase:
    """立案: classify the matter (c.3 #6)."""

    at: datetime
    by: Actor
    class_code: ClassCode
    urgency: Urgency
    kind: Kind | None = None
    filing_condition: str | None = None


@dataclass(frozen=True)
class VoidCase:
    """作废: wrong entry or test call, only before dispatch (c.3 #6a)."""

    at: datetime
    by: Actor
    reason: str


NotAcceptedReason = Literal[
    "NOT_GOVERNMENT",
    "EMERGENCY_LINE",
    "OTHER_POWER",
    "LEGAL_PROCEDURE",
    "IN_PROCEDURE",
    "SECRET",
    "SAME_MATTER",
    "NO_REAL_CONTENT",
    "OTHER",
]
"""The nine reasons of domain.md c.5, in its order."""


@dataclass(frozen=True)
class RejectCase:
    """不予受理: one of nine reasons, the legal basis, and where to go instead (c.3 #8)."""

    at: datetime
    by: Actor
    reason_code: NotAcceptedReason
    legal_basis: str
    alternative: str


ErasureGround = Literal[
    "PURPOSE_ACHIEVED", "RETENTION_EXPIRED", "CONSENT_WITHDRAWN", "UNLAWFUL_PROCESSING", "OTHER_LAW"
]
"""个人信息保护法 art. 47."""


@dataclass(frozen=True)
class EraseCaseKeys:
    """Destroy the keys of a case; its personal fields become unreadable everywhere (c.3 #37a)."""

    at: datetime
    by: Actor
    kinds: tuple[Literal["reporter", "case"], ...]
    ground: ErasureGround


Command = SubmitAppeal | ReportGridEvent | RegisterCase | VoidCase | RejectCase | EraseCaseKeys

# Refusals


class NotInThisState(Rejected):
    """The case has gone on."""

    code = "E-STATE"


class AlreadyThere(Rejected):
    """A case with this id exists."""

    code = "E-IDEM"
    zh = "该编号的案件已存在"
    en = "a case with this id exists already"


class PlaceUnknown(Malformed):
    """No grid contains the place."""

    code = "E-PLACE"
    zh = "该位置不在任何网格内"
    en = "the place lies outside every grid"


class OutsideOwnGrid(Forbidden):
    """A grid worker reports from another grid without a reason."""

    code = "E-SCOPE"
    zh = "不在本人网格内, 请填写跨网格上报原因"
    en = "outside your own grid: give the reason"


class EvidenceMissing(Rejected):
    """A report from patrol needs a place and at least one photo."""

    code = "E-EVIDENCE"
    zh = "网格上报需要定位和至少一张照片"
    en = "a grid report needs a location and at least one photo"


ALLOWED = {"RECEIVED": ["register", "reject", "void"], "REGISTERED": ["void"]}
"""State → what intake's operator may still do."""

# State


@dataclass(frozen=True)
class State:
    """What intake itself decided about a case."""

    status: Literal["NONE", "RECEIVED", "REGISTERED", "NOT_ACCEPTED", "VOID"] = "NONE"
    kind: Kind = "help"
    grid: GridCode | None = None
    class_code: ClassCode | None = None
    upstream_due_at: datetime | None = None
    erased: frozenset[str] = frozenset()


def evolve(state: State, event: Event) -> State:
    """Intake's own facts, one later."""
    match event:
        case AppealReceived():
            return replace(
                state, status="RECEIVED", kind=event.kind, grid=event.grid, upstream_due_at=event.upstream_due_at
            )
        case GridEventReported():
            return replace(state, status="RECEIVED", kind=event.kind, grid=event.grid, class_code=event.class_code)
        case CaseRegistered():
            return replace(state, status="REGISTERED", kind=event.kind, class_code=event.class_code)
        case CaseNotAccepted():
            return replace(state, status="NOT_ACCEPTED")
        case CaseVoided():
            return replace(state, status="VOID")
        case PersonalDataErased():
            return replace(state, erased=state.erased | set(event.kinds))
        case _:
            return state


# Decisions


def decide(state: State, command: Command, facts: Facts) -> Sequence[Event]:
    """The facts that follow from a command; raises a refusal."""
    match command:
        case SubmitAppeal():
            return submit_appeal(state, command, facts.directory)
        case ReportGridEvent():
            return report_grid_event(state, command, facts.directory)
        case RegisterCase():
            return register(state, command, facts.directory)
        case VoidCase():
            return void(state, command, facts)
        case RejectCase():
            return reject(state, command)
        case EraseCaseKeys():
            return erase(state, command)
        case _:
            assert_never(command)


def submit_appeal(state: State, command: SubmitAppeal, directory: View) -> Sequence[Event]:
    """A grid worker who enters it for the citizen is a discoverer; an operator is recorder only (d.2 #3, #4)."""
    by = command.by
    if not (by.role in ("OPERATOR", "GRID_WORKER") or "intake" in by.scopes):
        raise Forbidden(allowed=["OPERATOR", "GRID_WORKER"])
    if state.status != "NONE":
        raise AlreadyThere()
    if command.found_by and directory.person(command.found_by) is None:
        raise Malformed(zh="没有这个网格员", en="no such grid worker")
    found_by = by.person if by.role == "GRID_WORKER" else command.found_by
    return [
        AppealReceived(
            channel=command.channel,
            kind=command.kind,
            content=command.content,
            grid=grid_of(command.place, directory),
            address=command.place.address,
            location=point(command.place),
            reporter_kind="NAMED" if command.reporter_name or command.reporter_phone else "ANONYMOUS",
            reporter_name=command.reporter_name,
            reporter_phone=command.reporter_phone,
            recorded_by=by.person,
            found_by=found_by,
            upstream_due_at=command.upstream_due_at,
            external_id=command.external_id,
        )
    ]


def report_grid_event(state: State, command: ReportGridEvent, directory: View) -> Sequence[Event]:
    """The discoverer is the caller himself, for ever (SEP-12)."""
    by = command.by
    by.must_be("GRID_WORKER")
    if state.status != "NONE":
        raise AlreadyThere()
    item = catalogue_item(directory, command.class_code)
    location = point(command.place)
    if location is None or not (command.photos or item.photo_exempt):
        raise EvidenceMissing(allowed=["attach a location and a photo"])
    grid = grid_of(command.place, directory)
    if grid not in directory.grids_of(by.person, command.at) and not command.out_of_grid_reason:
        raise OutsideOwnGrid(allowed=["out_of_grid_reason"])
    return [
        GridEventReported(
            discoverer=by.person,
            kind=command.kind,
            class_code=command.class_code,
            grid=grid,
            content=command.content,
            location=location,
            address=command.place.address,
            out_of_grid_reason=command.out_of_grid_reason,
            photos=command.photos,
            recorded_by=by.person,
        )
    ]


def register(state: State, command: RegisterCase, directory: View) -> Sequence[Event]:
    """A class that is dangerous by itself is U1 at once (R0)."""
    command.by.must_be("OPERATOR")
    if state.status == "REGISTERED":
        return []
    if state.status != "RECEIVED":
        raise_not_here(state)
    item = catalogue_item(directory, command.class_code)
    kind = command.kind or state.kind
    urgency: Urgency = "U1" if item.safety else command.urgency
    handling_limit(directory, command.class_code, kind, urgency, command.filing_condition)
    return [
        CaseRegistered(
            registered_by=command.by.person,
            kind=kind,
            class_code=command.class_code,
            urgency=urgency,
            grid=state.grid or GridCode(""),
            filing_condition=command.filing_condition,
            upstream_due_at=state.upstream_due_at,
        )
    ]


def void(state: State, command: VoidCase, facts: Facts) -> Sequence[Event]:
    """Only before dispatch; one that crosses a dispatch still on its way takes effect (architecture.md §10)."""
    command.by.must_be("OPERATOR")
    if state.status == "VOID":
        return []
    if state.status not in ("RECEIVED", "REGISTERED"):
        raise_not_here(state)
    if facts.case and facts.case.units:
        raise NotInThisState(evidence=[facts.case.last_event_id], allowed=["withdraw", "feedback"])
    return [CaseVoided(voided_by=command.by.person, reason=command.reason)]


def reject(state: State, command: RejectCase) -> Sequence[Event]:
    """Nothing is refused without a reason, its legal basis and another way to go."""
    command.by.must_be("OPERATOR")
    if state.status == "NOT_ACCEPTED":
        return []
    if state.status != "RECEIVED":
        raise_not_here(state)
    return [
        CaseNotAccepted(
            refused_by=command.by.person,
            reason_code=command.reason_code,
            legal_basis=command.legal_basis,
            alternative=command.alternative,
        )
    ]


def erase(state: State, command: EraseCaseKeys) -> Sequence[Event]:
    """Chain and counts stay; the worker destroys the keys when it reads this back (architecture.md §8)."""
    command.by.must_be("ADMIN")
    if state.status == "NONE":
        raise NotFound()
    kinds = tuple(kind for kind in command.kinds if kind not in state.erased)
    return [PersonalDataErased(erased_by=command.by.person, kinds=kinds, ground=command.ground)] if kinds else []


def raise_not_here(state: State) -> None:
    """`NotFound` where there is no such case, else the state's refusal."""
    if state.status == "NONE":
        raise NotFound()
    raise NotInThisState(allowed=ALLOWED.get(state.status, []))


def catalogue_item(directory: View, code: ClassCode) -> CatalogueItemPublished:
    """The class of matter; raises `UnknownClass`."""
    if (item := directory.catalogue(code)) is None:
        raise UnknownClass()
    return item


def grid_of(place: Place, directory: View) -> GridCode:
    """The grid of a place; a point wins over a named grid. Raises `PlaceUnknown`."""
    if place.longitude is not None and place.latitude is not None:
        found = directory.grid_of(place.longitude, place.latitude)
    else:
        found = place.grid if place.grid and directory.grid(place.grid) else None
    if found is None:
        raise PlaceUnknown()
    return found


def point(place: Place) -> str | None:
    """`longitude,latitude` in 1e-7 degrees, as the sealed field holds it."""
    if place.longitude is None or place.latitude is None:
        return None
    return f"{place.longitude},{place.latitude}"


DECIDER: Decider[State, Command, Facts] = Decider(State(), evolve, decide)
