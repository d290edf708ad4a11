"""The request bodies of routing's commands on one case."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from libs.events.decider import Actor
from libs.events.ids import PersonId, UnitId
from libs.service.http.commands import CommandBody
from services.routing.domain.arbitration import RuleArbitration
from services.routing.domain.co_units import AddCoUnit, ReportAsCoUnit
from services.routing.domain.dispatch import DispatchCase
from services.routing.domain.endorsement import DecideEndorsement
from services.routing.domain.handling import AssignHandler, ContactCitizen, RecordProgress, SubmitFeedback
from services.routing.domain.returns import DecideReturn, RequestReturn

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


class ReturnBody(CommandBody):
    """The basis – article or entry of the duty list –, the unit believed responsible, and words beside it."""

    basis: str | None = Field(default=None, max_length=300, examples=["县住建局职责清单第12条: 供水管网不在本局职责内"])
    suggested_unit: UnitId | None = Field(default=None, max_length=64, examples=["county-water"])
    reason: str | None = Field(default=None, min_length=1, max_length=2000)

    def command(self, at: datetime, by: Actor) -> RequestReturn:
        return RequestReturn(at, by, self.basis, self.suggested_unit, self.reason)


class ApprovalBody(CommandBody):
    """Words beside the approval, if any."""

    reason: str | None = Field(default=None, min_length=1, max_length=2000)

    def command(self, at: datetime, by: Actor) -> DecideReturn:
        return DecideReturn(at, by, approved=True, reason=self.reason)


class RejectionBody(CommandBody):
    """Why the unit keeps the case."""

    reason: str = Field(min_length=1, max_length=2000, examples=["小区内下水道由住建部门监管"])

    def command(self, at: datetime, by: Actor) -> DecideReturn:
        return DecideReturn(at, by, approved=False, reason=self.reason)


class EndorsementBody(CommandBody):
    """Whether the draft of the unit is sent; given back only with a reason."""

    approved: bool = Field(examples=[True])
    reason: str | None = Field(default=None, min_length=1, max_length=2000, examples=["请补充现场照片"])

    def command(self, at: datetime, by: Actor) -> DecideEndorsement:
        return DecideEndorsement(at, by, self.approved, self.reason)


class RulingBody(CommandBody):
    """The unit that has to handle the case, the parties whose return had no ground, and why."""

    unit: UnitId = Field(max_length=64, examples=["county-urban"])
    groundless: list[UnitId] = Field(default=[], max_length=20, examples=[["county-urban"]])
    reason: str = Field(min_length=1, max_length=4000, examples=["市政排水管网由城管部门养护"])

    def command(self, at: datetime, by: Actor) -> RuleArbitration:
        return RuleArbitration(at, by, self.unit, self.reason, tuple(dict.fromkeys(self.groundless)))


class CoUnitBody(CommandBody):
    """Another unit, and its part."""

    unit: UnitId = Field(max_length=64, examples=["county-environment"])
    task: str = Field(min_length=1, max_length=2000, examples=["夜间扬尘监测"])

    def command(self, at: datetime, by: Actor) -> AddCoUnit:
        return AddCoUnit(at, by, self.unit, self.task)


class CoReportBody(CommandBody):
    """What the co-unit did."""

    report: str = Field(min_length=1, max_length=4000, examples=["已连续监测三晚, 数据见附表"])

    def command(self, at: datetime, by: Actor) -> ReportAsCoUnit:
        return ReportAsCoUnit(at, by, self.report)
