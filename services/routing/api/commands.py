"""HTTP of routing: request → command → handle; one case with its rule chain, due times and allowed actions."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

import orjson
from fastapi import APIRouter
from fastapi.responses import JSONResponse
from pydantic import Field

from libs.case.lamp import lamp_of
from libs.case.state import Case
from libs.events.event import Sealed
from libs.events.ids import PersonId, UnitId
from libs.service.http.answers import answer
from libs.service.http.cases import Body, CaseRef, MinPosition, carry_out, show_case
from libs.service.http.dependencies import CallerDep, CommandDep, RuntimeDep
from libs.service.runtime import Runtime
from services.routing.api.work_list import LISTED, due_times, reasons
from services.routing.domain import dispatch as dispatching
from services.routing.domain import handling
from services.routing.domain.allowed_actions import allowed

router = APIRouter(tags=["派遣·办理 routing"])

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class DispatchBody(Body):
    """Nothing: the proposed unit. Another unit needs a reason."""

    unit: UnitId | None = Field(default=None, max_length=64, examples=["county-housing"])
    override_reason: str | None = Field(default=None, min_length=1, max_length=500)


class AssignBody(Body):
    """Who is to handle it."""

    handler: PersonId = Field(max_length=64, examples=["zheng-kai"])


class ContactBody(Body):
    """Whether the reporter was reached."""

    reached: bool = Field(examples=[True])
    note: str | None = Field(default=None, min_length=1, max_length=1000)


class ProgressBody(Body):
    """What has been done so far."""

    note: str = Field(min_length=1, max_length=2000, examples=["已到现场, 明日更换井盖"])


class FeedbackBody(Body):
    """The result, the reply to the reporter, and photos of the finished work (SHA-256 of attachments)."""

    result: Literal["SOLVED", "EXPLAINED", "PARTLY"] = Field(examples=["SOLVED"])
    reply: str = Field(min_length=1, max_length=4000, examples=["路面已修复, 井盖已更换"])
    photos: list[Sha256] = Field(default=[], max_length=20)


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


@router.get("/cases/{case_id}", summary="案件的派遣与办理 / the order of one case")
async def read_case(
    case_id: CaseRef,
    running: RuntimeDep,
    person: CallerDep,
    min_position: MinPosition = None,
) -> JSONResponse:
    async with running.pool.acquire() as conn:
        shown = await show_case(running, conn, person, case_id, sources=LISTED, position=min_position)
        row = await conn.fetchrow("select * from work_order where case_id = $1", case_id)
        disputed = await conn.fetchrow("select * from dispute where case_id = $1", case_id)
        state, facts = await running.state_and_facts(conn, case_id)
    question, endorsement = await opened(running, shown.case, in_question(disputed)), row and row["endorsement"]
    draft = await opened(running, shown.case, orjson.loads(endorsement)) if endorsement else None
    order: dict[str, Any] = {
        "allowed_actions": allowed(state, person.actor, facts, person.now),
        "endorsement": draft,
        "co_units_outstanding": list(shown.case.co_units),
        "dispute": question,
    }
    if row:
        order |= reasons(row) | {
            "proposed": row["proposed"],
            "lamp": lamp_of(row, shown.fresh.at),
            "due": due_times(row),
        }
    return shown.answer(order)


async def opened(running: Runtime, case: Case, shown: dict[str, Any]) -> dict[str, Any]:
    """The same with its sealed texts opened, `***` where the key is destroyed."""
    if b'"sealed"' not in orjson.dumps(shown):
        return shown
    keys = (await running.vault.keys_of(case.case_id)).without(case.erased)

    def plain(value: Any) -> Any:
        match value:
            case {"sealed": _, "data": _}:
                return keys.open(Sealed.model_validate(value))
            case dict():
                return {name: plain(part) for name, part in value.items()}
            case list():
                return [plain(part) for part in value]
            case _:
                return value

    return {name: plain(part) for name, part in shown.items()}


UNQUESTIONED: dict[str, Any] = {
    "no_return": False,
    "because": None,
    "returns": [],
    "parties": [],
    "return_until": None,
    "decision_due_at": None,
}


def in_question(row: Any) -> dict[str, Any]:
    """Whose the case is, where that was asked: until when the unit may return it, its returns, its arbitration."""
    if row is None:
        return UNQUESTIONED
    instants = {name: row[name].isoformat() if row[name] else None for name in ("return_until", "decision_due_at")}
    return {
        "no_return": row["no_return"],
        "because": row["because"],
        "returns": orjson.loads(row["returns"]),
        "parties": orjson.loads(row["parties"]),
        **instants,
    }
