"""The HTTP side of a service process: the app and its limits."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends, FastAPI, Query, Request
from fastapi.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from libs.log.watermarks.watermark import SOURCES
from libs.service.callers import TokenInvalid
from libs.service.http import api_page, problems, shapes, waiting
from libs.service.http.dependencies import CallerDep, RuntimeDep
from libs.service.http.filters import refuse_unknown
from libs.service.http.freshness import as_of, wait_for_position
from libs.service.http.openapi import DescribedAPI, describe, operation_id
from libs.service.http.request_metrics import InFlight, RequestMetrics
from libs.service.observe import measuring
from libs.service.observe.log import log_crash, set_up
from libs.service.observe.tracing import traced
from libs.service.runtime import Parts, runtime

SLOWEST = 65_536
"""Bytes in a second: who sends a body more slowly holds a place for too long."""


@dataclass
class BodyLimit:
    """Refuses a request body above the limit before it is read whole, and one that does not come (plain ASGI)."""

    app: ASGIApp
    limit: int
    larger: Mapping[str, int] = field(default_factory=dict)
    """End of a path → its own limit."""
    seconds: float = 10.0
    """For a body of nothing; a larger one has as long as its bytes take."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        own = (limit for end, limit in self.larger.items() if scope["path"].endswith(end))
        limit = next(own, self.limit)
        if int(dict(scope["headers"]).get(b"content-length", b"0") or b"0") > limit:
            await problems.problem(413, {"code": "E-TOO-LARGE"})(scope, receive, send)
            return
        until: float | None = asyncio.get_running_loop().time() + self.seconds + limit / SLOWEST
        seen, refusal = 0, None

        async def counted() -> Message:
            nonlocal seen, until, refusal
            try:
                async with asyncio.timeout_at(until):
                    message = await receive()
            except TimeoutError:
                refusal = problems.problem(408, {"code": "E-SLOW"}, {"Connection": "close"})
                return {"type": "http.disconnect"}
            seen += len(message.get("body", b""))
            if not message.get("more_body", False):
                until = None  # It is whole; what is waited for now is the end of the connection.
            if seen > limit:
                refusal = problems.problem(413, {"code": "E-TOO-LARGE"})
            return {"type": "http.disconnect"} if refusal else message

        async def answered(message: Message) -> None:
            if refusal is None:
                await send(message)

        await self.app(scope, counted, answered)
        if refusal:
            await refusal(scope, receive, send)


@dataclass
class WakesWorkers:
    """After a command has been answered the workers, which may be at rest, hear of it (plain ASGI)."""

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)
        if scope["type"] == "http" and scope["method"] == "POST":
            await scope["app"].state.runtime.wakeup.notify()


def api_app(parts: Parts) -> FastAPI:
    """The API process of a service. Needs its database, never Kafka."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        settings = parts.settings()
        set_up(settings.service, "api")
        wait = settings.pool_wait_seconds
        with log_crash("api_died"), traced(settings, "api"):
            async with runtime(settings, parts, lock_ms=1000, statement_ms=2000, wait_seconds=wait) as running:
                app.state.runtime = running
                yield

    app = DescribedAPI(
        title=f"Xunban 巡办 · {parts.title_zh} {parts.service}",
        version="1",
        lifespan=lifespan,
        dependencies=[Depends(refuse_unknown)],
        # It would send whoever asks with a slash too many to the host that he names.
        redirect_slashes=False,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        generate_unique_id_function=operation_id,
        # Else FastAPI tells of an answer of its own.
        responses=shapes.refusals(422),
    )
    app.add_middleware(InFlight)
    app.add_middleware(BodyLimit, limit=262_144, larger=parts.body_limits)
    app.add_middleware(RequestMetrics)
    app.add_middleware(WakesWorkers)
    problems.install(app)

    @app.exception_handler(TokenInvalid)
    async def no_token(_: Request, __: TokenInvalid) -> JSONResponse:
        return problems.problem(401, {"code": "E-TOKEN"}, {"WWW-Authenticate": "Bearer"})

    @app.get("/healthz", tags=["process"], summary="进程存活 / the process lives")
    async def healthz() -> shapes.Alive:
        return {"status": "ok"}

    @app.get("/readyz", tags=["process"], summary="可以接单 / the database answers")
    async def readyz(running: RuntimeDep) -> shapes.Ready:
        await running.pool.fetchval("select 1")
        return {"status": "ready", "service": parts.service}

    @app.get("/metrics", include_in_schema=False)
    async def metrics(running: RuntimeDep) -> Response:
        return await measuring.of_api(running)

    @app.get(
        "/freshness",
        tags=["process"],
        summary="读模型的新鲜度 / how complete the read model is",
        response_model=None,
        responses=shapes.told(shapes.Freshness),
    )
    async def freshness(
        running: RuntimeDep, _: CallerDep, min_position: Annotated[str | None, Query(max_length=64)] = None
    ) -> dict[str, object]:
        await wait_for_position(running, min_position)
        async with running.pool.acquire() as conn:
            return (await as_of(conn, SOURCES, float("inf"))).document()

    api_page.install(app)
    routers = [*parts.routers, *([waiting.router] if parts.react else [])]
    describe((app.router, *routers))
    for router in routers:
        app.include_router(router)
    return app
