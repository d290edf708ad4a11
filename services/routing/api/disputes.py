"""HTTP of the commands of returns, endorsement, arbitration and co-units. Reads nothing."""

from __future__ import annotations

from datetime import datetime

from fastapi import APIRouter
from pydantic import Field

from libs.events.decider import Actor
from libs.events.ids import UnitId
from libs.service.http.commands import CommandBody, post_command
from services.routing.domain.arbitration import OpenArbitration, RuleArbitration
from services.routing.domain.co_units import AddCoUnit, ReportAsCoUnit
from services.routing.domain.endorsement import DecideEndorsement
from services.routing.domain.returns import DecideReturn, RequestReturn

router = APIRouter(tags=["退单·审签·会商·协办 returns, endorsement, arbitration, co-units"])


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


post_command(router, "/cases/{case_id}/return", ReturnBody, summary="申请退单 / ask to return the case")
post_command(router, "/cases/{case_id}/return/approve", ApprovalBody, summary="同意退单 / approve the return")
post_command(router, "/cases/{case_id}/return/reject", RejectionBody, summary="不同意退单 / reject the return")
post_command(
    router,
    "/cases/{case_id}/endorsement",
    EndorsementBody,
    summary="审签 / endorse what the unit sends, or give it back",
)
post_command(router, "/cases/{case_id}/arbitration", OpenArbitration, summary="提请会商裁定 / open an arbitration")
post_command(router, "/cases/{case_id}/arbitration/rule", RulingBody, summary="裁定 / rule on the dispute")
post_command(router, "/cases/{case_id}/co-units", CoUnitBody, summary="增加协办单位 / ask a unit to co-handle")
post_command(router, "/cases/{case_id}/co-units/report", CoReportBody, summary="协办反馈 / report as co-unit")
