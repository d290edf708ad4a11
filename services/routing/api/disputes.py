"""HTTP of returns, endorsement, arbitration and co-units: request → command → handle."""

from __future__ import annotations

from datetime import datetime

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from libs.service.http.answers import answer
from libs.service.http.cases import CaseRef, carry_out
from libs.service.http.dependencies import CommandDep, RuntimeDep
from services.routing.api.bodies import (
    ApprovalBody,
    CoReportBody,
    CoUnitBody,
    EndorsementBody,
    RejectionBody,
    ReturnBody,
    RulingBody,
)
from services.routing.domain.arbitration import OpenArbitration, RuleArbitration
from services.routing.domain.co_units import AddCoUnit, ReportAsCoUnit
from services.routing.domain.endorsement import DecideEndorsement
from services.routing.domain.returns import DecideReturn, RequestReturn

router = APIRouter(tags=["退单·审签·会商·协办 returns, endorsement, arbitration, co-units"])


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
