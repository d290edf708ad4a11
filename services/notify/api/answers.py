"""What notify answers, told in OpenAPI; what every service answers is in libs/service/http/shapes.py."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field
from typing_extensions import TypedDict

from libs.events.contracts.parts.clock import Clock
from libs.service.http.shapes import CaseId, CaseShown, Freshness, NextCursor
from services.notify.domain.fates import MessageState

MessageRef = Annotated[str, Field(description="告知编号 / message id")]


class MessageShown(TypedDict):
    """One message: of which event, to whom, and its fate. Never its text."""

    about: Annotated[Literal["case", "draft"], Field(description="`draft`: of the directory, told to administrators.")]
    case_id: Annotated[CaseId, Field(description="Of the case, or of the draft.")]
    event_id: str
    message_id: MessageRef
    event_type: str
    template: str
    recipient: Annotated[str, Field(description="`person:<id>`, `unit:<id>`, `role:<code>` or `reporter`.")]
    channel: str
    state: MessageState
    reason: Annotated[str | None, Field(description="Of the last failure, or why it was dropped.")]
    attempts: int
    receipt: str | None
    digest: bool
    late: bool
    mass: bool
    covered_by: Annotated[str | None, Field(description="The one message of a mass incident that says it.")]
    due_at: datetime
    send_at: Annotated[datetime | None, Field(description="Held until then: quiet hours or a digest.")]
    retry_at: datetime | None
    sent_at: datetime | None


class Messages(Freshness):
    """A page of messages, oldest first."""

    items: list[MessageShown]
    count: int
    next_cursor: NextCursor


class NotifyCase(CaseShown):
    """A case and everybody who was told of it."""

    messages: list[MessageShown]
    undelivered: Annotated[list[MessageRef], Field(description="What may be sent again.")]
    due: Annotated[dict[Clock, datetime], Field(description="Running clocks and when they are due.")]
