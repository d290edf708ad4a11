"""What supervision answers, told in OpenAPI; what every service answers is in libs/service/http/shapes.py."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field
from typing_extensions import TypedDict

from libs.case.lamp import Lamp
from libs.case.state import State
from libs.events.contracts.parts.clock import Alarm, Clock
from libs.events.contracts.supervision import Urgency
from libs.service.http.shapes import CaseId, CaseShown, Freshness, LastStep, NextCursor
from services.supervision.api.clock_columns import Verdict

AlarmKind = Literal["NOT_JUDGED", Alarm]
By = Literal["unit", "grid", "class", "urgency", "level", "lamp"]
"""What clocks are counted by."""
Confirmed = Annotated[bool, Field(description="The breach itself is recorded in the log.")]
Imported = Annotated[bool, Field(description="Its order moved in from another system.")]
Provisional = Annotated[bool, Field(description="Counted over days of a year whose calendar is not out.")]


class ClockShown(TypedDict):
    """A clock, its lamp and its verdict at the instant of the answer."""

    clock_id: str
    clock: Clock
    round: int
    unit: str | None
    started_at: datetime
    due_at: datetime
    yellow_at: datetime
    stopped_at: datetime | None
    provisional: Provisional
    imported: Imported
    lamp: Lamp
    verdict: Verdict
    confirmed: Confirmed


class Checked(TypedDict):
    """The check on site in this round."""

    verifier: str | None
    passed: bool
    needed: bool


class CalledBack(TypedDict):
    """The call-back in this round."""

    state: Literal["OPEN", "DONE", "WAIVED"]
    attempts: int


class UnansweredOrder(TypedDict):
    """A supervision order that its unit has not answered."""

    level: int
    unit: str


class SupervisionCase(CaseShown):
    """A case as supervision sees it."""

    clocks: list[ClockShown]
    accepted: bool
    verification: Checked
    callback: CalledBack
    unanswered_orders: list[UnansweredOrder]


class OfInstant(Freshness):
    """A list over clocks, judged at an instant."""

    at: datetime


class BoardLine(TypedDict):
    """A clock that runs: who is responsible, what happened last, how late it is, and whether that is certain."""

    case_id: CaseId
    clock_id: str
    clock: Clock
    round: int
    unit: str | None
    unit_name: str | None
    co_units: Annotated[list[str], Field(description="That co-handle and have not reported yet.")]
    grid: str | None
    class_code: str | None
    urgency: Urgency | None
    state: State | None
    handler: str | None
    supervision_level: int
    last_step: LastStep
    started_at: datetime
    due_at: datetime
    lamp: Lamp
    overdue_seconds: int
    remaining_seconds: int
    confirmed: Confirmed
    provisional: Provisional
    imported: Imported


class Board(OfInstant):
    """A page of the board."""

    items: list[BoardLine]
    total: int
    total_exact: Annotated[bool, Field(description="False: there are as many at least.")]
    next_cursor: NextCursor


class ClockOfCase(ClockShown):
    """A clock and whose it is."""

    case_id: CaseId


class Verdicts(OfInstant):
    """A page of clocks and their verdicts at `at`."""

    items: list[ClockOfCase]
    total: int
    next_cursor: NextCursor


class Numbers(TypedDict):
    """Open cases, and clocks of the kind asked for; `overdue` = `confirmed` + `unconfirmed`."""

    open: int
    running: int
    yellow: int
    overdue: int
    confirmed: int
    unconfirmed: int
    suspended: int
    imported: Annotated[int, Field(description="Of the running ones: of orders that moved in.")]


class Group(Numbers):
    """The clocks of one group."""

    key: Annotated[str | int | None, Field(description="Code, or level; null: of none.")]
    name: str | None


class Counts(OfInstant):
    """Clocks by group, and their sum."""

    by: By
    clock: Clock
    groups: list[Group]
    total: Numbers


class Reason(TypedDict):
    """Why a case is alarmed."""

    zh: str
    en: str


class Waits(TypedDict):
    """Since which event a case waits for the rules, and what kind of error it met."""

    event_id: str
    since: datetime
    why: str


class AlarmedCase(TypedDict):
    """A case that nobody answers for, or that no clock watches."""

    case_id: CaseId
    kind: AlarmKind
    reason: Reason
    waits: Annotated[Waits | None, Field(description="Of NOT_JUDGED.")]
    state: State
    unit: str | None
    grid: str | None
    class_code: str | None
    last_step: LastStep


class Alarms(OfInstant):
    """A page of alarms."""

    items: list[AlarmedCase]
    total: int
    next_cursor: NextCursor
