"""What stands around every request: counted by its template, traced from its caller on, turned away above the limit."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, Request
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client import REGISTRY
from starlette.types import Message
from structlog.contextvars import get_contextvars

from libs.log.process import tracing
from libs.service.http import problems
from libs.service.http.request_metrics import InFlight, RequestMetrics

CALLER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
LEAK = "leak13800000000"


class Door:
    """A service with one operation that waits until it is let go."""

    def __init__(self, limit: int) -> None:
        self.inside = asyncio.Semaphore(0)
        self.go = asyncio.Event()
        self.app = FastAPI()
        self.app.state.runtime = SimpleNamespace(
            settings=SimpleNamespace(max_in_flight=limit, max_receiving_per_address=1)
        )
        self.app.add_middleware(InFlight)
        self.app.add_middleware(RequestMetrics)
        problems.install(self.app)
        self.app.get("/things/{thing}")(self.thing)
        self.app.get("/slow")(self.slow)
        self.app.get("/healthz")(self.healthz)
        self.app.post("/sent")(self.sent)
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        self.client = httpx.AsyncClient(transport=transport, base_url="http://door")

    async def thing(self, thing: str, request: Request) -> dict[str, Any]:
        if thing == "broken":
            raise ValueError(LEAK)
        return {"traceparent": request.headers.get("traceparent"), "logged": get_contextvars().get("trace_id")}

    async def slow(self) -> str:
        self.inside.release()
        await self.go.wait()
        return "done"

    async def sent(self, request: Request) -> int:
        return len(await request.body())

    async def healthz(self) -> str:
        return "ok"


class Sender:
    """A client by its address, who sends the first part of a body and the rest when he likes."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.rest = asyncio.Queue[Message]()

    async def sends(self, door: Door, *parts: bytes, more_body: bool = False) -> int:
        """Status of the answer; 0 for none."""
        left, said = [*parts], list[Message]()

        async def receive() -> Message:
            return (
                {"type": "http.request", "body": left.pop(), "more_body": more_body} if left else await self.rest.get()
            )

        async def send(message: Message) -> None:
            said.append(message)

        headers = [(b"content-length", b"2"), (b"content-type", b"application/json")]
        scope = {"type": "http", "method": "POST", "path": "/sent", "headers": headers, "query_string": b""}
        await door.app({**scope, "client": (self.address, 4711)}, receive, send)
        return said[0]["status"] if said else 0


@pytest.fixture
async def door() -> AsyncIterator[Door]:
    made = Door(limit=2)
    async with made.client:
        yield made


@pytest.fixture
def spans() -> Iterator[InMemorySpanExporter]:
    """Tracing switched on, into memory."""
    kept, provider = InMemorySpanExporter(), TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(kept))
    tracing.use(provider.get_tracer("xunban"))
    yield kept
    tracing.use(None)


def requests(route: str, status: str) -> float:
    return (
        REGISTRY.get_sample_value("xunban_http_requests_total", {"method": "GET", "route": route, "status": status})
        or 0.0
    )


async def test_requests_are_counted_by_the_template_and_never_by_what_the_caller_wrote(door: Door) -> None:
    fine, broken, nowhere = requests("/things/{thing}", "200"), requests("/things/{thing}", "500"), requests("-", "404")
    await door.client.get(f"/things/{LEAK}")
    await door.client.get("/things/broken")
    await door.client.get(f"/{LEAK}")
    assert requests("/things/{thing}", "200") == fine + 1
    assert requests("/things/{thing}", "500") == broken + 1
    assert requests("-", "404") == nowhere + 1
    await door.client.request(LEAK, "/things/1")
    labels = [sample.labels for family in REGISTRY.collect() for sample in family.samples]
    assert not any(LEAK.lower() in str(one).lower() for one in labels)


async def test_above_the_limit_a_request_is_turned_away_at_once_and_health_is_still_told(door: Door) -> None:
    at_work = [asyncio.create_task(door.client.get("/slow")) for _ in range(2)]
    for _ in at_work:
        await door.inside.acquire()
    turned_away = await door.client.get("/slow")
    assert turned_away.status_code == 503
    assert turned_away.json()["code"] == "overloaded"
    assert turned_away.headers["retry-after"] == "1"
    assert (await door.client.get("/healthz")).status_code == 200
    door.go.set()
    assert {(await task).status_code for task in at_work} == {200}
    assert (await door.client.get("/slow")).status_code == 200


async def test_of_bodies_that_are_still_coming_one_address_has_its_share_and_a_neighbour_is_served() -> None:
    door = Door(limit=3)
    slow, more, neighbour = Sender("198.51.100.7"), Sender("198.51.100.7"), Sender("203.0.113.9")
    first = asyncio.create_task(slow.sends(door, b"{", more_body=True))
    await asyncio.sleep(0.01)
    assert not first.done()
    assert await more.sends(door, b"{", more_body=True) == 503
    assert await more.sends(door, b"{}") == 200, "what comes whole is no burden"
    another = asyncio.create_task(neighbour.sends(door, b"{", more_body=True))
    await asyncio.sleep(0.01)
    assert not another.done()
    slow.rest.put_nowait({"type": "http.request", "body": b"}"})
    assert await first == 200
    neighbour.rest.put_nowait({"type": "http.request", "body": b"}"})
    assert await another == 200
    slow.rest.put_nowait({"type": "http.request", "body": b"}"})
    assert await slow.sends(door, b"{", more_body=True) == 200, "whose bodies have come has his share again"


async def test_who_leaves_before_his_body_comes_is_no_failure_of_ours() -> None:
    door, gone = Door(limit=1), Sender("198.51.100.7")
    gone.rest.put_nowait({"type": "http.disconnect"})
    assert await gone.sends(door) == 400


async def test_a_body_of_which_nothing_has_come_holds_no_place() -> None:
    door = Door(limit=1)
    silent = asyncio.create_task(Sender("198.51.100.7").sends(door))
    await asyncio.sleep(0.01)
    assert await Sender("198.51.100.7").sends(door, b"{}") == 200
    silent.cancel()


async def test_without_tracing_the_callers_trace_is_handed_on_and_logged(door: Door) -> None:
    answer = await door.client.get("/things/1", headers={"traceparent": CALLER})
    assert answer.json() == {"traceparent": CALLER, "logged": "0af7651916cd43dd8448eb211c80319c"}


@pytest.mark.parametrize("said", [LEAK, f"{CALLER}-{LEAK}", f"00-{'0' * 32}-b7ad6b7169203331-01", ""])
async def test_what_is_no_trace_context_goes_no_further(door: Door, said: str) -> None:
    answer = await door.client.get("/things/1", headers={"traceparent": said})
    assert answer.json() == {"traceparent": None, "logged": None}


async def test_with_tracing_the_request_is_a_span_below_its_callers(door: Door, spans: InMemorySpanExporter) -> None:
    inside = (await door.client.get("/things/1", headers={"traceparent": CALLER})).json()["traceparent"]
    (span,) = spans.get_finished_spans()
    assert span.name == "GET /things/{thing}"
    assert span.parent is not None
    assert (f"{span.parent.span_id:016x}", f"{span.context.trace_id:032x}") == tuple(CALLER.split("-")[2:0:-1])
    assert inside == f"00-{span.context.trace_id:032x}-{span.context.span_id:016x}-01"


async def test_a_failed_request_says_the_kind_of_error_and_not_its_words(
    door: Door, spans: InMemorySpanExporter
) -> None:
    await door.client.get("/things/broken")
    (span,) = spans.get_finished_spans()
    assert span.attributes is not None
    assert (span.attributes["error.type"], span.attributes["http.response.status_code"]) == ("ValueError", 500)
    assert LEAK not in span.to_json()
