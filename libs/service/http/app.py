"""The HTTP side of a service process: the app, its limits, and what every request brings along."""

from __future__ import annotations

import hmac
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Annotated, Any

import orjson
from fastapi import Depends, FastAPI, Query, Request
from fastapi.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from libs.directory.facts.view import View
from libs.events.decider import Actor
from libs.events.errors import Forbidden, Malformed
from libs.events.ids import PersonId
from libs.log.watermarks.watermark import SOURCES
from libs.log.write.command import Call
from libs.log.write.idempotency import Once, Outcome
from libs.log.write.prefetch import Look
from libs.service.http import headers, problems
from libs.service.http.callers import TokenInvalid, actor
from libs.service.http.freshness import as_of, wait_for_position
from libs.service.http.request_metrics import InFlight, Watched
from libs.service.observe import measuring
from libs.service.observe.log import set_up, told
from libs.service.observe.tracing import traced
from libs.service.runtime import Parts, Runtime, runtime
from libs.service.settings import Settings
from libs.tuned.openapi_headers import tell


class NoIdempotencyKey(Malformed):
    """Every POST carries an Idempotency-Key."""

    code = "E-IDEM-MISSING"
    zh = "请求头缺少 Idempotency-Key"
    en = "the header Idempotency-Key is missing"


class NulInText(Malformed):
    """A text holds U+0000, which no database of ours can store."""

    zh = "文本中含有空字符"
    en = "a text holds the character U+0000"


class ClockNotYours(Forbidden):
    """Xunban-Now was given without the scope `clock`."""

    code = "E-SCOPE"
    zh = "没有设定业务时间的权限"
    en = "the token lacks the scope `clock`"


class ClockNotSettable(Malformed):
    """Xunban-Now was given to a log that runs in real time, or lies before the log's clock."""

    code = "E-CLOCK"
    zh = "Xunban-Now 只能用于手动时钟, 且不得早于当前业务时间"
    en = "Xunban-Now needs a manual log and must not lie before its clock"


@dataclass(frozen=True)
class Person:
    """Who calls, in which appointment, at which business time, seen by which directory."""

    actor: Actor
    directory: View
    now: datetime
    given: datetime | None
    look: Look | None = field(default=None, compare=False)
    """What was seen in the same round trip: for a command all that its decision needs."""


async def get_runtime(request: Request) -> Runtime:
    """The process's runtime."""
    running: Runtime = request.app.state.runtime
    return running


Running = Annotated[Runtime, Depends(get_runtime)]


async def get_person(request: Request, running: Running) -> Person:
    """The caller; raises `TokenInvalid`, `NoAppointment`, `AppointmentUnclear` or a refusal of `Xunban-Now`."""
    xunban_now = headers.instant(request, "xunban-now")
    caller = running.tokens.caller(request.headers.get("authorization"))
    async with running.pool.acquire() as conn:
        directory, seen = await running.look(conn, PersonId(caller.subject), *_asked(request))
    now = seen.now
    if xunban_now is not None:
        if not running.manual or xunban_now < now:
            raise ClockNotSettable()
        if "clock" not in caller.scopes:
            raise ClockNotYours()
        now = xunban_now
    acting = actor(directory, caller, request.headers.get("xunban-appointment"), now)
    return Person(acting, directory, now, xunban_now, seen)


def _asked(request: Request) -> tuple[str | None, str | None]:
    """Case and Idempotency-Key that a command names; neither where it is none."""
    key = request.headers.get("idempotency-key") if request.method == "POST" else None
    case_id = str(request.path_params.get("case_id", ""))
    return (case_id if key and problems.CASE_ID.fullmatch(case_id) else None), key


Calling = Annotated[Person, Depends(get_person)]


async def get_call(request: Request, running: Running, person: Calling) -> Call:
    """What stands around a command; raises `NoIdempotencyKey` or `NulInText`."""
    key = headers.key(request)
    if not key:
        raise NoIdempotencyKey()
    # Once in the log it would halt every read model that writes it to a column. A picture may hold these six letters.
    sends_files = request.headers.get("content-type", "").startswith("multipart/form-data")
    if not sends_files and b"\\u0000" in await request.body():
        raise NulInText()
    what = f"{request.method}|{request.scope['path']}|{person.given}|{person.actor.appointment}|"
    said = what.encode() + await request.body()
    digest = hmac.new(running.idempotency_key, said, sha256).digest()
    once = Once(person.actor.person, key, digest)
    if_match, traceparent = request.headers.get("if-match"), request.headers.get("traceparent")
    return Call(person.actor, once, person.given, if_match, traceparent, person.look)


Commanding = Annotated[Call, Depends(get_call)]


class DocumentAnswer(JSONResponse):
    """A document whose instants are instants: written as JSON once, by orjson."""

    def render(self, content: Any) -> bytes:
        """The bytes of the answer."""
        return orjson.dumps(content)


def answer(outcome: Outcome, status: int = 200) -> JSONResponse:
    """The HTTP answer of a command: a problem document where the rules refused it for the record."""
    if outcome.status >= 400:
        return problems.problem(outcome.status, outcome.document)
    return DocumentAnswer(outcome.document, status_code=status)


@dataclass
class BodyLimit:
    """Refuses a request body above the limit before it is read whole (pure ASGI)."""

    app: ASGIApp
    limit: int
    larger: Mapping[str, int] = field(default_factory=dict)
    """Path → its own limit."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        limit = self.larger.get(scope["path"], self.limit)
        if int(dict(scope["headers"]).get(b"content-length", b"0") or b"0") > limit:
            await problems.problem(413, {"code": "E-TOO-LARGE"})(scope, receive, send)
            return
        seen = 0

        async def counted() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            return message if seen <= limit else {"type": "http.disconnect"}

        async def answered(message: Message) -> None:
            if seen <= limit:
                await send(message)

        await self.app(scope, counted, answered)
        if seen > limit:
            await problems.problem(413, {"code": "E-TOO-LARGE"})(scope, receive, send)


@dataclass
class Ringing:
    """After a command has been answered the workers, which may be at rest, hear of it (pure ASGI)."""

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)
        if scope["type"] == "http" and scope["method"] == "POST":
            await scope["app"].state.runtime.bell.ring()


def api_app(parts: Parts) -> FastAPI:
    """The API process of a service. Needs its database, never Kafka."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        settings = Settings()
        set_up(settings.service, "api")
        wait = settings.pool_wait_seconds
        with told("api_died"), traced(settings, "api"):
            async with runtime(settings, parts, lock_ms=1000, statement_ms=2000, wait_seconds=wait) as running:
                app.state.runtime = running
                yield

    app = FastAPI(
        title=f"Xunban 巡办 · {parts.title_zh} {parts.service}",
        version="1",
        lifespan=lifespan,
        responses={
            status: {"description": " / ".join(problems.TITLES[status])} for status in (401, 403, 404, 409, 422, 503)
        },
    )
    app.add_middleware(BodyLimit, limit=262_144, larger=parts.body_limits)
    app.add_middleware(InFlight)
    app.add_middleware(Watched)
    app.add_middleware(Ringing)
    problems.install(app)

    @app.exception_handler(TokenInvalid)
    async def no_token(_: Request, __: TokenInvalid) -> JSONResponse:
        return problems.problem(401, {"code": "E-TOKEN"}, {"WWW-Authenticate": "Bearer"})

    @app.get("/healthz", tags=["process"], summary="进程存活 / the process lives")
    async def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/readyz", tags=["process"], summary="可以接单 / the database answers")
    async def readyz(running: Running) -> dict[str, Any]:
        await running.pool.fetchval("select 1")
        return {"status": "ready", "service": parts.service}

    @app.get("/metrics", include_in_schema=False)
    async def metrics(running: Running) -> Response:
        return await measuring.of_api(running)

    @app.get("/freshness", tags=["process"], summary="读模型的新鲜度 / how complete the read model is")
    async def freshness(
        running: Running, _: Calling, min_position: Annotated[str | None, Query(max_length=64)] = None
    ) -> dict[str, object]:
        async with running.pool.acquire() as conn:
            await wait_for_position(conn, min_position)
            return (await as_of(conn, SOURCES, float("inf"))).document()

    tell(parts.routers, {get_person: headers.OF_PERSON, get_call: headers.OF_CALL})
    for router in parts.routers:
        app.include_router(router)
    return app
