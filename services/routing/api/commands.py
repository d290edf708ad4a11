"""HTTP of the commands of dispatch and handling. Reads nothing."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter
from pydantic import Field

from libs.events.decider import Actor
from libs.events.ids import PersonId, UnitId
from libs.service.http.commands import CommandBody, post_command
from services.routing.domain.dispatch import DispatchCase
from services.routing.domain.handling import (
    AcceptAssignment,
    AssignHandler,
    ContactCitizen,
    RecordProgress,
    SubmitFeedback,
)

router = APIRouter(tags=["派遣·办理 routing"])

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class DispatchBody(CommandBody):
    """Nothing: the proposed unit. Another unit needs a reason."""

    unit: UnitId | None = Field(default=None, max_length=64, examples=["county-housing"])
    override_reason: str | None = Field(default=None, min_length=1, max_length=500)

    def command(self, at: datetime, by: Actor) -> DispatchCase:
        return DispatchCase(at, by, self.unit, self.override_reason)


class AssignBody(CommandBody):
    """Who is to handle it."""

    handler: PersonId = Field(max_length=64, examples=["zheng-kai"])

    def command(self, at: datetime, by: Actor) -> AssignHandler:
        return AssignHandler(at, by, self.handler)


class ContactBody(CommandBody):
    """Whether the reporter was reached."""

    reached: bool = Field(examples=[True])
    note: str | None = Field(default=None, min_length=1, max_length=1000)

    def command(self, at: datetime, by: Actor) -> ContactCitizen:
        return ContactCitizen(at, by, self.reached, self.note)


class ProgressBody(CommandBody):
    """What has been done so far."""

    note: str = Field(min_length=1, max_length=2000, examples=["已到现场, 明日更换井盖"])

    def command(self, at: datetime, by: Actor) -> RecordProgress:
        return RecordProgress(at, by, self.note)


class FeedbackBody(CommandBody):
    """The result, the reply to the reporter, and photos of the finished work (SHA-256 of attachments)."""

    result: Literal["SOLVED", "EXPLAINED", "PARTLY"] = Field(examples=["SOLVED"])
    reply: str = Field(min_length=1, max_length=4000, examples=["路面已修复, 井盖已更换"])
    photos: list[Sha256] = Field(default=[], max_length=20)

    def command(self, at: datetime, by: Actor) -> SubmitFeedback:
        return SubmitFeedback(at, by, self.result, self.reply, tuple(self.photos))


post_command(router, "/cases/{case_id}/dispatch", DispatchBody, summary="派遣 / dispatch")
post_command(router, "/cases/{case_id}/accept", AcceptAssignment, summary="签收 / sign for the order")
post_command(router, "/cases/{case_id}/assign", AssignBody, summary="指定经办人 / assign the handler")
post_command(router, "/cases/{case_id}/contact", ContactBody, summary="联系诉求人 / contact the reporter")
post_command(router, "/cases/{case_id}/progress", ProgressBody, summary="记录进展 / record progress")
post_command(router, "/cases/{case_id}/feedback", FeedbackBody, summary="反馈 / submit feedback")
