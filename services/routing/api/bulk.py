"""Many orders at once: every item is a command of its own, with its own answer; never all or nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from hashlib import sha256
from typing import Annotated, Any

from fastapi import APIRouter
from fastapi.responses import JSONResponse
from pydantic import Field, field_validator

from libs.events.errors import Rejected, Unavailable
from libs.events.ids import PersonId
from libs.log.transient import AWAY
from libs.log.write.command import CommandContext
from libs.log.write.idempotency import Outcome, at_most_once
from libs.service.http.cases import CASE_ID, Body, carry_out
from libs.service.http.dependencies import CommandDep, RuntimeDep
from libs.service.http.problems import problem_document, status_of
from libs.service.http.shapes import told
from libs.service.runtime import Runtime
from services.routing.api.answers import BulkResult
from services.routing.domain import handling
from services.routing.domain.decider import Command

router = APIRouter(tags=["派遣·办理 routing"])

MOST = 200
CaseInBody = Annotated[str, Field(pattern=CASE_ID, examples=["0191f2a0-0000-7000-8000-000000000001"])]
Build = Callable[[datetime], Command]


def without_repeats(cases: Sequence[str]) -> None:
    """Raises `ValueError` where a case is named twice: one key cannot stand for two commands."""
    if len(set(cases)) != len(cases):
        raise ValueError("a case is named twice")


class BulkAcceptBody(Body):
    """The cases to sign for."""

    items: list[CaseInBody] = Field(min_length=1, max_length=MOST)

    @field_validator("items")
    @classmethod
    def _each_once(cls, items: list[str]) -> list[str]:
        without_repeats(items)
        return items


class Assignment(Body):
    """One case and who is to handle it."""

    case_id: CaseInBody
    handler: PersonId = Field(max_length=64, examples=["zheng-kai"])
    version: int | None = Field(default=None, ge=0, description="清单所示版本 / as `GET /work` says it, like If-Match")


class BulkAssignBody(Body):
    """Who is to handle which case."""

    items: list[Assignment] = Field(min_length=1, max_length=MOST)

    @field_validator("items")
    @classmethod
    def _each_once(cls, items: list[Assignment]) -> list[Assignment]:
        without_repeats([item.case_id for item in items])
        return items


@router.post("/bulk/accept", summary="批量签收 / sign for many orders", responses=told(BulkResult))
async def bulk_accept(body: BulkAcceptBody, running: RuntimeDep, call: CommandDep) -> JSONResponse:
    """The answer says of each item what happened; repeated with the same key it goes on where it was cut off."""

    def build(now: datetime) -> handling.AcceptAssignment:
        return handling.AcceptAssignment(now, call.actor)

    return await carry_out_each(running, call, dict.fromkeys(body.items, build))


@router.post("/bulk/assign", summary="批量指定经办人 / assign the handlers of many orders", responses=told(BulkResult))
async def bulk_assign(body: BulkAssignBody, running: RuntimeDep, call: CommandDep) -> JSONResponse:
    """The answer says of each item what happened; repeated with the same key it goes on where it was cut off."""

    def naming(handler: PersonId) -> Build:
        return lambda now: handling.AssignHandler(now, call.actor, handler)

    seen = {item.case_id: item.version for item in body.items if item.version is not None}
    return await carry_out_each(running, call, {item.case_id: naming(item.handler) for item in body.items}, seen)


async def carry_out_each(
    running: Runtime, call: CommandContext, commands: Mapping[str, Build], seen: Mapping[str, int] | None = None
) -> JSONResponse:
    """One command after the other. The request's key belongs to this body, so each item's derived key does too."""

    async def begun() -> Outcome:
        return Outcome(200, {"items": len(commands)})

    async with running.pool.acquire() as conn:
        await at_most_once(conn, call.key, begun)
    items = [item async for item in results(running, call, commands, seen or {})]
    done = sum(item["status"] < 400 for item in items)
    return JSONResponse({"items": items, "done": done, "refused": len(items) - done})


async def results(
    running: Runtime, call: CommandContext, commands: Mapping[str, Build], seen: Mapping[str, int]
) -> AsyncIterator[dict[str, Any]]:
    """What became of each item. Once the store is away the rest is not tried: the caller repeats the request."""
    away = False
    for case_id, build in commands.items():
        try:
            if away:
                raise Unavailable()
            outcome = await carry_out(running, case_id, call_for(call, case_id, seen.get(case_id)), build)
        except Rejected as refused:
            outcome = Outcome(status_of(refused), refused.document())
        except AWAY:
            away, outcome = True, Outcome(503, Unavailable().document())
        yield item_document(case_id, outcome)


def call_for(call: CommandContext, case_id: str, seen: int | None = None) -> CommandContext:
    """The item's own call: its key follows from the request's key and the case, so a repetition finds its answer.

    `seen`: the version of the case that the caller would change.
    """
    if call.key is None:
        return call
    key = sha256(f"{call.key.key} {case_id}".encode()).hexdigest()
    return replace(call, key=replace(call.key, key=f"bulk.{key}"), if_match=None if seen is None else f'"{seen}"')


def item_document(case_id: str, outcome: Outcome) -> dict[str, Any]:
    """Position and events of what was done, or the problem document of what was refused."""
    refused = outcome.status >= 400
    said = problem_document(outcome.status, outcome.document) if refused else outcome.document
    return {**said, "case_id": case_id, "status": outcome.status}
