"""What intake answers, told in OpenAPI; what every service answers is in libs/service/http/shapes.py."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

from libs.case.state import State
from libs.events.contracts.intake import Kind, Urgency
from libs.service.http.shapes import CaseId, CaseShown, Done, Freshness, NextCursor, Position, Problem, Responses

FILE_ITSELF: Responses = {
    200: {
        "description": "文件本身 / the file itself",
        "headers": {
            "Cache-Control": {"required": True, "schema": {"type": "string", "enum": ["private, no-store"]}},
            "Content-Disposition": {"required": True, "schema": {"type": "string", "enum": ["attachment", "inline"]}},
            "Content-Security-Policy": {"required": True, "schema": {"type": "string"}},
            "X-Content-Type-Options": {"required": True, "schema": {"type": "string", "enum": ["nosniff"]}},
            "ETag": {"required": True, "schema": {"type": "string"}},
        },
        # A picture is drawn anew as one of these (services/intake/domain/attachments.py).
        "content": {kind: {} for kind in ("image/jpeg", "image/png", "image/webp", "application/pdf")},
    }
}
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Receipt = Annotated[str, Field(description="回执号 / number of the receipt", examples=["1234-5678-9012-3438"])]


class Opened(Done):
    """A case is opened."""

    attached: Literal[False]
    receipt: Receipt
    secret: Annotated[str, Field(description="查询密码, 告知本人 / for the caller alone", examples=["12345-67890"])]


class AddedTo(Done):
    """Added to the caller's open case."""

    attached: Literal[True]


class Withdrawn(Done):
    """Withdrawn, and whether the matter goes on in the public interest."""

    continues: bool
    restorable_until: Annotated[datetime | None, Field(description="Null: it can be taken back at any time.")]


class FileKept(TypedDict):
    """A file that its sender's report may name."""

    case_id: Annotated[CaseId, Field(description="Of the case to come.")]
    sha256: Sha256
    media_type: str
    size: Annotated[int, Field(description="Bytes, as it is kept.")]


class FileAdded(Done):
    """A file of the case."""

    sha256: Sha256
    media_type: str
    size: int


class AttachmentShown(TypedDict):
    """A file that the case's events name."""

    sha256: Sha256
    media_type: str
    size: int
    sent_by: str
    unit: Annotated[str | None, Field(description="For which its sender handles.")]


class IntakeCase(CaseShown):
    """A case as intake sees it."""

    content: NotRequired[str | None]
    address: NotRequired[str | None]
    location: Annotated[NotRequired[str | None], Field(description="Longitude and latitude in 1e-7 degrees.")]
    external_id: str | None
    receipt: Receipt | None
    attachments: list[AttachmentShown]


class CaseInList(TypedDict):
    """One case."""

    case_id: CaseId
    state: State
    channel: str | None
    kind: Kind | None
    class_code: str | None
    urgency: Urgency | None
    grid: str | None
    unit: str | None
    round: int
    received_at: datetime | None
    imported_from: Annotated[str | None, Field(description="The system that it moved in from.")]


class CaseList(Freshness):
    """A page of cases."""

    items: list[CaseInList]
    next_cursor: NextCursor


class EarlierCase(TypedDict):
    """An earlier case of a caller."""

    case_id: CaseId
    received_at: datetime | None
    kind: Kind | None
    class_code: str | None
    grid: str | None
    state: State
    unit: str | None
    contacts: Annotated[int, Field(description="First contact and repeats.")]
    open: bool


class EarlierCases(Freshness):
    """The newest cases of a caller."""

    items: list[EarlierCase]
    more: bool


class Identity(TypedDict):
    """Who reported the case; null where nobody said so, `***` where it is erased."""

    case_id: CaseId
    events: Annotated[list[str], Field(description="Ids of the events that record the reading.")]
    position: Position | None
    reporter_name: str | None
    reporter_phone: str | None


class HintShown(TypedDict):
    """An open case that may be the same matter, and why."""

    case_id: CaseId
    received_at: datetime | None
    kind: Kind | None
    class_code: str | None
    grid: str | None
    state: State
    unit: str | None
    contacts: int
    distance_m: Annotated[int | None, Field(description="Null where one of the two has no point.")]
    same_address: bool
    same_class: bool
    likeness: Annotated[float, Field(ge=0, le=1, description="Of the words.")]
    reason_zh: str
    reason_en: str


class Hints(Freshness):
    """Cases that may be the same matter, the likeliest first."""

    items: list[HintShown]


class SuspectedCase(TypedDict):
    """A case of a group."""

    case_id: CaseId
    receipt: Annotated[Receipt | None, Field(description="Null: found on patrol.")]
    received_at: datetime | None
    kind: Kind | None
    class_code: str | None
    grid: str | None
    state: State
    unit: str | None
    contacts: int


class SuspectedGroup(TypedDict):
    """Open cases that look like one matter, oldest first, and why."""

    cases: list[SuspectedCase]
    since: Annotated[datetime, Field(description="When the second of them came in.")]
    same_number: Annotated[bool, Field(description="Two of them came from one telephone number.")]
    reason_zh: str
    reason_en: str


class Suspected(Freshness):
    """Groups of open cases that look like one matter, newest first."""

    count: Annotated[int, Field(description="Of groups.")]
    items: list[SuspectedGroup]
    more: Annotated[bool, Field(description="Older cases were not looked through.")]


class ReceiptShown(Freshness):
    """How a citizen's matter stands; nobody's data."""

    receipt: Receipt
    state_zh: str
    state_en: str
    unit_zh: str | None
    unit_en: str | None
    received_at: datetime | None
    registered_at: datetime | None
    dispatched_at: datetime | None
    due_at: datetime | None
    closed_at: datetime | None
    allowed_actions: list[str]


class ImportedItem(Done):
    """A case that came in, now or before."""

    status: Literal[200]


class RefusedItem(Problem):
    """A case that did not."""

    case_id: NotRequired[CaseId]


class ImportResult(TypedDict):
    """What became of each item, in order."""

    items: list[ImportedItem | RefusedItem]
    done: int
