"""HTTP of supervision: request → command → handle; one case as supervision sees it. Lists are in board.py."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter
from fastapi.responses import JSONResponse
from pydantic import Field, model_validator

from libs.events.ids import PersonId
from libs.events.lanes import lane_of
from libs.log.store.event_store import Connection
from libs.log.write.command import CommandContext
from libs.log.write.idempotency import Outcome
from libs.service.http.answers import answer
from libs.service.http.cases import Body, CaseRef, MinPosition, carry_out, show_case
from libs.service.http.dependencies import CallerDep, CommandDep, RuntimeDep
from libs.service.http.freshness import as_of
from libs.service.runtime import Runtime
from services.supervision.api.board import clock_document
from services.supervision.api.clock_query import SHOWN
from services.supervision.domain.allowed_actions import allowed
from services.supervision.domain.closing.callback import Answers, RecordCallback, Satisfaction
from services.supervision.domain.closing.review import CloseCase, OrderRework, ReviewFeedback
from services.supervision.domain.closing.verification import AssignVerification, SubmitVerification
from services.supervision.domain.decider import Command, State
from services.supervision.domain.orders.orders import IssueSupervision, LiftSupervision, RespondSupervision
from services.supervision.domain.orders.urging import UrgeCase

router = APIRouter(tags=["督办 supervision"])

Reason = Annotated[str, Field(min_length=1, max_length=500)]
Photo = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class ReviewBody(Body):
    """The centre's judgement of the feedback; sent back only with a reason."""

    accepted: bool = Field(examples=[True])
    reason: Reason | None = Field(default=None, examples=["未附办理后照片"])


class VerifierBody(Body):
    """Who is to look at the place."""

    verifier: PersonId = Field(min_length=1, max_length=64, examples=["li-fang"])


class FindingBody(Body):
    """What the verifier found at the place, in 1e-7 degrees."""

    passed: bool
    longitude: int = Field(ge=-1_800_000_000, le=1_800_000_000, examples=[1_193_050_000])
    latitude: int = Field(ge=-900_000_000, le=900_000_000, examples=[321_050_000])
    photos: list[Photo] = Field(default=[], max_length=20)
    note: Reason | None = None


class CallbackBody(Body):
    """One try: reached means that all three questions were answered."""

    reached: bool
    contacted: bool | None = None
    solved: bool | None = None
    satisfaction: Satisfaction | None = None
    remark: Reason | None = None

    @model_validator(mode="after")
    def answers_are_whole(self) -> CallbackBody:
        """Three answers or none: part of an answer is not a valid call-back."""
        given = [self.contacted is not None, self.solved is not None, self.satisfaction is not None]
        if given != [self.reached] * 3:
            raise ValueError("three answers when reached, none otherwise")
        return self

    def answers(self) -> Answers | None:
        """The three answers, where he was reached."""
        if self.contacted is None or self.solved is None or self.satisfaction is None:
            return None
        return Answers(self.contacted, self.solved, self.satisfaction)


class CloseBody(Body):
    """How the matter ended."""

    close_kind: Literal["HANDLED", "EXPLAINED"] = "HANDLED"


class ReworkBody(Body):
    """Why it has to be done again."""

    reason: Reason = Field(examples=["第二天又堆了"])


class OrderBody(Body):
    """The supervisor's order; L0 is the system's reminder, levels 4 and 5 follow the level below them."""

    level: Literal[1, 2, 3, 4, 5] = Field(examples=[2])
    order: str = Field(min_length=1, max_length=2000, examples=["请于两个工作日内报送整改计划"])


class UrgeBody(Body):
    """催办; the unit reads the note in the case, never in a message."""

    note: Reason | None = Field(default=None, examples=["市民多次来电, 请尽快到场"])


class PlanBody(Body):
    """The unit leader's answer: a plan and a date."""

    plan: str = Field(min_length=1, max_length=2000)


class LiftBody(Body):
    """The new level, and why the cause is gone."""

    level: int = Field(default=0, ge=0, le=4)
    reason: Reason


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


@router.get("/cases/{case_id}", summary="案件的时钟、核实、回访与督办 / one case as supervision sees it")
async def read_case(
    case_id: CaseRef,
    running: RuntimeDep,
    person: CallerDep,
    min_position: MinPosition = None,
) -> JSONResponse:
    async with running.pool.acquire() as conn:
        shown = await show_case(running, conn, person, case_id, sources=SHOWN, position=min_position)
        rows = await conn.fetch("select * from clock where case_id = $1 order by started_at, clock_id", case_id)
        state, facts = await running.state_and_facts(conn, case_id)
    at = max(person.now, shown.fresh.at)
    clocks = [clock_document(row, at) for row in rows]
    offered = allowed(state, person.actor, facts, person.now)
    return shown.answer({"clocks": clocks, **_progress(state), "allowed_actions": offered})


def _progress(state: State) -> dict[str, Any]:
    own = state.completion
    return {
        "accepted": own.accepted,
        "verification": {"verifier": own.verifier, "passed": own.verified, "needed": own.needs_verification},
        "callback": {"state": own.callback, "attempts": len(own.attempts)},
        "unanswered_orders": [{"level": level, "unit": unit} for level, unit in state.orders.unanswered],
    }
