"""Every request is counted, timed and traced, and turned away when too many are being worked on. Plain ASGI."""

from __future__ import annotations

from dataclasses import dataclass
from time import monotonic

from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.contextvars import bound_contextvars

from libs.events.envelope import trace_id, well_formed
from libs.events.errors import Unavailable
from libs.log.process import tracing
from libs.service.http import problems
from libs.service.observe.metrics import HTTP_IN_FLIGHT, HTTP_OVERLOADED, HTTP_REQUESTS, HTTP_SECONDS

METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"})
ALWAYS = frozenset({"/healthz", "/readyz", "/metrics"})
"""Asked by whoever watches the process: answered also where it has no time for anybody else."""


class Overloaded(Unavailable):
    """As many requests are being worked on as this process may hold at once."""

    code = "overloaded"
    zh = "系统繁忙, 请稍后重试"
    en = "too many requests are being worked on; try again"


@dataclass
class InFlight:
    """At most `max_in_flight` requests at once, so that neither memory nor waiting grows without bound."""

    app: ASGIApp
    _now: int = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in ALWAYS:
            await self.app(scope, receive, send)
            return
        if self._now >= scope["app"].state.runtime.settings.max_in_flight:
            HTTP_OVERLOADED.inc()
            await problems.problem(503, Overloaded().document())(scope, receive, send)
            return
        self._now += 1
        HTTP_IN_FLIGHT.set(self._now)
        try:
            await self.app(scope, receive, send)
        finally:
            self._now -= 1
            HTTP_IN_FLIGHT.set(self._now)


@dataclass
class RequestMetrics:
    """What stands around a request: its span, its trace id in the logs, its place in the metrics."""

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        method = scope["method"] if scope["method"] in METHODS else "OTHER"
        status, began = 500, monotonic()

        async def answered(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        quiet = scope["path"] in ALWAYS
        with tracing.span(method, _said(scope), "server", root=not quiet) as here:
            seen = _with(scope, here.traceparent)
            try:
                with bound_contextvars(**_trace(here.traceparent)):
                    await self.app(seen, receive, answered)
            finally:
                route = getattr(seen.get("route"), "path", "-")
                here.say(f"{method} {route}", **{"http.route": route, "http.response.status_code": status})
                HTTP_REQUESTS.labels(method, route, status).inc()
                HTTP_SECONDS.labels(method, route).observe(monotonic() - began)


def _said(scope: Scope) -> str | None:
    raw = next((value for name, value in scope["headers"] if name == b"traceparent"), b"")
    return well_formed(raw.decode("latin-1"))


def _with(scope: Scope, traceparent: str | None) -> Scope:
    """The request as seen from inside its span; a `traceparent` that is none has gone."""
    others = [(name, value) for name, value in scope["headers"] if name != b"traceparent"]
    ours = [(b"traceparent", traceparent.encode())] if traceparent else []
    return {**scope, "headers": [*others, *ours]}


def _trace(traceparent: str | None) -> dict[str, str]:
    found = trace_id(traceparent)
    return {"trace_id": found} if found else {}
