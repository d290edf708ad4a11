"""What the host of the directory answers, told in OpenAPI."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import Field
from typing_extensions import TypedDict

from libs.directory.publish.drafts import DraftState
from libs.events.contracts.directory import (
    AppointmentPublished,
    CatalogueItemPublished,
    ContactPoint,
    GridPublished,
    RulebookPublished,
    UnitKind,
)
from libs.service.http.shapes import (
    Position,
    Remark,
)


class AtVersion(TypedDict):
    """The directory after an act."""

    version: int
    position: Position


class Applied(AtVersion):
    """What a publication changed, by the names of the facts: `AppointmentPublished li-fang-g03`."""

    created: list[str]
    changed: list[str]
    unchanged: list[str]
    absent: Annotated[list[str], Field(description="Known, and not mentioned: as they were.")]
    findings: Annotated[list[Remark], Field(description="Notices.")]


class DraftDone(Applied):
    """A draft, or what its publication changed."""

    draft: Annotated[str | None, Field(description="Null: everything is so already.")]


class DraftGone(AtVersion):
    """A draft that was taken back."""

    draft: str


class DraftSummary(TypedDict):
    """A draft in a list."""

    id: str
    state: DraftState
    basis: str
    facts: int
    drafted_by: str
    drafted_at: datetime
    ended_by: str | None
    ended_at: datetime | None


class Drafts(TypedDict):
    """Drafts, newest first."""

    count: int
    items: list[DraftSummary]


class FieldChange(TypedDict):
    """A field that would differ."""

    field: str
    before: Annotated[Any, Field(description="In force; null: nothing.")]
    after: Any


class FactChange(TypedDict):
    """A fact that would differ."""

    fact: str
    new: bool
    changes: list[FieldChange]


class DraftShown(DraftSummary):
    """A draft, who may publish it, and what it would change."""

    publishers: list[str]
    changes: list[FactChange]


Ended = Annotated[list[str], Field(description="Those that have ended by the caller's business time.")]
Contacts = Annotated[
    list[ContactPoint] | None,
    Field(description="Null: not shown to the caller. Of a webhook's address the host, and a digest of the whole."),
]


class UnitShown(TypedDict):
    """A unit, as the caller sees it."""

    id: str
    name_zh: str
    name_en: str
    kind: UnitKind
    level: str
    parent: str | None
    line: str | None
    contacts: Contacts
    until: datetime | None
    succeeded_by: str | None


class Units(TypedDict):
    """The units at a version of the directory."""

    version: int
    count: int
    items: list[UnitShown]
    ended: Ended


class PersonInOffice(TypedDict):
    """A person and the appointments that he holds at the caller's business time."""

    id: str
    name_zh: str
    name_en: str
    same_as: str | None
    contacts: Contacts
    appointments: list[AppointmentPublished]


class People(TypedDict):
    """The people at a version of the directory."""

    version: int
    count: int
    items: list[PersonInOffice]


class Grids(TypedDict):
    """The grids at a version of the directory."""

    version: int
    count: int
    items: list[GridPublished]
    ended: Ended


class Classes(TypedDict):
    """The classes of matter at a version of the directory."""

    version: int
    count: int
    items: list[CatalogueItemPublished]
    ended: Ended


class InVain(TypedDict):
    """A setting that nothing carries out yet, and what it waits for."""

    setting: str
    waits_for_zh: str
    waits_for_en: str


class RulebookInForce(TypedDict):
    """The rulebook at a version of the directory."""

    version: int
    rulebook: RulebookPublished
    no_effect_yet: list[InVain]
