"""The console: `python -m libs.service.serving services.console.main:app`. Its guards, its static files, its pages."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import httpx
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import PlainTextResponse, Response
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException as StarletteHTTPException

from libs.service.http.app import BodyLimit
from libs.service.observe.log import set_up
from services.console.config import Settings
from services.console.page import HERE, TOKEN, NoNames, PostUnclear, go
from services.console.screens import case, downloads, sign_in
from services.console.screens.boards import boards, messages
from services.console.screens.intake import appeal, patrol, photos, suspected
from services.console.screens.work import bulk, lists
from services.console.session.visitor import NamesKept
from services.console.upstream import Answer, SignedOut, Upstream

SAFE = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    # With `no-referrer` a browser would call the origin of our own forms `null`.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(self), microphone=()",
}

NO_SUCH_PAGE: dict[str, Any] = {
    "code": "E-NOT-FOUND",
    "message_zh": "没有这个页面或案件, 请核对编号",
    "message_en": "there is no such page or case; check the number",
    "rule_id": None,
    "evidence_event_ids": [],
    "allowed_actions": [],
}


def console() -> FastAPI:
    """The app; reads its settings when it starts."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        set_up("console", "api")
        settings = Settings()
        async with httpx.AsyncClient(timeout=10, trust_env=False) as client:
            app.state.settings = settings
            app.state.names = NamesKept(Upstream(settings.urls(), client))
            yield

    app = FastAPI(
        title="Xunban 巡办 · 工作台",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        # It would send whoever asks with a slash too many to the host that he names.
        redirect_slashes=False,
    )
    app.add_middleware(BodyLimit, limit=262_144, larger={"/photos": photos.MOST_BYTES})
    app.middleware("http")(guarded)
    app.mount("/static", StaticFiles(directory=HERE / "static"))
    for pages in (sign_in, appeal, patrol, suspected, lists, boards, messages, bulk, photos, downloads, case):
        app.include_router(pages.router)
    _say_what_is_wrong(app)

    @app.get("/healthz")
    @app.get("/readyz")
    async def ready() -> dict[str, str]:
        return {"status": "ready", "service": "console"}

    return app


async def guarded(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
    """No form of another site is carried out, no script of another site runs, and no page is kept by anybody."""
    origin = urlsplit(request.headers.get("origin", ""))
    if request.method not in ("GET", "HEAD") and origin.netloc != request.headers.get("host"):
        response: Response = PlainTextResponse("表单不是来自本站 / this form is not ours", 403)
    else:
        response = await call_next(request)
    keep = "no-cache" if request.url.path.startswith("/static/") else "no-store"
    response.headers.update({**SAFE, "Cache-Control": keep})
    return response


def _say_what_is_wrong(app: FastAPI) -> None:
    @app.exception_handler(SignedOut)
    async def signed_out(request: Request, _: SignedOut) -> Response:
        if "hx-request" in request.headers:
            return Response(headers={"HX-Redirect": "/sign-in"})
        response = go("/sign-in", next=request.url.path if request.method == "GET" else None)
        response.delete_cookie(TOKEN)
        return response

    @app.exception_handler(PostUnclear)
    async def post_unclear(request: Request, unclear: PostUnclear) -> Response:
        return await sign_in.ask_for_post(request, unclear)

    @app.exception_handler(RequestValidationError)
    @app.exception_handler(StarletteHTTPException)
    async def no_such_page(request: Request, _: Exception) -> Response:
        return sign_in.nothing_to_show(request, Answer(404, NO_SUCH_PAGE))

    @app.exception_handler(NoNames)
    async def no_names(request: Request, why: NoNames) -> Response:
        return sign_in.nothing_to_show(request, why.answer)


app = console()
