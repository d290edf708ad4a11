"""HTTP of the directory: drafts and their publication, the deployer's act; read what is in force at a version."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from fastapi.responses import JSONResponse
from pydantic import Field

from libs.directory.facts.directory import NotThereYet
from libs.directory.facts.view import Ending, View, has_ended
from libs.directory.publish.drafts import Drafted, DraftState, NoDraft, differences, may_publish
from libs.directory.rules import no_effect
from libs.directory.rules.contacts import READERS, sees_contacts, shown
from libs.events.contracts.directory import PersonPublished, UnitPublished
from libs.events.errors import Refused, Stale
from libs.events.ids import DraftId
from libs.log.write.command import CommandContext
from libs.log.write.idempotency import Outcome, at_most_once
from libs.service.http.answers import DocumentAnswer, answer
from libs.service.http.cases import CASE_ID, Body
from libs.service.http.dependencies import CallerDep, CommandDep, Person, RuntimeDep
from libs.service.http.freshness import wait_for_position
from libs.service.http.shapes import told
from libs.service.runtime import Runtime
from services.routing.directory import log
from services.routing.directory.answers import (
    Applied,
    Classes,
    DraftDone,
    DraftGone,
    Drafts,
    DraftShown,
    Grids,
    People,
    RulebookInForce,
    Units,
)
from services.routing.directory.log import Desk

router = APIRouter(prefix="/directory", tags=["目录 directory"])

BODY_LIMITS = dict.fromkeys(("/directory/drafts", "/directory/bootstrap"), 4_194_304)
"""The boundaries of a district's grids, the classes of a city."""
EXAMPLE = {"people": [{"id": "li-fang", "name_zh": "李芳", "name_en": "Li Fang"}]}
Basis = Annotated[
    str, Field(min_length=1, max_length=200, description="依据, 不写个人信息 / what it follows; nothing personal")
]
DraftRef = Annotated[str, Path(pattern=CASE_ID, description="草案编号 / draft id")]
Version = Annotated[int | None, Query(ge=0, description="目录版本 / lane-64 sequence number; default: the newest")]
Position = Annotated[str | None, Query(max_length=64)]


class Documents(Body):
    """What is to be so, as the YAML documents say it; whatever is not mentioned stays as it is."""

    basis: Basis
    documents: dict[str, Any] = Field(examples=[EXAMPLE])


@router.post(
    "/drafts",
    status_code=201,
    summary="起草目录变更, 尚不生效 / draft a change; nothing holds yet",
    responses=told(DraftDone, 201),
)
async def make_draft(said: Documents, running: RuntimeDep, call: CommandDep) -> JSONResponse:
    async def drafted(desk: Desk) -> dict[str, Any]:
        plan, draft, version = await log.make_draft(desk, said.documents, said.basis)
        return {"draft": draft, **plan.document(), **at_version(version)}

    return await carried_out(running, call, drafted, 201)


@router.post(
    "/drafts/{draft}/publish",
    summary="发布他人起草的草案 / publish what somebody else drafted",
    responses=told(DraftDone, may=(409,)),
)
async def publish_draft(draft: DraftRef, running: RuntimeDep, call: CommandDep) -> JSONResponse:
    async def published(desk: Desk) -> dict[str, Any]:
        plan, version = await log.publish_draft(desk, DraftId(draft))
        return {"draft": draft, **plan.document(), **at_version(version)}

    return await carried_out(running, call, published)


@router.post("/drafts/{draft}/withdraw", summary="撤回草案 / take a draft back", responses=told(DraftGone, may=(409,)))
async def withdraw_draft(draft: DraftRef, running: RuntimeDep, call: CommandDep) -> JSONResponse:
    async def withdrawn(desk: Desk) -> dict[str, Any]:
        return {"draft": draft, **at_version(await log.withdraw_draft(desk, DraftId(draft)))}

    return await carried_out(running, call, withdrawn)


@router.post(
    "/bootstrap",
    summary="初始部署: 空目录, 或管理员不足两人 / found an empty town, or restore its administrators",
    responses=told(Applied, may=(409,)),
)
async def bootstrap(said: Documents, running: RuntimeDep, call: CommandDep) -> JSONResponse:
    async def bootstrapped(desk: Desk) -> dict[str, Any]:
        plan, version = await log.bootstrap(desk, said.documents, said.basis)
        return {**plan.document(), **at_version(version)}

    return await carried_out(running, call, bootstrapped)


@router.get("/drafts", summary="草案, 新者在前 / drafts, newest first", responses=told(Drafts))
async def drafts(running: RuntimeDep, person: CallerDep, state: DraftState | None = None) -> JSONResponse:
    person.actor.must_be(*READERS)
    async with running.pool.acquire() as conn:
        known = [*(await log.drafts(conn)).values()]
    items = [summary_of(one) for one in reversed(known) if state in (None, one.state)]
    return DocumentAnswer({"count": len(items), "items": items})


@router.get("/drafts/{draft}", summary="草案与现行目录的差异 / what a draft would change", responses=told(DraftShown))
async def draft(draft: DraftRef, running: RuntimeDep, person: CallerDep) -> JSONResponse:
    person.actor.must_be(*READERS)
    view = await view_at(running, None, None)
    async with running.pool.acquire() as conn:
        known = (await log.drafts(conn)).get(DraftId(draft))
    if known is None:
        raise NoDraft()
    admins = view.holders("ADMIN", None, person.now) if known.state == "OPEN" else ()
    publishers = [one for one in admins if may_publish(view, known, one)]
    # Of a draft that is in force nothing differs any more.
    return DocumentAnswer({**summary_of(known), "publishers": publishers, "changes": differences(view, known)})


async def carried_out(
    running: Runtime, call: CommandContext, act: Callable[[Desk], Awaitable[dict[str, Any]]], status: int = 200
) -> JSONResponse:
    """One act on the directory, at most once per key; what was refused for the record is recorded."""
    async with running.pool.acquire() as conn:

        async def work() -> Outcome:
            desk = await log.open_desk(conn, call.actor, call.given)
            try:
                return Outcome(status, await act(desk))
            except Refused as refused:
                await desk.append(refused.events, refused.evidence)
                return Outcome(409, refused.document())

        outcome = await at_most_once(conn, call.key, work)
        return answer(outcome, status if outcome.status < 400 else outcome.status)


def at_version(version: int) -> dict[str, Any]:
    """The directory after an act, and the position that shows it."""
    return {"version": version, "position": f"directory.64.{version}"}


def summary_of(draft: Drafted) -> dict[str, Any]:
    """A draft in a list."""
    made = {"id": draft.id, "state": draft.state, "basis": draft.basis, "facts": len(draft.stated)}
    acts = {"drafted_by": draft.drafted_by, "drafted_at": draft.made_at}
    return made | acts | {"ended_by": draft.ended_by, "ended_at": draft.ended_at}


@router.get("/units", summary="单位 / units", responses=told(Units))
async def units(
    running: RuntimeDep, person: CallerDep, version: Version = None, min_position: Position = None
) -> JSONResponse:
    view = await view_at(running, version, min_position)
    items = [as_seen_by(person, view, one) for one in view.units]
    return answer_of(view, items, {"ended": ended(view.units, person.now)})


@router.get("/people", summary="人员及其当前任职 / people and the appointments they hold now", responses=told(People))
async def people(
    running: RuntimeDep, person: CallerDep, version: Version = None, min_position: Position = None
) -> JSONResponse:
    view = await view_at(running, version, min_position)
    return answer_of(view, [with_posts(view, person, one) for one in view.people])


@router.get("/grids", summary="网格 / grids", responses=told(Grids))
async def grids(
    running: RuntimeDep, person: CallerDep, version: Version = None, min_position: Position = None
) -> JSONResponse:
    view = await view_at(running, version, min_position)
    return listed(view, view.grids, person.now)


@router.get("/classes", summary="事项清单 / classes of matter", responses=told(Classes))
async def classes(
    running: RuntimeDep, person: CallerDep, version: Version = None, min_position: Position = None
) -> JSONResponse:
    view = await view_at(running, version, min_position)
    return listed(view, view.classes, person.now)


@router.get("/rulebook", summary="规则库 / the rulebook in force", responses=told(RulebookInForce))
async def rulebook(
    running: RuntimeDep, _: CallerDep, version: Version = None, min_position: Position = None
) -> JSONResponse:
    view = await view_at(running, version, min_position)
    vain = [
        {"setting": path, "waits_for_zh": why.zh, "waits_for_en": why.en} for path, why in no_effect.RULEBOOK.items()
    ]
    document = {"version": view.version, "rulebook": view.rulebook.model_dump(mode="json"), "no_effect_yet": vain}
    return JSONResponse(document)


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


def with_posts(view: View, person: Person, one: PersonPublished) -> dict[str, Any]:
    """A person with the appointments that are active at the caller's business time."""
    posts = [post.model_dump(mode="json") for post in view.appointments_of(one.id, person.now)]
    return {**as_seen_by(person, view, one), "appointments": posts}


def as_seen_by(person: Person, view: View, one: UnitPublished | PersonPublished) -> dict[str, Any]:
    """A unit or a person, with contact points (rulebook.md b) for whom they concern and null for everybody else."""
    seen = sees_contacts(person.actor, one, view)
    points = [shown(point).model_dump(mode="json") for point in one.contacts] if seen else None
    return {**one.model_dump(mode="json", exclude={"contacts"}), "contacts": points}


def listed(view: View, facts: tuple[Ending, ...], at: datetime) -> JSONResponse:
    """Facts as they were published, and which of them have ended."""
    return answer_of(view, [fact.model_dump(mode="json") for fact in facts], {"ended": ended(facts, at)})


def ended(facts: tuple[Ending, ...], at: datetime) -> list[str]:
    """Ids and codes of those that are no more."""
    return [str(one.id if isinstance(one, UnitPublished) else one.code) for one in facts if has_ended(one, at)]


def answer_of(
    view: View, items: list[dict[str, Any]], more: Mapping[str, list[str]] = MappingProxyType({})
) -> JSONResponse:
    """A directory is small: one page, with the version that it shows."""
    return JSONResponse({"version": view.version, "count": len(items), "items": items, **more})
