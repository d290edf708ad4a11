"""Phases of load on one town: steady rates, the highest that holds, a burst; watched each second."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from libs.service.worker.process import wind_up
from operations.embedded.stack import Stack
from trials.load.arrivals import Crowd, Tally
from trials.load.checking import Kept, compare
from trials.load.watching import (
    Seen,
    Watch,
    open_town,
    watching,
)

BURST = 10
STEP = 1.3
SEARCH_SECONDS = 15.0
HOLDS_MILLISECONDS = 1000.0
"""A rate holds while p99 stays below this, nothing is refused, and the backlog is gone within a few seconds."""
HOLDS_DRAIN_SECONDS = 5.0
PATIENCE_SECONDS = 1200.0
PERCENTILES = (50, 95, 99)


@dataclass
class Phase:
    """What one phase showed."""

    name: str
    rate: float
    seconds: float
    tally: Tally
    took: float
    """From the first arrival to the last answer."""
    drained: float
    """From the last answer until every service had applied everything, seconds."""
    over_time: list[dict[str, float]] = field(default_factory=list)

    @property
    def p99(self) -> float:
        """Of all arrivals, milliseconds."""
        return self.tally.milliseconds("all", 99)

    @property
    def served(self) -> int:
        """Arrivals that were answered with what they asked for."""
        return self.tally.fates["done"] + self.tally.fates["read"]

    @property
    def refused(self) -> int:
        """429 and 503."""
        return sum(number for fate, number in self.tally.fates.items() if fate.startswith("busy"))

    @property
    def failed(self) -> int:
        """What no rule of back-pressure explains."""
        fine = ("done", "read", "not yet heard of")
        return sum(number for fate, number in self.tally.fates.items() if fate not in fine) - self.refused

    @property
    def holds(self) -> bool:
        """Whether the town keeps up with this rate."""
        calm = not self.refused and not self.failed and self.p99 <= HOLDS_MILLISECONDS
        return calm and self.drained <= HOLDS_DRAIN_SECONDS

    @property
    def worst_backlog(self) -> int:
        """Events that some service had still to apply, at most."""
        return int(max((one["backlog"] for one in self.over_time), default=0))

    @property
    def worst_lag(self) -> float:
        """Age of the data on the oldest list, seconds, at most."""
        return max((one["lag"] for one in self.over_time), default=0.0)

    def document(self) -> dict[str, Any]:
        """For the file."""
        return {
            "name": self.name,
            "rate": self.rate,
            "seconds": self.seconds,
            "took": round(self.took, 1),
            "drained": round(self.drained, 1),
            "holds": self.holds,
            "fates": dict(self.tally.fates),
            "latency_ms": {
                name: {f"p{one}": round(self.tally.milliseconds(name, one), 1) for one in PERCENTILES}
                for name in self.tally.latency
            },
            "over_time": self.over_time,
        }


@dataclass(frozen=True)
class Wanted:
    """What the caller asked for."""

    rates: tuple[float, ...]
    seconds: float
    search: bool
    burst: bool
    burst_seconds: float


@dataclass
class Load:
    """One run against one town."""

    crowd: Crowd
    watch: Watch
    told: Callable[[Phase], None]
    phases: list[Phase] = field(default_factory=list)

    async def phase(self, name: str, rate: float, seconds: float) -> Phase:
        """Arrivals at this rate; then wait until everybody has heard of everything."""
        loop = asyncio.get_running_loop()
        seen: list[dict[str, float]] = []
        looking = asyncio.create_task(self._look(seen, loop.time()))
        try:
            begun = loop.time()
            tally = await self.crowd.come(rate, seconds)
            took = loop.time() - begun
            drained = await self.watch.caught_up(PATIENCE_SECONDS)
        finally:
            await wind_up([looking])
        done = Phase(name, rate, seconds, tally, took, drained, seen)
        self.phases.append(done)
        self.told(done)
        return done

    async def _look(self, seen: list[dict[str, float]], begun: float) -> None:
        loop = asyncio.get_running_loop()
        while True:
            now: Seen = await self.watch.look()
            seen.append(
                {"at": round(loop.time() - begun, 1), "backlog": now.worst, "lag": round(max(now.lag.values()), 2)}
            )
            await asyncio.sleep(1)

    async def highest(self, start: float) -> Phase | None:
        """Raise the rate step by step until it no longer holds; the last one that did."""
        rate, best = start, None
        while True:
            tried = await self.phase("search", round(rate, 1), SEARCH_SECONDS)
            if not tried.holds:
                return best
            rate, best = rate * STEP, tried


async def load(stack: Stack, wanted: Wanted, told: Callable[[Phase], None]) -> tuple[list[Phase], Phase | None, Kept]:
    """All phases, the highest rate that held, and what the log says of what was acknowledged."""
    async with watching(stack) as watch:
        await open_town(stack, watch)
        run = Load(Crowd.of(stack), watch, told)
        for rate in wanted.rates:
            await run.phase("steady", rate, wanted.seconds)
        best = await run.highest(min(wanted.rates)) if wanted.search else None
        if wanted.burst:
            calm = best.rate / 2 if best else min(wanted.rates)
            await run.phase("before the burst", calm, 10)
            await run.phase("burst", calm * BURST, wanted.burst_seconds)
            await run.phase("after the burst", calm, 10)
        run.crowd.close()
        return run.phases, best, await compare(stack.bootstrap, run.crowd.acknowledged, stack.public_keys)
