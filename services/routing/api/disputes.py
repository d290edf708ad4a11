"""HTTP of returns, endorsement, arbitration and co-units: request → command → handle."""

from __future__ import annotations

from datetime import datetime

from fastapi import APIRouter
from fastapi.responses import JSONResponse
from pydantic import Field

from libs.events.ids import UnitId
from libs.service.http.answers import answer
from libs.service.http.cases import Body, CaseRef, carry_out
from libs.service.http.dependencies import CommandDep, RuntimeDep
from services.routing.domain.arbitration import OpenArbitration, RuleArbitration
from services.routing.domain.co_units import AddCoUnit, ReportAsCoUnit
from services.routing.domain.endorsement import DecideEndorsement
from services.routing.domain.returns import DecideReturn, RequestReturn

router = APIRouter(tags=["退单·审签·会商·协办 returns, endorsement, arbitration, co-units"])


class ReturnBody(Body):
    """The basis – article or entry of the duty list –, the unit believed responsible, and words beside it."""

    basis: str | None = Field(default=None, max_length=300, examples=["县住建局职责清单第12条: 供水管网不在本局职责内"])
    suggested_unit: UnitId | None = Field(default=None, max_length=64, examples=["county-water"])
    reason: str | None = Field(default=None, min_length=1, max_length=2000)


class ApprovalBody(Body):
    """Words beside the approval, if any."""

    reason: str | None = Field(default=None, min_length=1, max_length=2000)


class RejectionBody(Body):
    """Why the unit keeps the case."""

    reason: str = Field(min_length=1, max_length=2000, examples=["小区内下水道由住建部门监管"])


class EndorsementBody(Body):
    """Whether the draft of the unit is sent; given back only with a reason."""

    approved: bool = Field(examples=[True])
    reason: str | None = Field(default=None, min_length=1, max_length=2000, examples=["请补充现场照片"])


class RulingBody(Body):
    """The unit that has to handle the case, the parties whose return had no ground, and why."""

    unit: UnitId = Field(max_length=64, examples=["county-urban"])
    groundless: list[UnitId] = Field(default=[], max_length=20, examples=[["county-urban"]])
    reason: str = Field(min_length=1, max_length=4000, examples=["市政排水管网由城管部门养护"])


class CoUnitBody(Body):
    """Another unit, and its part."""

    unit: UnitId = Field(max_length=64, examples=["county-environment"])
    task: str = Field(min_length=1, max_length=2000, examples=["夜间扬尘监测"])


class CoReportBody(Body):
    """What the co-unit did."""

    report: str = Field(min_length=1, max_length=4000, examples=["已连续监测三晚, 数据见附表"])


@router.post("/cases/{case_id}/return", summary="申请退单 / ask to return the case")
async def request_return(case_id: CaseRef, body: ReturnBody, running: RuntimeDep, call: CommandDep) -> JSONResponse:
    def build(now: datetime) -> RequestReturn:
        return RequestReturn(now, call.actor, body.basis, body.suggested_unit, body.reason)

    return answer(await carry_out(running, case_id, call, build))


@router.post("/cases/{case_id}/return/approve", summary="同意退单 / approve the return")
async def approve_return(case_id: CaseRef, body: ApprovalBody, running: RuntimeDep, call: CommandDep) -> JSONResponse:
    def build(now: datetime) -> DecideReturn:
        return DecideReturn(now, call.actor, approved=True, reason=body.reason)

    return answer(await carry_out(running, case_id, call, build))


@router.post("/cases/{case_id}/return/reject", summary="不同意退单 / reject the return")
async def reject_return(case_id: CaseRef, body: RejectionBody, running: RuntimeDep, call: CommandDep) -> JSONResponse:
    def build(now: datetime) -> DecideReturn:
        return DecideReturn(now, call.actor, approved=False, reason=body.reason)

    return answer(await carry_out(running, case_id, call, build))


@router.post("/cases/{case_id}/endorsement", summary="审签 / endorse what the unit sends, or give it back")
async def decide_endorsement(
    case_id: CaseRef, body: EndorsementBody, running: RuntimeDep, call: CommandDep
) -> JSONResponse:
    def build(now: datetime) -> DecideEndorsement:
        return DecideEndorsement(now, call.actor, body.approved, body.reason)

    return answer(await carry_out(running, case_id, call, build))


@router.post("/cases/{case_id}/arbitration", summary="提请会商裁定 / open an arbitration")
async def open_arbitration(case_id: CaseRef, running: RuntimeDep, call: CommandDep) -> JSONResponse:
    return answer(await carry_out(running, case_id, call, lambda now: OpenArbitration(now, call.actor)))


@router.post("/cases/{case_id}/arbitration/rule", summary="裁定 / rule on the dispute")
async def rule_arbitration(case_id: CaseRef, body: RulingBody, running: RuntimeDep, call: CommandDep) -> JSONResponse:
    def build(now: datetime) -> RuleArbitration:
        return RuleArbitration(now, call.actor, body.unit, body.reason, tuple(dict.fromkeys(body.groundless)))

    return answer(await carry_out(running, case_id, call, build))


@router.post("/cases/{case_id}/co-units", summary="增加协办单位 / ask a unit to co-handle")
async def add_co_unit(case_id: CaseRef, body: CoUnitBody, running: RuntimeDep, call: CommandDep) -> JSONResponse:
    def build(now: datetime) -> AddCoUnit:
        return AddCoUnit(now, call.actor, body.unit, body.task)

    return answer(await carry_out(running, case_id, call, build))


@router.post("/cases/{case_id}/co-units/report", summary="协办反馈 / report as co-unit")
async def report_as_co_unit(
    case_id: CaseRef, body: CoReportBody, running: RuntimeDep, call: CommandDep
) -> JSONResponse:
    def build(now: datetime) -> ReportAsCoUnit:
        return ReportAsCoUnit(now, call.actor, body.report)

    return answer(await carry_out(running, case_id, call, build))
