"""Endpoints made from a body: what reaches the decision, what waits for a fresh read model, what OpenAPI says."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from fastapi import APIRouter, FastAPI
from pydantic import Field

from libs.events.decider import Actor
from libs.events.errors import Stale
from libs.events.ids import PersonId
from libs.log.write.command import CommandContext
from libs.log.write.idempotency import Outcome
from libs.service.http import commands, problems
from libs.service.http.commands import CommandBody, post_command
from libs.service.http.dependencies import get_call, get_runtime

CASE = "0191f2a0-0000-7000-8000-000000000001"
NOON = datetime(2026, 11, 2, 4, tzinfo=UTC)
LI_FANG = Actor(person=PersonId("li-fang"), role="GRID_WORKER")


@dataclass(frozen=True)
class Paint:
    """Paint the bench."""

    at: datetime
    by: Actor
    colour: str = "green"


class PaintBody(CommandBody):
    """The colour of the bench."""

    colour: str = Field(examples=["red"])

    def command(self, at: datetime, by: Actor) -> Paint:
        return Paint(at, by, self.colour)


@dataclass
class Handler:
    """Stands in for the write side: notes the command."""

    asked: list[object] = field(default_factory=list)

    async def handle(
        self,
        case_id: str,
        build: Callable[[datetime], object],
        facts: Callable[..., Awaitable[object]],
        _: CommandContext,
        **__: Any,
    ) -> Outcome:
        await facts(None, None)
        self.asked.append(build(NOON))
        return Outcome(200, {"case_id": case_id})


@dataclass
class Service:
    """An app with three commands, and what they led to."""

    app: FastAPI
    handler: Handler

    async def post(self, path: str, **sent: Any) -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url="http://service") as client:
            return await client.post(f"/cases/{CASE}/{path}", **sent)


@pytest.fixture
def service() -> Service:
    router, app, handler = APIRouter(), FastAPI(), Handler()
    post_command(router, "/cases/{case_id}/bench/paint", PaintBody, summary="刷漆 / paint")
    post_command(router, "/cases/{case_id}/bench/paint-green", Paint, summary="刷绿 / paint it green")
    post_command(
        router, "/cases/{case_id}/bench/paint-last", PaintBody, summary="终刷 / paint", complete=("/x/intake",)
    )
    app.include_router(router)
    problems.install(app)

    async def nothing(*_: object) -> None: ...

    settings = SimpleNamespace(stale_after_seconds=60.0)
    running = SimpleNamespace(handler=handler, facts=nothing, facts_in=nothing, settings=settings)
    app.dependency_overrides = {get_runtime: lambda: running, get_call: lambda: CommandContext(LI_FANG)}
    return Service(app, handler)


async def test_a_body_becomes_its_command_with_business_time_and_actor(service: Service) -> None:
    answer = await service.post("bench/paint", json={"colour": "red"})
    assert (answer.status_code, answer.json()) == (200, {"case_id": CASE})
    assert service.handler.asked == [Paint(NOON, LI_FANG, "red")]


async def test_a_command_that_needs_no_body_is_made_without_one(service: Service) -> None:
    assert (await service.post("bench/paint-green")).status_code == 200
    assert service.handler.asked == [Paint(NOON, LI_FANG)]


@pytest.mark.parametrize("body", [{}, {"colour": "red", "gloss": True}, {"colour": 7}], ids=str)
async def test_a_body_of_another_shape_leads_to_nothing(service: Service, body: dict[str, Any]) -> None:
    answer = await service.post("bench/paint", json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "E-INPUT")
    assert service.handler.asked == []


async def test_a_final_power_waits_for_a_read_model_that_is_complete_enough(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def stale(_: object, sources: object, limit: float, lane: int) -> None:
        raise Stale(evidence=[f"{sources} {limit}"])

    monkeypatch.setattr(commands, "as_of", stale)
    answer = await service.post("bench/paint-last", json={"colour": "red"})
    assert (answer.status_code, answer.json()["evidence_event_ids"]) == (503, ["('/x/intake',) 60.0"])
    assert service.handler.asked == []
    assert (await service.post("bench/paint", json={"colour": "red"})).status_code == 200


def test_openapi_names_the_body_and_says_what_it_is(service: Service) -> None:
    document = service.app.openapi()
    told = document["paths"]["/cases/{case_id}/bench/paint"]["post"]
    assert told["summary"] == "刷漆 / paint"
    assert told["requestBody"]["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/PaintBody"}
    assert document["components"]["schemas"]["PaintBody"]["description"] == "The colour of the bench."
    assert "requestBody" not in document["paths"]["/cases/{case_id}/bench/paint-green"]["post"]


def test_every_operation_has_an_id_of_its_own(service: Service) -> None:
    ids = {operation["post"]["operationId"] for operation in service.app.openapi()["paths"].values()}
    assert len(ids) == 3
