"""Timers: steps recorded in batches beside one by one, and ten thousand that fall due at one instant."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from statistics import median
from typing import Any

from bench.rows import Row, at_most, times_at_least
from libs.log.store.event_store import lock_lane
from libs.service.runtime import Runtime, runtime
from operations.embedded.stack import Stack
from services.supervision.jobs import append_steps, timers
from services.supervision.main import PARTS

ROUNDS = 3
INSTANT = timedelta(microseconds=1)
ONE_BY_ONE = 150
SHARE = 12
"""Lanes per round that are fired in batches: several times as many as are worked on side by side."""
ONE = "select case_id::text from timers.timer where lane = $1 and due_at < $2 order by due_at limit 1"
DUE = "select count(*) from timers.timer where due_at < $1"
NEXT = "select min(due_at) from timers.timer where due_at >= $1"


@dataclass
class Marks:
    """Stands in for the worker where a look over some lanes is timed: which lanes, complete up to when."""

    lanes: Sequence[int]
    at: datetime
    relay: Any = None
    watermarks: Any = field(init=False)

    def __post_init__(self) -> None:
        self.watermarks = self

    def lane(self, _lane: int, _sources: Sequence[str]) -> datetime:
        """The watermark of a lane."""
        return self.at


@asynccontextmanager
async def supervision(running: Stack) -> AsyncIterator[Runtime]:
    """What the worker process of supervision holds, in this process."""
    told = running.service_env("supervision-worker")
    fields = {name.lower(): value for name, value in told.items() if name.lower() in PARTS.settings.model_fields}
    async with runtime(PARTS.settings(**fields), PARTS, lock_ms=5000, statement_ms=30_000) as open_here:  # type: ignore[arg-type]
        yield open_here


async def one_by_one(here: Runtime, lanes: Sequence[int], at: datetime, wanted: int) -> float:
    """Timers per second, each claimed and recorded in a transaction of its own."""
    begun = time.perf_counter()
    async with here.pool.acquire() as conn:
        for number in range(wanted):
            lane = lanes[number % len(lanes)]
            view = await here.directory.latest(conn)
            case_id = await conn.fetchval(ONE, lane, at)
            decided = [timers.decide(here, one, at, view) for one in await append_steps.load(conn, [case_id])]
            async with conn.transaction():
                await lock_lane(conn, lane)
                await append_steps.record(conn, decided)
    return wanted / (time.perf_counter() - begun)


async def in_batches(here: Runtime, lanes: Sequence[int], at: datetime) -> float:
    """Timers per second by the product's own look."""
    before = await here.pool.fetchval(DUE, at)
    begun = time.perf_counter()
    while await timers.fire(here, Marks(lanes, at)):  # type: ignore[arg-type]
        pass
    fired = before - await here.pool.fetchval(DUE, at)
    return float(fired / (time.perf_counter() - begun))


async def batch_row(here: Runtime, at: datetime) -> Row:
    """In turn, on lanes of their own."""
    # No step is recorded of an instant that is still to come by the clock of supervision's own database.
    await here.pool.execute("select log.advance($1)", at)
    batches, single = [], []
    for turn in range(ROUNDS):
        single.append(await one_by_one(here, range(48, 64), at, ONE_BY_ONE))
        batches.append(await in_batches(here, range(turn * SHARE, (turn + 1) * SHARE), at))
    return times_at_least(
        10,
        group="timers",
        zh="到期步骤, 成批记录",
        en="timers, fired in batches",
        value=median(batches),
        unit="timers/s",
        baseline=median(single),
        baseline_name="one by one",
        rounds=tuple(batches),
    )


async def all_at_once(here: Runtime, at: datetime, due: int, begun: float) -> Row:
    """From the moment that the watermark may move to the last step recorded, by the worker process itself."""
    while await here.pool.fetchval(DUE, at):  # noqa: ASYNC110 - what is waited for happens in another process
        await asyncio.sleep(0.05)
    return at_most(
        5,
        group="timers",
        zh=f"{due:,} 个时限同一刻到期, 全部记录",
        en=f"{due:,} due at one instant, all fired",
        value=time.perf_counter() - begun,
        unit="s",
    )
