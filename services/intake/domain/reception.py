"""Receiving: a citizen's appeal, a grid worker's report, and where it is. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from libs.case.facts import Facts
from libs.case.refusals import EvidenceMissing
from libs.directory.facts.view import View
from libs.events import telephones
from libs.events.contracts.intake import AppealReceived, GridEventReported, Kind, NewCaseReason
from libs.events.decider import Actor
from libs.events.errors import Forbidden, Malformed, Rejected
from libs.events.event import Event
from libs.events.ids import ClassCode, ExternalId, GridCode, PersonId
from services.intake.domain.case_state import State, living_class

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
    """A citizen's appeal through the hotline, the web or the counter (rulebook.md c.3 #1)."""

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
    external_id: ExternalId | None = None
    photos: tuple[str, ...] = ()
    new_case_reason: NewCaseReason | None = None


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


# Refusals


class AlreadyThere(Rejected):
    """A case with this id exists."""

    code = "E-IDEM"
    zh = "该编号的案件已存在"
    en = "a case with this id exists already"


class NumberTaken(Rejected):
    """A number of another system has one case; it is named where the caller may know of it."""

    code = "E-NUMBER"
    zh = "该编号已有案件; 若属另一来源, 请在编号前注明来源"
    en = "this number has a case already; where it is another system's, write that system before it"

    def __init__(self, case_id: str | None) -> None:
        super().__init__()
        self.case_id = case_id

    def document(self) -> dict[str, object]:
        return super().document() | ({"case_id": self.case_id} if self.case_id else {})


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


class FindingNotShown(EvidenceMissing):
    """A report from patrol needs a place and at least one photo."""

    zh = "网格上报需要定位和至少一张照片"
    en = "a grid report needs a location and at least one photo"


# Decisions


def require_receiver(by: Actor) -> None:
    """Whoever may receive an appeal; asked before anything is looked up. Raises `Forbidden`."""
    if not (by.role in ("OPERATOR", "GRID_WORKER") or "intake" in by.scopes):
        raise Forbidden(allowed=["OPERATOR", "GRID_WORKER"])


def submit_appeal(state: State, command: SubmitAppeal, facts: Facts) -> Sequence[Event]:
    """A grid worker who enters it for the citizen is a discoverer; an operator is recorder only (d.2 #3, #4).

    Raises `NoTelephone` for what nobody could call or look up afterwards.
    """
    by = command.by
    require_receiver(by)
    if state.status != "NONE":
        raise AlreadyThere()
    if command.found_by and facts.directory.person(command.found_by) is None:
        raise Malformed(zh="没有这个网格员", en="no such grid worker")
    if command.reporter_phone is not None:
        telephones.read(command.reporter_phone)
    found_by = by.person if by.role == "GRID_WORKER" else command.found_by
    return [
        AppealReceived(
            channel=command.channel,
            kind=command.kind,
            content=command.content,
            grid=grid_of(command.place, facts.directory, command.at),
            address=command.place.address,
            location=point(command.place),
            reporter_kind="NAMED" if command.reporter_name or command.reporter_phone else "ANONYMOUS",
            reporter_name=command.reporter_name,
            reporter_phone=command.reporter_phone,
            recorded_by=by.person,
            found_by=found_by,
            upstream_due_at=command.upstream_due_at,
            external_id=command.external_id,
            photos=command.photos,
            new_case_reason=command.new_case_reason,
        )
    ]


def report_grid_event(state: State, command: ReportGridEvent, facts: Facts) -> Sequence[Event]:
    """The discoverer is the caller himself, for ever (SEP-12)."""
    by = command.by
    by.must_be("GRID_WORKER")
    if state.status != "NONE":
        raise AlreadyThere()
    item = living_class(facts.directory, command.class_code, command.at)
    location = point(command.place)
    if location is None or not (command.photos or item.photo_exempt):
        raise FindingNotShown(allowed=["attach a location and a photo"])
    grid = grid_of(command.place, facts.directory, command.at)
    if grid not in facts.directory.grids_of(by.person, command.at) and not command.out_of_grid_reason:
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


def grid_of(place: Place, directory: View, at: datetime) -> GridCode:
    """The grid of a place; a point wins over a named grid. Raises `PlaceUnknown`.

    Of a grid that has ended, what succeeded it (SUC-1).
    """
    if place.longitude is not None and place.latitude is not None:
        found = directory.grid_of(place.longitude, place.latitude, at)
    else:
        found = directory.living_grid(place.grid, at) if place.grid else None
    if found is None:
        raise PlaceUnknown()
    return found


def point(place: Place) -> str | None:
    """`longitude,latitude` in 1e-7 degrees, as the sealed field holds it."""
    if place.longitude is None or place.latitude is None:
        return None
    return f"{place.longitude},{place.latitude}"
