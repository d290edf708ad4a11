"""Importing over HTTP: many cases in one request, each received and registered whole or not at all."""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from typing import Annotated, Any

import orjson
from fastapi import APIRouter
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import Field, SkipValidation, ValidationError

from libs.case.facts import Facts
from libs.events.contracts.parts.imported import SourceName
from libs.events.decider import Actor
from libs.events.errors import Forbidden, Malformed, Rejected
from libs.log.write.bulk_create import NewCase, Result, bulk_create
from libs.log.write.command import CommandContext
from libs.log.write.idempotency import IdempotencyKey
from libs.service.http.cases import Body
from libs.service.http.dependencies import CallerDep, Person, RuntimeDep, refuse_nul
from libs.service.http.headers import Instant
from libs.service.http.problems import misshapen, problem_document, status_of
from libs.service.http.shapes import told
from libs.service.runtime import Runtime
from services.intake.api.answers import ImportResult
from services.intake.api.bodies import AppealBody, RegisterBody
from services.intake.api.lives import LifeBody
from services.intake.domain import decider
from services.intake.domain.moving_in import ImportCase, Life

router = APIRouter(tags=["受理 intake"])

MOST = 200
BODY_LIMITS = {"/import": 8 * 1024 * 1024}


class Unwritable(Malformed):
    """An item that no text could be made of: half a sign, a number beyond 64 bits, nesting without end."""

    zh = "此项含有无法保存的字符、数字或层级"
    en = "the item holds a sign, a number or a nesting that cannot be stored"


class Imported(Body):
    """One case; its id is chosen by the importer, so that it can never come in twice."""

    appeal: AppealBody
    registration: RegisterBody | None = None
    source: SourceName = Field(default="import", description="来源系统或映射的名称 / system or mapping it comes from")
    received_at: Instant | None = Field(
        default=None, description="来源受理的时间 / when the source received it; counts where it moves in with its past"
    )
    life: LifeBody | None = Field(
        default=None, description="在来源系统的经过 / what happened to it there: it moves in as what it is"
    )

    def commands(self, now: datetime, by: Actor) -> Sequence[decider.Command]:
        """One that has lived elsewhere, or was due before it came, moves in; any other is received and registered."""
        appeal = self.appeal.command(now, by)
        registered = self.registration.command(now, by) if self.registration else None
        due = self.appeal.upstream_due_at
        if self.life or (due and due <= now):
            life = self.life.life() if self.life else Life()
            return [ImportCase(now, by, self.source, appeal, registered, self.received_at, life)]
        return [appeal, *([registered] if registered else [])]


class ImportBody(Body):
    """Cases to bring in. Each is looked at by itself: one that cannot be read keeps none of the others out."""

    items: list[Annotated[Imported, SkipValidation]] = Field(min_length=1, max_length=MOST)


@router.post("/import", summary="批量导入 / import cases", responses=told(ImportResult, may=(409,)))
async def import_cases(body: ImportBody, running: RuntimeDep, person: CallerDep) -> JSONResponse:
    """The answer has an item for each, in order: what was appended, or a problem document.

    What has a `life`, or was due before it came, moves in as what it is (rulebook.md c.8): one event, nobody is told.

    The case id is the key: sent again with the same content an item is answered as before, whatever stands beside it.
    """
    if not person.actor.scopes & {"import", "clock"}:
        raise Forbidden(zh="令牌没有导入的权限", en="the token may not import")
    cases: dict[str, NewCase[decider.Command]] = {}
    said: list[str | dict[str, Any]] = []
    for raw in body.items:
        try:
            one = _new_case(running, person, raw)
            if one.case_id in cases:
                raise Malformed(zh="同一案件出现两次", en="a case is named twice")
        except (ValidationError, RequestValidationError) as error:
            said.append(problem_document(422, misshapen(error.errors())))
        except Malformed as error:
            said.append(problem_document(422, error.document()))
        else:
            cases[one.case_id] = one
            said.append(one.case_id)
    facts = Facts(None, person.directory, running.directory.directory)
    results = await bulk_create(
        running.handler, list(cases.values()), facts, CommandContext(person.actor, given=person.given)
    )
    items = [one if isinstance(one, dict) else _item(one, results[one]) for one in said]
    return JSONResponse({"items": items, "done": sum(item["status"] < 400 for item in items)})


def _new_case(running: Runtime, person: Person, raw: Any) -> NewCase[decider.Command]:
    """Raises `ValidationError`, `RequestValidationError` or `Malformed`."""
    try:
        # Bytes of the whole item: two imports that differ in one letter are not the same.
        text = orjson.dumps(raw, option=orjson.OPT_SORT_KEYS)
    except TypeError as why:
        raise Unwritable() from why
    refuse_nul(text)
    item = Imported.model_validate(raw)
    if item.appeal.case_id is None:
        raise Malformed(zh="缺少案件编号 case_id", en="case_id is missing")
    if item.appeal.photos:
        raise Malformed(zh="批量导入不能带照片", en="an import carries no photos")

    def commands(now: datetime) -> Sequence[decider.Command]:
        return item.commands(now, person.actor)

    digest = hmac.new(running.idempotency_key, text, sha256).digest()
    key = IdempotencyKey(person.actor.person, f"import.{item.appeal.case_id}", digest)
    return NewCase(item.appeal.case_id, key, commands)


def _item(case_id: str, result: Result) -> dict[str, Any]:
    if isinstance(result, Rejected):
        return problem_document(status_of(result), result.document()) | {"case_id": case_id}
    return {**result.document, "status": result.status}
