"""HTTP of dispatch and handling: request → command → handle."""

from __future__ import annotations

from datetime import datetime

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from libs.service.http.answers import answer
from libs.service.http.cases import CaseRef, carry_out
from libs.service.http.dependencies import CommandDep, RuntimeDep
from services.routing.api.bodies import AssignBody, ContactBody, DispatchBody, FeedbackBody, ProgressBody
from services.routing.domain import dispatch as dispatching
from services.routing.domain import handling

router = APIRouter(tags=["派遣·办理 routing"])


@router.post("/cases/{case_id}/dispatch", summary="派遣 / dispatch")
async def dispatch(case_id: CaseRef, body: DispatchBody, running: RuntimeDep, call: CommandDep) -> JSONResponse:
    def build(now: datetime) -> dispatching.DispatchCase:
        return dispatching.DispatchCase(now, call.actor, body.unit, body.override_reason)

    return answer(await carry_out(running, case_id, call, build))


@router.post("/cases/{case_id}/accept", summary="签收 / sign for the order")
async def accept(case_id: CaseRef, running: RuntimeDep, call: CommandDep) -> JSONResponse:
    return answer(await carry_out(running, case_id, call, lambda now: handling.AcceptAssignment(now, call.actor)))


@router.post("/cases/{case_id}/assign", summary="指定经办人 / assign the handler")
async def assign(case_id: CaseRef, body: AssignBody, running: RuntimeDep, call: CommandDep) -> JSONResponse:
    def build(now: datetime) -> handling.AssignHandler:
        return handling.AssignHandler(now, call.actor, body.handler)

    return answer(await carry_out(running, case_id, call, build))


@router.post("/cases/{case_id}/contact", summary="联系诉求人 / contact the reporter")
async def contact(case_id: CaseRef, body: ContactBody, running: RuntimeDep, call: CommandDep) -> JSONResponse:
    def build(now: datetime) -> handling.ContactCitizen:
        return handling.ContactCitizen(now, call.actor, body.reached, body.note)

    return answer(await carry_out(running, case_id, call, build))


@router.post("/cases/{case_id}/progress", summary="记录进展 / record progress")
async def progress(case_id: CaseRef, body: ProgressBody, running: RuntimeDep, call: CommandDep) -> JSONResponse:
    def build(now: datetime) -> handling.RecordProgress:
        return handling.RecordProgress(now, call.actor, body.note)

    return answer(await carry_out(running, case_id, call, build))


@router.post("/cases/{case_id}/feedback", summary="反馈 / submit feedback")
async def feedback(case_id: CaseRef, body: FeedbackBody, running: RuntimeDep, call: CommandDep) -> JSONResponse:
    def build(now: datetime) -> handling.SubmitFeedback:
        return handling.SubmitFeedback(now, call.actor, body.result, body.reply, tuple(body.photos))

    return answer(await carry_out(running, case_id, call, build))
