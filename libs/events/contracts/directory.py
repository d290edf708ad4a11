"""Events of the directory (lane 64): who is who, what may be done, by which rules. Full state; the last one holds.

Integers and strings only: floats break hashes across languages. No I/O.
"""

from __future__ import annotations

from datetime import date
from typing import Literal, get_args

from pydantic import AwareDatetime, Field, JsonValue

from libs.events.contracts.parts.rulebook import (
    Callback,
    Channel,
    Cluster,
    Extension,
    Kind,
    Ladder,
    Lamp,
    Limit,
    Messages,
    Part,
    PerUrgency,
    Returns,
    Separation,
    Stage,
    Suspension,
    Term,
    ThreeRates,
    Window,
    WorkClock,
)
from libs.events.event import Event
from libs.events.ids import AppointmentId, ClassCode, DraftId, GridCode, PersonId, UnitId

Slug = r"^[a-z0-9][a-z0-9-]*$"
Role = Literal[
    "OPERATOR",
    "DISPATCHER",
    "REVIEWER",
    "CALLBACK_AGENT",
    "GRID_WORKER",
    "GRID_LEADER",
    "DEPT_CLERK",
    "DEPT_HANDLER",
    "DEPT_LEADER",
    "ARBITER",
    "SUPERVISOR",
    "TOWN_COORDINATOR",
    "POLICE_LIAISON",
    "AUDITOR",
    "ADMIN",
]
"""Roles of people (rulebook.md b); CITIZEN and SYSTEM hold no appointment."""
Basis = Literal["recruited", "transferred", "elected", "assigned", "imported"]
"""公开招聘, 调任, 选举, 指派, 历史导入."""
UnitKind = Literal["GOVERNMENT", "CENTRE", "DEPARTMENT", "TOWN_OFFICE", "VILLAGE_COMMITTEE", "ENTERPRISE"]


class LogOpened(Event, zh="日志启用", en="log opened"):
    """The first fact of a log: whether its business time is real or set by hand, and its epoch."""

    mode: Literal["real", "manual"]
    epoch: int = 1


class ContactPoint(Part):
    """Where messages reach somebody on duty: a duty address, never a private one – the directory is kept for ever."""

    channel: Channel
    address: str = Field(default="", max_length=300)
    """URL of a webhook, e-mail address, or telephone number of the duty; empty for `file`."""
    digest: bool = False
    """What is not urgent is gathered and sent at the rulebook's hours."""
    language: Literal["zh", "en", "both"] = "both"
    secret_generation: int = Field(default=1, ge=1)
    """Which of the unit's derived webhook secrets signs; the one before it signs too, while the receiver changes."""


class UnitPublished(Event, zh="发布单位", en="unit published"):
    """A unit: its place in the tree, its level, and what kind of body it is."""

    id: UnitId = Field(pattern=Slug)
    name_zh: str
    name_en: str
    kind: UnitKind
    level: str
    """One of the rulebook's `levels`."""
    parent: UnitId | None = None
    line: str | None = None
    """条线: the functional line that the unit belongs to."""
    contacts: tuple[ContactPoint, ...] = ()
    """The unit's own: its system, its duty mailbox. Told whatever its clerks are told."""
    until: AwareDatetime | None = None
    """From this instant on it is no more; its posts end with it at the latest."""
    succeeded_by: UnitId | None = None
    """Who has its cases, its powers and its place in the tree from then on."""


class PersonPublished(Event, zh="发布人员", en="person published"):
    """A natural person; another account of the same person names him in `same_as` and is the same actor (SEP-14)."""

    id: PersonId = Field(pattern=Slug)
    name_zh: str
    name_en: str
    same_as: PersonId | None = None
    contacts: tuple[ContactPoint, ...] = ()
    """Empty = the rulebook's channel for those without any."""


class AppointmentPublished(Event, zh="发布任职", en="appointment published"):
    """A person holds a role in a unit, and grids where the role has grids, from `since` until just before `until`."""

    id: AppointmentId = Field(pattern=Slug)
    person: PersonId
    unit: UnitId
    role: Role
    grids: tuple[GridCode, ...] = ()
    since: AwareDatetime
    until: AwareDatetime | None = None
    dual_hat: bool = False
    """兼任: a grid post held by somebody of a handling unit; only imported posts, ends by itself."""
    basis: Basis
    appointed_by: UnitId | None = None
    managed_by: UnitId | None = None


class GridPublished(Event, zh="发布网格", en="grid published"):
    """A grid: its boundary, and the village and town that it belongs to."""

    code: GridCode
    name_zh: str
    name_en: str
    kind: Literal["GENERAL", "DEDICATED", "MICRO"]
    setting: Literal["URBAN", "RURAL"]
    polygon: tuple[tuple[int, int], ...] = Field(min_length=3)
    """Corners as (longitude, latitude) in 1e-7 degrees, WGS 84; the last one joins the first."""
    village: UnitId | None = None
    town: UnitId
    area: str = Field(pattern=r"^[0-9A-Za-z]*$")
    """Administrative area code; the pattern of the code system is the city's own."""
    households: int | None = None
    people: int | None = None
    until: AwareDatetime | None = None
    """From this instant on it is no more."""
    succeeded_by: GridCode | None = None
    """To which its ground belongs from then on; its posts are posts of that grid, too."""


class FilingCondition(Part):
    """立案条件 with its own handling limit."""

    id: str = Field(pattern=Slug)
    name_zh: str
    name_en: str
    limit: Limit


class Lead(Part):
    """A unit that may lead cases of a class, in an area; `of_grid` names the grid's own village or town instead."""

    unit: UnitId | None = None
    of_grid: Literal["village", "town"] | None = None
    area: str = ""
    """Prefix of the grid's area code; empty = everywhere."""


class Power(Part):
    """A unit holds the power for a class, by statute or by delegation (POW-1)."""

    unit: UnitId
    basis: str
    kind: Literal["statutory", "delegated"] = "statutory"
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None


class CatalogueItemPublished(Event, zh="发布事项", en="class published"):
    """A class of matter: who may lead it, which powers it needs, and how its cases are dispatched and checked."""

    code: ClassCode = Field(pattern=Slug)
    name_zh: str
    name_en: str
    matter_type: Literal["COMPONENT", "EVENT", "APPEAL"]
    kinds: tuple[Kind, ...] = Field(min_length=1)
    line: str | None = None
    self_governance: bool = False
    """自治事项: a village committee may lead it under `standard` and `strict`."""
    dispatch: Literal["auto", "confirm"] = "confirm"
    endorsement: tuple[Literal["return", "feedback"], ...] = ()
    """What the leader of the unit endorses before it is sent (rulebook.md c.3 #19, #32)."""
    leads: tuple[Lead, ...] = Field(min_length=1)
    powers: tuple[Power, ...] = ()
    """Empty = no power is needed."""
    verification: bool = True
    callback: bool = True
    """Cases found by the grid skip the call-back whatever stands here (rulebook.md j.3)."""
    photo_exempt: bool = False
    safety: bool = False
    """Danger to life or property: U1 at once (R0)."""
    filing_conditions: tuple[FilingCondition, ...] = ()
    limits: dict[Stage, PerUrgency] = Field(default_factory=dict)
    """Instead of the rulebook's row."""
    handling: dict[Kind, PerUrgency] = Field(default_factory=dict)
    until: AwareDatetime | None = None
    """From this instant on nothing is registered under it."""
    succeeded_by: ClassCode | None = None
    """Under which its open cases go on from then on."""


class RulebookPublished(Event, zh="发布规则库", en="rulebook published"):
    """The whole rulebook of one version, drafted by one person and approved by another."""

    version: int
    drafted_by: PersonId
    """Whoever made the draft; the deployer's machine where the town was founded with this rulebook."""
    approved_by: PersonId
    """Whoever published the draft; the deployer's machine as above."""
    levels: tuple[str, ...]
    """Codes of the levels of government, highest first."""
    separation: Separation
    clock: WorkClock
    limits: dict[Stage, PerUrgency]
    handling: dict[Kind, PerUrgency]
    returns: Returns
    extension: Extension
    suspension: Suspension
    callback: Callback
    auto_supervise_at_round: int
    reopen_window: Limit
    restore_window: Term = "2h"
    """How long a citizen may take his withdrawal back (rulebook.md c.3 #41a)."""
    lamp: Lamp
    ladder_wd: Ladder
    ladder_h: Ladder
    cluster: Cluster
    three_rates: ThreeRates
    messages: Messages = Messages()


class WorkingHours(Part):
    """Windows other than the rulebook's: of some days or of the whole year, of a unit and those below it or of all.

    What is said of some days goes before what is said of the year, and a unit's own before what one above it says.
    """

    windows: tuple[Window, ...] = Field(min_length=1)
    unit: UnitId | None = None
    """Null: of everybody who has none of his own, the centre with them."""
    first_day: date | None = None
    last_day: date | None = None
    """Included. Null, both: the year."""

    def days(self, year: int) -> tuple[date, date]:
        """The first and the last of its days."""
        return self.first_day or date(year, 1, 1), self.last_day or date(year, 12, 31)


class CalendarPublished(Event, zh="发布日历", en="calendar published"):
    """The days off and make-up working days of one year; provisional while the notice for it is not out."""

    year: int = Field(ge=1970, le=9999)
    off_days: tuple[date, ...]
    work_days: tuple[date, ...] = ()
    provisional: bool = False
    source: str = ""
    hours: tuple[WorkingHours, ...] = ()
    """作息: working windows by season and unit (CLK-06)."""


class StatedFact(Part):
    """A fact of the directory as a draft would make it true: an event of another type, not yet published."""

    type: str
    data: dict[str, JsonValue]
    """The body of the event; a rulebook's `approved_by` is not known yet."""


class DraftMade(Event, zh="起草目录", en="directory drafted"):
    """What somebody wants changed in the directory; nothing of it holds before somebody else publishes it.

    A large draft is several of these, `part` of `parts`, appended together.
    """

    draft: DraftId
    drafted_by: PersonId
    basis: str
    """依据: the decision that it follows; about the directory, so nothing personal."""
    part: int = Field(default=1, ge=1)
    parts: int = Field(default=1, ge=1)
    facts: tuple[StatedFact, ...]


class DraftPublished(Event, zh="发布草案", en="draft published"):
    """A second natural person put the draft in force; its facts stand right before this in the lane."""

    draft: DraftId
    drafted_by: PersonId
    published_by: PersonId


class DraftWithdrawn(Event, zh="撤回草案", en="draft withdrawn"):
    """The draft comes to nothing: its drafter, or another administrator, took it back."""

    draft: DraftId
    withdrawn_by: PersonId


class DraftRefused(Event, zh="拒绝发布草案", en="publication refused"):
    """Somebody tried to publish alone what needs two, or what appoints himself (SEP-15)."""

    draft: DraftId
    asked_by: PersonId
    rule: str


class TownBootstrapped(Event, zh="初始部署", en="town bootstrapped"):
    """The deployer's act: he founded an empty town, or appointed administrators where fewer than two were left.

    The facts that he stated follow right after this in the lane.
    """

    bootstrapped_by: PersonId
    """The deployer's machine principal."""
    basis: str
    """依据: the order or contract that he acts on; nothing personal."""
    facts: int = Field(ge=1)


DirectoryEvent = (
    LogOpened
    | UnitPublished
    | PersonPublished
    | AppointmentPublished
    | GridPublished
    | CatalogueItemPublished
    | RulebookPublished
    | CalendarPublished
    | DraftMade
    | DraftPublished
    | DraftWithdrawn
    | DraftRefused
    | TownBootstrapped
)
"""Everything that the directory says: whoever folds it names each of them, or mypy names what is missing."""
EVENTS: tuple[type[DirectoryEvent], ...] = get_args(DirectoryEvent)
