"""HTTP of supervision's commands: request → command → handle."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from libs.events.lanes import lane_of
from libs.log.store.event_store import Connection
from libs.log.write.command import CommandContext
from libs.log.write.idempotency import Outcome
from libs.service.http.answers import answer
from libs.service.http.cases import CaseRef, carry_out
from libs.service.http.dependencies import CommandDep, RuntimeDep
from libs.service.http.freshness import as_of
from libs.service.runtime import Runtime
from services.supervision.api.bodies import (
    CallbackBody,
    CloseBody,
    FindingBody,
    LiftBody,
    OrderBody,
    PlanBody,
    ReviewBody,
    ReworkBody,
    UrgeBody,
    VerifierBody,
)
from services.supervision.api.clock_query import SHOWN
from services.supervision.domain.closing.callback import RecordCallback
from services.supervision.domain.closing.review import CloseCase, OrderRework, ReviewFeedback
from services.supervision.domain.closing.verification import AssignVerification, SubmitVerification
from services.supervision.domain.decider import Command
from services.supervision.domain.orders.orders import IssueSupervision, LiftSupervision, RespondSupervision
from services.supervision.domain.orders.urging import UrgeCase

router = APIRouter(tags=["督办 supervision"])


async def carry_out_fresh(
    running: Runtime, case_id: str, call: CommandContext, build: Callable[[datetime], Command]
) -> Outcome:
    """A final power waits for a read model that is complete enough (architecture.md §6): `Stale` otherwise."""

    async def check(conn: Connection) -> None:
        await as_of(conn, SHOWN, running.settings.stale_after_seconds, lane_of(case_id))

    return await carry_out(running, case_id, call, build, check=check)


@router.post("/cases/{case_id}/review", summary="办结审核 / accept or send back the feedback")
async def review(case_id: CaseRef, body: ReviewBody, running: RuntimeDep, call: CommandDep) -> JSONResponse:
    def build(now: datetime) -> ReviewFeedback:
        return ReviewFeedback(now, call.actor, body.accepted, body.reason)

    return answer(await carry_out_fresh(running, case_id, call, build))


@router.post("/cases/{case_id}/verification", summary="指派核实 / ask somebody to verify")
async def assign_verification(
    case_id: CaseRef, body: VerifierBody, running: RuntimeDep, call: CommandDep
) -> JSONResponse:
    def build(now: datetime) -> AssignVerification:
        return AssignVerification(now, call.actor, body.verifier)

    return answer(await carry_out_fresh(running, case_id, call, build))


@router.post("/cases/{case_id}/verification/result", summary="提交核实结果 / the verifier's finding")
async def submit_verification(
    case_id: CaseRef, body: FindingBody, running: RuntimeDep, call: CommandDep
) -> JSONResponse:
    def build(now: datetime) -> SubmitVerification:
        fields = body.model_dump() | {"photos": tuple(body.photos)}
        return SubmitVerification(at=now, by=call.actor, **fields)

    return answer(await carry_out_fresh(running, case_id, call, build))


@router.post("/cases/{case_id}/callback", summary="回访 / record a call-back")
async def record_callback(case_id: CaseRef, body: CallbackBody, running: RuntimeDep, call: CommandDep) -> JSONResponse:
    def build(now: datetime) -> RecordCallback:
        return RecordCallback(now, call.actor, body.answers(), body.remark)

    return answer(await carry_out_fresh(running, case_id, call, build))


@router.post("/cases/{case_id}/close", summary="结案 / close")
async def close(case_id: CaseRef, body: CloseBody, running: RuntimeDep, call: CommandDep) -> JSONResponse:
    def build(now: datetime) -> CloseCase:
        return CloseCase(now, call.actor, body.close_kind)

    return answer(await carry_out_fresh(running, case_id, call, build))


@router.post("/cases/{case_id}/rework", summary="重办 / order rework")
async def order_rework(case_id: CaseRef, body: ReworkBody, running: RuntimeDep, call: CommandDep) -> JSONResponse:
    def build(now: datetime) -> OrderRework:
        return OrderRework(now, call.actor, body.reason)

    return answer(await carry_out_fresh(running, case_id, call, build))


@router.post("/cases/{case_id}/urge", summary="催办 / urge the unit")
async def urge(case_id: CaseRef, body: UrgeBody, running: RuntimeDep, call: CommandDep) -> JSONResponse:
    def build(now: datetime) -> UrgeCase:
        return UrgeCase(now, call.actor, body.note)

    return answer(await carry_out(running, case_id, call, build))


@router.post("/cases/{case_id}/supervision", summary="下达督办 / issue a supervision order")
async def issue_supervision(case_id: CaseRef, body: OrderBody, running: RuntimeDep, call: CommandDep) -> JSONResponse:
    def build(now: datetime) -> IssueSupervision:
        return IssueSupervision(now, call.actor, body.level, body.order)

    return answer(await carry_out(running, case_id, call, build))


@router.post("/cases/{case_id}/supervision/response", summary="回应督办 / the unit answers")
async def respond_supervision(case_id: CaseRef, body: PlanBody, running: RuntimeDep, call: CommandDep) -> JSONResponse:
    def build(now: datetime) -> RespondSupervision:
        return RespondSupervision(now, call.actor, body.plan)

    return answer(await carry_out(running, case_id, call, build))


@router.post("/cases/{case_id}/supervision/lift", summary="解除督办 / lift supervision")
async def lift_supervision(case_id: CaseRef, body: LiftBody, running: RuntimeDep, call: CommandDep) -> JSONResponse:
    def build(now: datetime) -> LiftSupervision:
        return LiftSupervision(now, call.actor, body.level, body.reason)

    return answer(await carry_out(running, case_id, call, build))
