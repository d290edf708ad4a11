"""HTTP for the holder of a receipt: no token, but number and secret, never in a URL, and not too often."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse
from pydantic import Field

from libs.case.state import Case
from libs.directory.rules.naming import Bilingual, Naming
from libs.events.decider import Actor
from libs.events.ids import PersonId
from libs.log.store import event_store
from libs.log.write.command import CommandContext
from libs.log.write.idempotency import IdempotencyKey
from libs.service.http.addresses import client_of
from libs.service.http.answers import DocumentAnswer, answer
from libs.service.http.cases import Body, Folded, MinPosition, carry_out
from libs.service.http.dependencies import RuntimeDep, get_key, refuse_nul
from libs.service.http.freshness import as_of, wait_for_position
from libs.service.http.shapes import Done, refusals, told
from libs.service.runtime import Runtime
from services.intake import config
from services.intake.api.answers import ReceiptShown, Withdrawn
from services.intake.api.cases import LISTED
from services.intake.api.corrections import with_consequence
from services.intake.api.rate_limit import attempts
from services.intake.domain import receipts, withdrawal
from services.intake.domain.allowed_actions import allowed

router = APIRouter(tags=["回执 receipts"], responses=refusals(404, 429))
CITIZEN = Actor(person=PersonId("citizen"), role="CITIZEN")


class ReceiptBody(Body):
    """What the citizen was given with his receipt."""

    receipt: Folded = Field(min_length=16, max_length=24, pattern=r"^[0-9 \-]+$", examples=["1234-5678-9012-3438"])
    secret: Folded = Field(min_length=10, max_length=16, pattern=r"^[0-9 \-]+$", examples=["12345-67890"])


class WithdrawReceiptBody(ReceiptBody):
    """And why, if he wants to say."""

    reason: str | None = Field(default=None, max_length=500, examples=["问题已自行解决"])


@dataclass(frozen=True)
class Held:
    """A receipt whose secret fitted."""

    number: str
    case_id: str


async def hold(running: Runtime, request: Request, body: ReceiptBody, position: str | None = None) -> Held:
    """Whose receipt this is; raises `ReceiptMistyped`, `TooMany` or `NoSuchReceipt`."""
    number = receipts.read_number(body.receipt)
    settings = config.of(running)
    counted = attempts(settings.receipt_tries_per_address, settings.receipt_tries_per_receipt)
    await counted.count(client_of(request.scope), number)
    await wait_for_position(running, position)
    async with running.pool.acquire() as conn:
        rows = await conn.fetch("select case_id::text from receipt where number = $1", number)
    return Held(number, receipts.opened([row["case_id"] for row in rows], body.secret, settings.receipt_key))


async def get_key_of(
    request: Request, running: RuntimeDep, key: Annotated[str, Depends(get_key)]
) -> Callable[[Held], IdempotencyKey]:
    """The Idempotency-Key of whoever holds the receipt; raises what `get_key` or `refuse_nul` does."""
    said = await request.body()
    refuse_nul(said)
    digest = hmac.digest(running.idempotency_key, request.url.path.encode() + b"|" + said, "sha256")
    return lambda held: IdempotencyKey(f"citizen:{held.case_id}", key, digest)


KeyOf = Annotated[Callable[[Held], IdempotencyKey], Depends(get_key_of)]


@router.post("/receipts/status", summary="凭回执查询进度 / how the matter stands", responses=told(ReceiptShown))
async def status(
    body: ReceiptBody, request: Request, running: RuntimeDep, min_position: MinPosition = None
) -> JSONResponse:
    held = await hold(running, request, body, min_position)
    async with running.pool.acquire() as conn:
        row = await conn.fetchrow(
            "select * from receipt join case_view using (case_id) where case_id = $1", held.case_id
        )
        state, facts = await running.state_and_facts(conn, held.case_id)
        offered = allowed(state, CITIZEN, facts, await event_store.business_now(conn))
        fresh = await as_of(conn, LISTED, running.settings.stale_after_seconds, row["lane"])
    case = Case.model_validate_json(row["doc"])
    unit = Naming(facts.directory).unit(case.unit) if case.unit else None
    document = shown(held.number, case, row, unit, offered) | fresh.document()
    return DocumentAnswer(document)


def shown(
    number: str, case: Case, row: Mapping[str, Any], unit: Bilingual | None, offered: Sequence[str]
) -> dict[str, Any]:
    """What a receipt shows: how the matter stands, nobody's data."""
    state = receipts.STATES[case.state]
    return {
        "receipt": number,
        "state_zh": state.zh,
        "state_en": state.en,
        "unit_zh": unit.zh if unit else None,
        "unit_en": unit.en if unit else None,
        "received_at": case.received_at,
        "registered_at": row["registered_at"],
        "dispatched_at": row["dispatched_at"],
        "due_at": row["due_at"],
        "closed_at": row["closed_at"],
        "allowed_actions": offered,
    }


@router.post("/receipts/withdraw", summary="凭回执撤诉 / withdraw", responses=told(Withdrawn, may=(409,)))
async def withdraw(body: WithdrawReceiptBody, request: Request, running: RuntimeDep, key_of: KeyOf) -> JSONResponse:
    held = await hold(running, request, body)

    def build(now: datetime) -> withdrawal.WithdrawAppeal:
        return withdrawal.WithdrawAppeal(now, CITIZEN, "SECRET", owner=True, reason=body.reason)

    outcome = await carry_out(running, held.case_id, CommandContext(CITIZEN, key_of(held)), build)
    return answer(await with_consequence(running, outcome))


@router.post("/receipts/restore", summary="凭回执恢复 / take the withdrawal back", responses=told(Done, may=(409,)))
async def restore(body: ReceiptBody, request: Request, running: RuntimeDep, key_of: KeyOf) -> JSONResponse:
    held = await hold(running, request, body)

    def build(now: datetime) -> withdrawal.RestoreAppeal:
        return withdrawal.RestoreAppeal(now, CITIZEN, "SECRET", owner=True)

    return answer(await carry_out(running, held.case_id, CommandContext(CITIZEN, key_of(held)), build))
