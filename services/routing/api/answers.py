"""What routing answers, told in OpenAPI; what every service answers is in libs/service/http/shapes.py."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

from libs.case.state import State
from libs.events.contracts.intake import Kind, Urgency
from libs.service.http.shapes import (
    CaseId,
    CaseShown,
    Done,
    Freshness,
    MaybeLamp,
    NextCursor,
    Problem,
)
from services.routing.readmodel.holdings import Role

Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]

Imported = Annotated[bool, Field(description="It moved in from another system.")]

# One case


class Step(TypedDict):
    """One link of the chain that explains a route."""

    rule: str
    zh: str
    en: str


class Skipped(TypedDict):
    """A unit that a rule skipped, and why."""

    unit: str
    rule: str
    zh: str
    en: str


class Due(TypedDict):
    """When what is due, as supervision's clocks say; null where there is no clock."""

    dispatched_at: datetime | None
    signed_at: datetime | None
    sign_due_at: datetime | None
    due_at: datetime | None
    yellow_at: datetime | None
    stopped_at: datetime | None
    overall_due_at: datetime | None
    provisional: bool


class Draft(TypedDict):
    """What waits for the word of the unit's leader."""

    act: Literal["return", "feedback"]
    requested_by: str
    requested_at: datetime
    basis: str | None
    suggested_unit: str | None
    reason: str | None
    result: Literal["SOLVED", "EXPLAINED", "PARTLY"] | None
    reply: str | None
    photos: list[Digest]


class Asked(TypedDict):
    """A unit's request to return the case, and what became of it."""

    unit: str
    requested_at: datetime
    basis: str | None
    suggested_unit: str | None
    decided: Literal["APPROVED", "REJECTED", "ARBITRATION"] | None
    groundless: bool | None


Because = Literal["RET-3", "DISPUTED", "SILENCE"]


class Question(TypedDict):
    """Whose the case is, where that was asked."""

    no_return: bool
    because: Annotated[Because | None, Field(description="Of the newest arbitration.")]
    returns: list[Asked]
    parties: list[str]
    return_until: datetime | None
    decision_due_at: datetime | None


class RoutingCase(CaseShown):
    """A case as routing sees it; its order begins when it is registered."""

    endorsement: Draft | None
    co_units_outstanding: list[str]
    dispute: Question
    rule_chain: NotRequired[list[Step]]
    rejected: NotRequired[list[Skipped]]
    proposed: NotRequired[str | None]
    lamp: NotRequired[MaybeLamp]
    due: NotRequired[Due]


# Lists


class Order(Due):
    """One line of a work list."""

    case_id: CaseId
    state: State
    unit: str | None
    held_by: str
    role: Role
    kind: Kind
    class_code: str
    urgency: Urgency
    grid: str
    handler: str | None
    round: int
    dual_hat: bool
    imported: Imported
    lead: bool
    lamp: MaybeLamp
    signed: bool
    deemed_signed: bool
    version: Annotated[int, Field(description="How many events of routing the line shows; for `If-Match`.")]


class WorkList(Freshness):
    """A page of a department's orders."""

    items: list[Order]
    count: int
    count_exact: Annotated[bool, Field(description="False: there are as many at least.")]
    next_cursor: NextCursor


class Candidate(TypedDict):
    """A unit that the rules named."""

    unit: str
    proposed: bool
    rejected: Skipped | None


class Disputed(TypedDict):
    """Between whom, why, and until when the arbiter has time."""

    parties: list[str]
    because: Because | None
    due_at: datetime | None


class Waiting(TypedDict):
    """A case that waits for its dispatch, or for the ruling that comes in its place."""

    case_id: CaseId
    state: Literal["REGISTERED", "ARBITRATION"]
    kind: Kind
    class_code: str
    urgency: Urgency
    grid: str
    proposed: str | None
    dispatch: Literal["auto", "confirm"] | None
    imported: Imported
    unrouted: bool
    registered_at: datetime | None
    dispatch_due_at: datetime | None
    arbitration: Disputed | None
    lamp: MaybeLamp
    candidates: list[Candidate]
    rule_chain: list[Step]
    rejected: list[Skipped]


class Queue(Freshness):
    """A page of what waits for dispatch."""

    items: list[Waiting]
    count: int
    next_cursor: NextCursor


class FeedEntry(TypedDict):
    """One change of an order, as the unit is told of it."""

    lane: int
    sequence: Annotated[int, Field(description="1, 2, 3 … per unit and lane.")]
    case_id: CaseId
    version: int
    event_id: str
    type: str
    recorded_at: datetime
    role: Annotated[Role | None, Field(description="Null: the unit has lost the order.")]
    state: State
    lead_unit: str | None
    handler: str | None
    round: int
    kind: Kind
    class_code: str
    urgency: Urgency
    grid: str
    sign_due_at: datetime | None
    due_at: datetime | None
    overall_due_at: datetime | None
    stopped_at: datetime | None


class Feed(Freshness):
    """What changed after a cursor, without gaps."""

    unit: str
    items: list[FeedEntry]
    count: Annotated[int, Field(description="How much there was after `after`.")]
    more: bool
    next_cursor: Annotated[str, Field(description="For `after`; never null.")]


# `from` is no name that a class of Python may have.
Bucket = TypedDict(
    "Bucket",
    {
        "bucket": str,
        "lane": int,
        "from": datetime,
        "to": datetime,
        "count": int,
        "digest": Annotated[Digest, Field(description="SHA-256 over the lines `<case_id> <version>\\n`.")],
        "complete": Annotated[bool, Field(description="Nothing can be added to it any more.")],
    },
)


class Reconciliation(Freshness):
    """How much was recorded per lane, or per lane and hour, and its digest."""

    unit: str
    by: Literal["lane", "hour"]
    buckets: list[Bucket]
    count: int


class BucketEntries(Freshness):
    """A page of one bucket."""

    unit: str
    bucket: str
    items: list[FeedEntry]
    next_cursor: NextCursor


# Many orders at once


class BulkDone(Done):
    """An order that was carried out, now or before."""

    status: Literal[200]


class BulkRefused(Problem):
    """An order that was not; `case_id` says which."""


class BulkResult(TypedDict):
    """What became of each item."""

    items: list[BulkDone | BulkRefused]
    done: int
    refused: int
