"""HTTP of the operator's desk after a case was received: correct, answer, withdraw and restore."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from fastapi import APIRouter
from fastapi.responses import JSONResponse
from pydantic import Field

from libs.events import telephones
from libs.events.contracts.intake import AppealWithdrawn
from libs.events.event import Sealed
from libs.log.store import event_store
from libs.log.write.idempotency import Outcome
from libs.service.http.answers import answer
from libs.service.http.cases import Body, CaseRef, carry_out
from libs.service.http.commands import post_command
from libs.service.http.dependencies import CommandDep, RuntimeDep
from libs.service.http.shapes import Done, told
from libs.service.runtime import Runtime
from services.intake.api.answers import Withdrawn
from services.intake.api.bodies import AnswerBody, CorrectBody, TelephoneText
from services.intake.domain import withdrawal
from services.intake.domain.decider import DECIDER
from services.intake.domain.identity import TelephoneUnreadable, reporter_of

router = APIRouter(tags=["受理 intake"])


class WithdrawBody(Body):
    """The number that the operator sees the caller phone from, compared with the appellant's and stored nowhere."""

    phone: TelephoneText
    reason: str | None = Field(default=None, max_length=500, examples=["家中已恢复供水"])


class RestoreBody(Body):
    """As for a withdrawal."""

    phone: TelephoneText


post_command(router, "/cases/{case_id}/correct", CorrectBody, summary="更正 / correct")
post_command(router, "/cases/{case_id}/answer", AnswerBody, summary="直接答复办结 / answer directly")


@router.post(
    "/cases/{case_id}/withdraw",
    summary="撤诉 / withdraw for the citizen who calls",
    responses=told(Withdrawn, may=(409,)),
)
async def withdraw(case_id: CaseRef, body: WithdrawBody, running: RuntimeDep, call: CommandDep) -> JSONResponse:
    owner = await calls_from_the_same_telephone(running, case_id, body.phone)

    def build(now: datetime) -> withdrawal.WithdrawAppeal:
        return withdrawal.WithdrawAppeal(now, call.actor, "PHONE", owner, body.reason)

    return answer(await with_consequence(running, await carry_out(running, case_id, call, build)))


@router.post("/cases/{case_id}/restore", summary="撤诉恢复 / take a withdrawal back", responses=told(Done, may=(409,)))
async def restore(case_id: CaseRef, body: RestoreBody, running: RuntimeDep, call: CommandDep) -> JSONResponse:
    owner = await calls_from_the_same_telephone(running, case_id, body.phone)
    return answer(
        await carry_out(running, case_id, call, lambda now: withdrawal.RestoreAppeal(now, call.actor, "PHONE", owner))
    )


async def with_consequence(running: Runtime, outcome: Outcome) -> Outcome:
    """A withdrawal's answer, and whether the matter goes on in the public interest; the same when it is repeated."""
    if outcome.status >= 400:
        return outcome
    async with running.pool.acquire() as conn:
        own = await event_store.load(conn, f"case-{outcome.document['case_id']}")
    withdrawals = [event for event in own if isinstance(event.data, AppealWithdrawn)]
    decided = [event for event in withdrawals if event.id in outcome.document["events"]] or withdrawals
    told = decided[-1].data.model_dump(mode="json", include={"continues", "restorable_until"})
    return replace(outcome, document=outcome.document | told)


async def calls_from_the_same_telephone(running: Runtime, case_id: str, phone: str) -> bool:
    """Whether this is one of the reporter's numbers; never where none was given or it is erased.

    Raises `TelephoneUnreadable`: it is no fault of the caller's that somebody once wrote down what is no number.
    """
    async with running.pool.acquire() as conn:
        own = [event.data for event in await event_store.load(conn, f"case-{case_id}")]
    given = reporter_of(own).get("reporter_phone")
    if given is None:
        return False
    keys = (await running.vault.keys_of(case_id)).without(DECIDER.fold(own).erased)
    if isinstance(given, Sealed) and "reporter" not in keys.keys:
        return False
    known = keys.open(given)
    if not telephones.find(known):
        raise TelephoneUnreadable(allowed=["correct"])
    return telephones.same_caller(known, phone)
