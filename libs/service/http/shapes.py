"""What answers look like, told in OpenAPI: the shapes that every service shares. Checks nothing at run time.

An answer is written by its endpoint as it stands; tests/http compares it with its shape.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Annotated, Any, Literal, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

from libs.case.lamp import Lamp
from libs.case.state import State
from libs.events.contracts.intake import Kind, Urgency

Responses = dict[int | str, dict[str, Any]]
ANSWER = "应答 / the answer"
ETAG = {"ETag": {"description": "供 If-Match 使用 / for `If-Match`", "required": True, "schema": {"type": "string"}}}
NO_STORE = {"Cache-Control": {"required": True, "schema": {"type": "string", "enum": ["no-store"]}}}
OF_CSV = {
    "Content-Disposition": {"description": "CSV 的文件名 / name of the CSV file", "schema": {"type": "string"}},
    "Xunban-As-Of": {
        "description": "CSV 数据完整至此时刻 / of a CSV: as of when it is complete",
        "schema": {"type": "string", "format": "date-time"},
    },
}
Position = Annotated[
    str, Field(description="`<service>.<lane>.<seq>`, 用作 min_position / taken back as `min_position`")
]
CaseId = Annotated[str, Field(description="案件编号 / case id")]


def told(
    shape: object, status: int = 200, *, may: Collection[int] = (), headers: Mapping[str, Any] | None = None
) -> Responses:
    """For `responses=` of a route: its answer, and with which problems besides those of every route it may end."""
    said = {"description": ANSWER, **({"headers": dict(headers)} if headers else {})}
    return {status: {"model": shape, **said}, **refusals(*may)}


def listed(shape: object) -> Responses:
    """For `responses=` of a list that is also answered as CSV."""
    csv = {"text/csv": {"schema": {"type": "string"}}}
    described = "JSON, or the whole list as CSV / 或整份列表的 CSV"
    return {200: {"model": shape, "description": described, "headers": dict(OF_CSV), "content": csv}}


def refusals(*statuses: int) -> Responses:
    """For `responses=`: these problems; libs/service/http/openapi.py says what they look like."""
    return {status: {} for status in statuses}


class Alive(TypedDict):
    """The process lives."""

    status: Literal["ok"]


class Ready(TypedDict):
    """The database answers."""

    status: Literal["ready"]
    service: str


class Freshness(TypedDict):
    """As of when an answer is complete."""

    as_of: Annotated[datetime, Field(description="Everything that the sources recorded before is in it.")]
    lag_seconds: Annotated[dict[str, float], Field(description="Per source, in real seconds.")]


class Done(TypedDict):
    """What a command did. Repeated with the same key it is the same answer."""

    case_id: CaseId
    events: Annotated[list[str], Field(description="Ids of its events; none where it was so already.")]
    position: Annotated[Position | None, Field(description="Null where there are no events.")]
    version: Annotated[int, Field(description="How many events this service itself has recorded of the case.")]
    recorded_at: Annotated[NotRequired[datetime], Field(description="Of the last event.")]


class CaseShown(Freshness):
    """The case in words that every service shares; nothing personal in it."""

    case_id: CaseId
    state: State
    found: Literal["APPEAL", "GRID_REPORT"]
    channel: str | None
    kind: Kind | None
    class_code: str | None
    urgency: Urgency | None
    grid: str | None
    unit: str | None
    handler: str | None
    round: int
    dual_hat: bool
    supervision_level: int
    close_kind: Literal["DIRECT", "HANDLED", "EXPLAINED", "FORCED", "IMPORTED"] | None
    received_at: datetime | None
    imported_at: Annotated[datetime | None, Field(description="It moved in then, with its life until then.")]
    imported_from: Annotated[str | None, Field(description="The system or mapping that it came from.")]
    last_event_id: str
    last_event_type: str
    last_recorded_at: datetime | None
    erased: list[Literal["reporter", "case"]]
    version: int
    allowed_actions: Annotated[list[str], Field(description="What the caller may do next, in this service.")]


class LastStep(TypedDict):
    """The last event in which somebody, or a rule, acted on the case."""

    type: str | None
    at: datetime | None


class Told(TypedDict):
    """One fact of a case, in a sentence of each language."""

    event_id: str
    event_type: str
    service: str
    recorded_at: datetime
    zh: str
    en: str
    texts: Annotated[dict[str, str], Field(description="What people wrote about the matter, by field; `***`: erased.")]


class WaitingCase(TypedDict):
    """A case that cannot be judged by the rules in force: since which event, why, and how many events wait with it."""

    case_id: CaseId
    state: State
    unit: str | None
    grid: str | None
    event_id: str
    event_type: str
    since: datetime
    why: Annotated[str, Field(description="The kind of error that it met.")]
    events: int


class WaitingCases(TypedDict):
    """Oldest first, a thousand at most."""

    items: list[WaitingCase]


class Timeline(Freshness):
    """What one service recorded of a case, oldest first."""

    items: list[Told]


class Wrong(TypedDict):
    """A field that is not as it must be; its value is never repeated."""

    at: Annotated[str, Field(description="`body.place.grid`")]
    error: str
    allowed: Annotated[NotRequired[dict[str, str | int | float]], Field(description="The rule that it breaks.")]


class Remark(TypedDict):
    """A remark on the documents of a directory."""

    severity: Literal["refused", "notice"]
    code: str
    path: str
    zh: str
    en: str


class OpenCase(TypedDict):
    """An open case of the caller that may be meant."""

    case_id: CaseId
    received_at: datetime | None
    kind: Kind | None
    class_code: str | None
    state: State
    unit: str | None
    contacts: int


class Problem(TypedDict):
    """Why something was refused, and what or who may instead (RFC 9457)."""

    type: Literal["about:blank"]
    title: str
    status: int
    code: Annotated[str, Field(description="Stable: E-STATE, SEP-…, stale, …")]
    message_zh: str
    message_en: str
    rule_id: Annotated[str | None, Field(description="Of the rulebook: SEP-04, RET-1, …")]
    evidence_event_ids: list[str]
    allowed_actions: Annotated[list[str], Field(description="What, or who, may instead.")]
    errors: NotRequired[list[Wrong]]
    findings: NotRequired[list[Remark]]
    open_cases: NotRequired[list[OpenCase]]
    case_id: Annotated[NotRequired[CaseId], Field(description="The case that is there already, where it is shown.")]
    also: Annotated[NotRequired[list[str]], Field(description="Other separation rules that the act breaks too.")]
    recorded_as: Annotated[NotRequired[list[str]], Field(description="Ids of the events that record the refusal.")]


MaybeLamp = Annotated[Lamp | None, Field(description="绿 黄 红 长红; null: no clock")]
NextCursor = Annotated[str | None, Field(description="For `cursor`; null: this was the last page.")]
