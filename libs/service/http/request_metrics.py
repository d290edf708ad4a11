"""Every request is counted, timed and traced, and turned away when too many are being worked on. Plain ASGI."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from time import monotonic

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.contextvars import bound_contextvars

from libs.events.envelope import trace_id, well_formed
from libs.events.errors import Unavailable
from libs.log.process import tracing
from libs.service.http import problems
from libs.service.http.addresses import client_of
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
    """At most `max_in_flight` requests at once, so that neither memory nor waiting grows without bound.

    A request takes a place once its body has begun to come, and of those whose body is not whole then one address may
    have `max_receiving_per_address`: who sends slowly holds the places of nobody else. What bounds the time that a body
    may take stands outside (`BodyLimit`).
    """

    app: ASGIApp
    _now: int = 0
    _receiving: Counter[str] = field(default_factory=Counter)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in ALWAYS:
            await self.app(scope, receive, send)
            return
        first = await receive() if _brings_a_body(scope) else None
        if first and first["type"] == "http.disconnect":
            # Nobody hears it; counted as what it is, and not as a failure of ours.
            await Response(status_code=400)(scope, receive, send)
            return
        settings, client = scope["app"].state.runtime.settings, client_of(scope)
        is_slow = bool(first and first.get("more_body"))
        has_its_share = is_slow and self._receiving[client] >= settings.max_receiving_per_address
        if self._now >= settings.max_in_flight or has_its_share:
            HTTP_OVERLOADED.inc()
            # What is left of a body would be read before the next request of this connection.
            close = {"Connection": "close"} if is_slow else None
            await problems.problem(503, Overloaded().document(), close)(scope, receive, send)
            return
        body = _Body(first, receive, self._receiving, client if is_slow else None)
        self._now += 1
        HTTP_IN_FLIGHT.set(self._now)
        try:
            await self.app(scope, body, send)
        finally:
            body.is_over()
            self._now -= 1
            HTTP_IN_FLIGHT.set(self._now)


@dataclass
class _Body:
    """A body whose first part has been read already; as long as it is not whole it counts among its sender's."""

    first: Message | None
    receive: Receive
    receiving: Counter[str]
    slow: str | None

    def __post_init__(self) -> None:
        if self.slow is not None:
            self.receiving[self.slow] += 1

    async def __call__(self) -> Message:
        message, self.first = self.first or await self.receive(), None
        if not message.get("more_body"):
            self.is_over()
        return message

    def is_over(self) -> None:
        """Whole, broken off, or not wanted."""
        slow, self.slow = self.slow, None
        if slow is not None:
            self.receiving[slow] -= 1
            if not self.receiving[slow]:
                del self.receiving[slow]


def _brings_a_body(scope: Scope) -> bool:
    said = dict(scope["headers"])
    return b"transfer-encoding" in said or said.get(b"content-length", b"0") != b"0"


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
