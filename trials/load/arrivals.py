"""Open-loop load: arrivals come when they come, however slow the answers are, and wait is counted from then on."""

from __future__ import annotations

import asyncio
import heapq
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hdrh.histogram import HdrHistogram

from libs.events.ids import new_id
from operations.embedded.stack import Stack
from operations.installation import SERVICES
from trials.load.acts import (
    ASKED,
    LIFE,
    PEOPLE,
    body_of,
)
from trials.load.web import Answer, Unreachable, Web

THINK_SECONDS = 2.0
"""People take a moment; until then the next service has heard of the last step."""
QUERY_EVERY = 5
AT_ONCE = 400
LONGEST_MICROSECONDS = 600_000_000
NOT_YET = (
    (404, "E-NOT-FOUND"),
    (409, "E-STATE"),
    (409, "E-VERSION"),
    (403, "E-SCOPE"),
    (403, "E-SENDER"),
    (409, "E-PHOTO"),
)
"""What is said of a step whose facts are on their way: no case, another state or version, no verifier, no photo."""
BUSY = (429, 503)


@dataclass(order=True, frozen=True)
class Next:
    """The next command of a case, and when somebody gets to it; the key stays the same when it is repeated."""

    ready_at: float
    number: int
    case: str = field(compare=False)
    step: int = field(compare=False)
    key: str = field(compare=False)
    tries: int = field(compare=False, default=0)


@dataclass
class Tally:
    """What became of the arrivals of one phase. Latencies in microseconds, from the intended instant."""

    latency: dict[str, Any] = field(default_factory=dict)
    fates: Counter[str] = field(default_factory=Counter)

    def took(self, name: str, seconds: float) -> None:
        """An answer came."""
        for one in (name, "all"):
            if one not in self.latency:
                self.latency[one] = HdrHistogram(1, LONGEST_MICROSECONDS, 3)
            self.latency[one].record_value(min(int(seconds * 1e6), LONGEST_MICROSECONDS))

    def milliseconds(self, name: str, percentile: float) -> float:
        """p50, p95, p99 … of one act."""
        return float(self.latency[name].get_value_at_percentile(percentile)) / 1000 if name in self.latency else 0.0


@dataclass
class Crowd:
    """Everybody who calls, and the cases that wait for their next step."""

    webs: Mapping[str, Web]
    tokens: Mapping[str, str]
    waiting: list[list[Next]] = field(default_factory=lambda: [[] for _ in LIFE])
    acknowledged: dict[str, str] = field(default_factory=dict)
    """Event id → case, of every command that was answered with success."""
    cases: int = 0
    closed: int = 0
    tally: Tally = field(default_factory=Tally)
    _slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))

    @staticmethod
    def of(stack: Stack) -> Crowd:
        """The people of the demo town, each with a token."""
        webs = {service: Web(stack.api_url(service)) for service in SERVICES}
        return Crowd(webs, {person: stack.token(person=person) for person in PEOPLE})

    async def come(self, rate: float, seconds: float) -> Tally:
        """So many arrivals a second for so long; returns when all of them have been answered."""
        self.tally = Tally()
        loop = asyncio.get_running_loop()
        begun = loop.time()
        async with asyncio.TaskGroup() as group:
            for number in range(int(rate * seconds)):
                intended = begun + number / rate
                if (wait := intended - loop.time()) > 0:
                    await asyncio.sleep(wait)
                group.create_task(self._arrive(number, intended))
        return self.tally

    def close(self) -> None:
        """Let go of all connections."""
        for web in self.webs.values():
            web.close()

    async def _arrive(self, number: int, intended: float) -> None:
        async with self._slots:
            if number % QUERY_EVERY == QUERY_EVERY - 1:
                await self._ask(number // QUERY_EVERY, intended)
            else:
                await self._act(self._take(), intended)

    async def _ask(self, number: int, intended: float) -> None:
        name, service, path, person = ASKED[number % len(ASKED)]
        try:
            answer = await self.webs[service].get(path, self.tokens[person])
        except Unreachable:
            self.tally.fates["unreachable"] += 1
            return
        self.tally.took(name, asyncio.get_running_loop().time() - intended)
        self.tally.fates["read" if answer.status < 300 else f"{name} {answer.status}"] += 1

    def _take(self) -> Next:
        """The furthest case that somebody can get to now; else a new appeal."""
        now = asyncio.get_running_loop().time()
        for queue in reversed(self.waiting):
            if queue and queue[0].ready_at <= now:
                return heapq.heappop(queue)
        self.cases += 1
        return Next(now, self.cases, "", 0, new_id())

    async def _act(self, one: Next, intended: float) -> None:
        act = LIFE[one.step]
        path = act.path.format(case=one.case)
        body = body_of(act, one.number)
        try:
            answer = await self.webs[act.service].post(path, self.tokens[act.person], body, one.key)
        except Unreachable:
            self.tally.fates["unreachable"] += 1
            self._again(one, 1.0)
            return
        self.tally.took(act.name, asyncio.get_running_loop().time() - intended)
        self._judge(one, act.name, answer)

    def _judge(self, one: Next, name: str, answer: Answer) -> None:
        if answer.status < 300:
            self.tally.fates["done"] += 1
            document = answer.document
            self.acknowledged |= dict.fromkeys(document["events"], document["case_id"])
            self._go_on(one, document["case_id"])
        elif answer.status in BUSY:
            self.tally.fates[f"busy {answer.status}"] += 1
            self._again(one, float(answer.headers.get("retry-after", "1")))
        elif (answer.status, answer.document.get("code")) in NOT_YET and one.tries < 60:
            self.tally.fates["not yet heard of"] += 1
            self._again(one, 1.0, new_id())
        else:
            self.tally.fates[f"{name} {answer.status} {answer.document.get('code', '')}"] += 1

    def _go_on(self, one: Next, case: str) -> None:
        if one.step + 1 == len(LIFE):
            self.closed += 1
            return
        ready = asyncio.get_running_loop().time() + THINK_SECONDS
        heapq.heappush(self.waiting[one.step + 1], Next(ready, one.number, case, one.step + 1, new_id()))

    def _again(self, one: Next, seconds: float, key: str = "") -> None:
        ready = asyncio.get_running_loop().time() + seconds
        again = Next(ready, one.number, one.case, one.step, key or one.key, one.tries + 1)
        heapq.heappush(self.waiting[one.step], again)
