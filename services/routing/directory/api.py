"""HTTP of the directory: publish documents, read what is in force at a version."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body, Query
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from libs.directory.facts.directory import NotThereYet
from libs.directory.facts.view import View
from libs.directory.rules import no_effect
from libs.events.errors import Forbidden, Stale
from libs.log.write.command import CommandContext
from libs.log.write.idempotency import Outcome, at_most_once
from libs.service.http.answers import answer
from libs.service.http.dependencies import CallerDep, CommandDep, Person, RuntimeDep
from libs.service.http.freshness import wait_for_position
from libs.service.runtime import Runtime
from services.routing.directory import log

router = APIRouter(prefix="/directory", tags=["目录 directory"])

EXAMPLE = {"people": [{"id": "li-fang", "name_zh": "李芳", "name_en": "Li Fang"}]}
Documents = Annotated[dict[str, Any], Body(examples=[EXAMPLE])]
Version = Annotated[int | None, Query(ge=0, description="目录版本 / lane-64 sequence number; default: the newest")]
Position = Annotated[str | None, Query(max_length=64)]


@router.post("/documents", summary="发布目录文件, 只追加有变化的部分 / publish documents; appends only what changed")
async def publish(raw: Documents, running: RuntimeDep, call: CommandDep) -> JSONResponse:
    require_publisher(call)
    async with running.pool.acquire() as conn:

        async def work() -> Outcome:
            plan, version = await log.publish(conn, raw, call.actor, call.given)
            return Outcome(200, {**plan.document(), "version": version, "position": f"directory.64.{version}"})

        return answer(await at_most_once(conn, call.key, work))


@router.get("/units", summary="单位 / units")
async def units(
    running: RuntimeDep, _: CallerDep, version: Version = None, min_position: Position = None
) -> JSONResponse:
    view = await view_at(running, version, min_position)
    return listed(view, view.units)


@router.get("/people", summary="人员及其当前任职 / people and the appointments they hold now")
async def people(
    running: RuntimeDep, person: CallerDep, version: Version = None, min_position: Position = None
) -> JSONResponse:
    view = await view_at(running, version, min_position)
    return answer_of(view, [with_posts(view, person, one) for one in view.people])


@router.get("/grids", summary="网格 / grids")
async def grids(
    running: RuntimeDep, _: CallerDep, version: Version = None, min_position: Position = None
) -> JSONResponse:
    view = await view_at(running, version, min_position)
    return listed(view, view.grids)


@router.get("/classes", summary="事项清单 / classes of matter")
async def classes(
    running: RuntimeDep, _: CallerDep, version: Version = None, min_position: Position = None
) -> JSONResponse:
    view = await view_at(running, version, min_position)
    return listed(view, view.classes)


@router.get("/rulebook", summary="规则库 / the rulebook in force")
async def rulebook(
    running: RuntimeDep, _: CallerDep, version: Version = None, min_position: Position = None
) -> JSONResponse:
    view = await view_at(running, version, min_position)
    vain = [
        {"setting": path, "waits_for_zh": why.zh, "waits_for_en": why.en} for path, why in no_effect.RULEBOOK.items()
    ]
    document = {"version": view.version, "rulebook": view.rulebook.model_dump(mode="json"), "no_effect_yet": vain}
    return JSONResponse(document)


def require_publisher(call: CommandContext) -> None:
    """An administrator, or a machine with the scope `directory`."""
    if call.actor.role != "ADMIN" and "directory" not in call.actor.scopes:
        raise Forbidden(allowed=["ADMIN", "scope directory"])


async def view_at(running: Runtime, version: int | None, min_position: str | None) -> View:
    """The directory at a version; raises `Stale` for one that this service has not read yet."""
    await wait_for_position(running, min_position)
    async with running.pool.acquire() as conn:
        if version is None:
            return await running.directory.latest(conn)
        try:
            return await running.directory.at(conn, version)
        except NotThereYet as error:
            raise Stale() from error


def with_posts(view: View, person: Person, one: Any) -> dict[str, Any]:
    """A person with the appointments that are active at the caller's business time."""
    posts = [post.model_dump(mode="json") for post in view.appointments_of(one.id, person.now)]
    return {**one.model_dump(mode="json"), "appointments": posts}


def listed(view: View, facts: tuple[BaseModel, ...]) -> JSONResponse:
    """Facts as they were published."""
    return answer_of(view, [fact.model_dump(mode="json") for fact in facts])


def answer_of(view: View, items: list[dict[str, Any]]) -> JSONResponse:
    """A directory is small: one page, with the version that it shows."""
    return JSONResponse({"version": view.version, "count": len(items), "items": items})
