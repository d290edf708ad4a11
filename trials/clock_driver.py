"""Drives a manual log through its public APIs: steps at their own instants, and every service's clock in between.

The rules are those of architecture.md §5: C never passes a step that is not done, and nothing is due when a run ends.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

import httpx
import orjson
import stamina

from libs.events.ids import new_id
from libs.events.lanes import lane_of
from operations.embedded.stack import Stack
from trials.photo import Form, encoded

# To wait until a read model is complete enough is no news.
stamina.instrumentation.set_on_retry_hooks([])

MICROSECOND = timedelta(microseconds=1)
SETTLE_SECONDS = 60.0


class NotSettling(RuntimeError):
    """The services did not come to rest; the message says who is behind."""


class Unexpected(RuntimeError):
    """An answer that the run did not expect; names the step and the problem document."""


class _Busy(Exception):
    """503 with Retry-After."""


@dataclass(frozen=True)
class Step:
    """One act at one instant. Steps of a lane are done one after another, each after the last one's effects.

    The act answers which service must have applied which position before the next step of its lane.
    """

    at: datetime
    case_id: str
    act: Callable[[Timeline], Awaitable[tuple[str, str] | None]]


@dataclass
class Timeline:
    """A client of all services with the scope `clock`."""

    apis: Mapping[str, str]
    workers: Mapping[str, str]
    sign: Callable[[str], str]
    """Person id → token."""
    clock_token: str
    watcher: str = "machine:runner"
    """Who looks whether a step's effects are visible."""
    client: httpx.AsyncClient = field(init=False)
    now: datetime | None = None
    commands: int = 0
    _tokens: dict[str, str] = field(default_factory=dict)

    @staticmethod
    def of(stack: Stack) -> Timeline:
        """A client of a running instance; `machine:<name>` acts with scopes instead of an appointment."""

        def sign(caller: str) -> str:
            if caller.startswith("machine:"):
                return stack.token(client=caller.partition(":")[2], scopes=("clock", "directory"))
            return stack.token(person=caller, scopes=("clock",))

        services = [name.removesuffix("-worker") for name in stack.names if name.endswith("-worker")]
        return Timeline(
            apis={name: stack.api_url(name) for name in services},
            workers={name: stack.worker_url(name) for name in services},
            sign=sign,
            clock_token=stack.token(client="clock", scopes=("clock",)),
        )

    async def __aenter__(self) -> Timeline:
        limits = httpx.Limits(max_connections=40, max_keepalive_connections=40, keepalive_expiry=3)
        self.client = httpx.AsyncClient(timeout=30, limits=limits, trust_env=False)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.client.aclose()

    # Asking and telling ------------------------------------------------------------------------------------------

    async def post(
        self,
        service: str,
        path: str,
        body: Mapping[str, Any] | Form,
        *,
        person: str,
        at: datetime | None = None,
        appointment: str | None = None,
        expect: int | None = None,
        key: str | None = None,
    ) -> dict[str, Any]:
        """One command; raises `Unexpected` unless the status is `expect` (default: any success)."""
        headers = self._headers(person, at, appointment) | {"Idempotency-Key": key or new_id()}
        answer = await self._send("POST", self.apis[service] + path, headers, body)
        self.commands += 1
        document: dict[str, Any] = answer.json()
        if answer.status_code != expect and (expect is not None or not answer.is_success):
            raise Unexpected(f"{service} {path} by {person}: {answer.status_code} {document}")
        return document

    async def get(self, service: str, path: str, *, person: str, appointment: str | None = None, **query: Any) -> Any:
        """One answer of a read model."""
        headers = self._headers(person, None, appointment)
        answer = await self._send("GET", self.apis[service] + path, headers, None, query)
        if not answer.is_success:
            raise Unexpected(f"{service} {path} by {person}: {answer.status_code} {answer.json()}")
        return answer.json()

    async def visible(self, service: str, position: str | None, *, person: str) -> None:
        """Wait until `service` has applied what a command answered."""
        if position:
            await self.get(service, "/freshness", person=person, min_position=position)

    async def _send(
        self, method: str, url: str, headers: Mapping[str, str], body: Any, query: Mapping[str, Any] | None = None
    ) -> httpx.Response:
        content = None
        if body is not None:
            form = encoded(body)
            content, headers = form.content, {**headers, "Content-Type": form.content_type}
        async for attempt in stamina.retry_context(on=(_Busy, httpx.TransportError), attempts=20, wait_max=1.0):
            with attempt:
                answer = await self.client.request(method, url, headers=headers, content=content, params=query)
                if answer.status_code == 503:
                    raise _Busy(url)
                return answer
        raise AssertionError("the last attempt raises")

    def _headers(self, person: str, at: datetime | None, appointment: str | None) -> dict[str, str]:
        if person not in self._tokens:
            self._tokens[person] = self.sign(person)
        headers = {"Authorization": f"Bearer {self._tokens[person]}", "Content-Type": "application/json"}
        if at:
            headers["Xunban-Now"] = at.isoformat()
        if appointment:
            headers["Xunban-Appointment"] = appointment
        return headers

    # The clock ---------------------------------------------------------------------------------------------------

    async def advance(self, to: datetime) -> None:
        """Set C of every service; each has published its heartbeat when this returns."""
        headers = {"Authorization": f"Bearer {self.clock_token}", "Content-Type": "application/json"}
        body = {"to": to.isoformat()}
        sends = [self._send("POST", f"{self.workers[name]}/clock/advance", headers, body) for name in self.workers]
        for answer in await asyncio.gather(*sends):
            if not answer.is_success:
                raise Unexpected(f"clock: {answer.status_code} {answer.json()}")
        self.now = to

    async def clocks(self) -> dict[str, dict[str, Any]]:
        """`GET /clock` of every worker."""
        answers = await asyncio.gather(*(self._send("GET", f"{url}/clock", {}, None) for url in self.workers.values()))
        return {name: orjson.loads(answer.content) for name, answer in zip(self.workers, answers, strict=True)}

    async def settle(self, patience: float = SETTLE_SECONDS) -> datetime | None:
        """Wait until all services are idle, seen twice unmoved; returns the next due instant of all."""
        loop = asyncio.get_running_loop()
        until = loop.time() + patience
        before: Any = None
        pause = 0.01
        while True:
            clocks = await self.clocks()
            if behind(clocks):
                before = None
            elif before == clocks:
                due = [clock["next_due"] for clock in clocks.values() if clock["next_due"]]
                return min((datetime.fromisoformat(instant) for instant in due), default=None)
            else:
                before = clocks
            if loop.time() > until:
                raise NotSettling("; ".join(behind(clocks)) or "the clocks keep moving")
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, 0.05)

    async def run_to(self, to: datetime) -> None:
        """Advance to `to`, stopping 1 µs past every due instant on the way."""
        due = await self.settle()
        while due and due < to:
            await self.advance(due + MICROSECOND)
            due = await self.settle()
        await self.advance(to)
        await self.settle()

    async def run(self, steps: Iterable[Step], tick: timedelta, until: datetime, done: Callable[[int], None]) -> None:
        """Do steps tick by tick, lanes side by side; the clock only moves where something is due.

        A tick's steps are done before C passes any of them, and what falls due before a tick is recorded before it.
        """
        ordered = sorted(steps, key=lambda step: step.at)
        for start, due_now in groupby(ordered, key=lambda step: _floor(step.at, tick)):
            await self._catch_up(start, tick)
            lanes: dict[int, list[Step]] = {}
            for step in due_now:
                lanes.setdefault(lane_of(step.case_id), []).append(step)
            await asyncio.gather(*(self._lane(steps_of_lane, done) for steps_of_lane in lanes.values()))
        await self._catch_up(until, tick)
        await self.advance(until)
        await self.settle()

    async def _catch_up(self, start: datetime, tick: timedelta) -> None:
        """Let everything due before `start` be recorded, in ticks."""
        while (due := await self.settle()) and due < start:
            await self.advance(min(_floor(due, tick) + tick, start))

    async def _lane(self, steps: Iterable[Step], done: Callable[[int], None]) -> None:
        awaited: tuple[str, str] | None = None
        for step in steps:
            if awaited:
                await self.visible(*awaited, person=self.watcher)
            awaited = await step.act(self)
            done(1)


def behind(clocks: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Who has not applied every head, whose watermarks have not reached C, who has steps left. Empty = idle. Pure."""
    heads = {key: seq for clock in clocks.values() for key, seq in clock["heads"].items()}
    found = []
    for name, clock in clocks.items():
        late = [key for key, seq in heads.items() if clock["applied"].get(key, 0) != seq]
        if late:
            found.append(f"{name} has not applied {late[0]}")
        now = datetime.fromisoformat(clock["now"])
        marks = [at for source, at in clock["watermarks"].items() if source.rpartition("/")[2] in clocks]
        if any(datetime.fromisoformat(at) < now for at in marks):
            found.append(f"{name} has not heard every source up to its clock")
        if clock["due"]:
            found.append(f"{name} has {clock['due']} steps to record")
    return found


def _floor(at: datetime, tick: timedelta) -> datetime:
    zero = datetime.fromisoformat("2000-01-01T00:00:00+00:00")
    return at - (at - zero) % tick
