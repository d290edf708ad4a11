"""Supervision killed while hundreds of deadlines fall due at one instant: every step once, as the fold has it."""

import asyncio
import os
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from datetime import datetime

import asyncpg
import pytest
import pytest_asyncio

from deploy.faults.clients import SEWER
from deploy.faults.site import Site
from deploy.timeline import MICROSECOND
from libs.events.contracts.supervision import AutoEscalated, DeadlineBreached, DeadlineWarned
from libs.service.runtime import Runtime, runtime
from libs.service.settings import Settings
from services.supervision import timers
from services.supervision.elapsing import Recordable, all_steps
from services.supervision.main import PARTS

CASES = 300
WORKER = "supervision-worker"
NEXT = "select distinct due_at from timers.timer where case_id = any($1)"
LEFT = "select count(*) from timers.timer where due_at = $1"
Key = tuple[str, str, int, datetime]


@pytest_asyncio.fixture(loop_scope="session")
async def database(site: Site) -> AsyncIterator[asyncpg.Connection]:
    """Supervision's database as its owner sees it."""
    conn = await asyncpg.connect(site.stack.admin_url("supervision"))
    yield conn
    await conn.close()


async def test_no_deadline_is_stuck_and_none_is_recorded_twice(
    site: Site, database: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every case has been warned of; then every case is in breach, and the worker dies half way."""
    cases = await registered_at_one_instant(site)
    warned_at = await stand_before_the_next_step(site, database, cases)
    await site.line.advance(warned_at + MICROSECOND)
    breached_at = await stand_before_the_next_step(site, database, cases)
    armed = await site.arm(WORKER, "timer.before_commit", 20)
    await asyncio.to_thread(site.stack.wait_ready, WORKER)

    await site.line.advance(breached_at + MICROSECOND)
    await site.killed(armed, "supervision dies in a timer's transaction")
    left = await database.fetchval(LEFT, breached_at)
    await site.restart(WORKER)
    await site.line.settle()

    assert 0 < left < CASES, "it died half way"

    for name, value in site.stack.env(WORKER).items():
        monkeypatch.setitem(os.environ, name, value)
    async with runtime(Settings(), PARTS, lock_ms=1000, statement_ms=30_000) as service:
        expected, recorded = await steps_of(service, cases, breached_at)
    assert recorded == expected
    assert set(recorded.values()) == {1}
    kinds = Counter((kind, instant) for kind, _, _, instant in recorded)
    assert kinds["warn", warned_at] == kinds["breach", breached_at] == CASES
    await site.judged()


async def registered_at_one_instant(site: Site) -> list[str]:
    """So many registered cases that wait to be dispatched; all of them were registered at the clock's instant."""
    desks = asyncio.Semaphore(8)

    async def one() -> str:
        async with desks:
            case = str((await site.clients.appealed())["case_id"])
            await site.clients.post("intake", f"/cases/{case}/register", SEWER, "zhou-min")
            return case

    return await asyncio.gather(*(one() for _ in range(CASES)))


async def stand_before_the_next_step(site: Site, database: asyncpg.Connection, cases: Sequence[str]) -> datetime:
    """Time comes to the one instant at which the next step of all of them is due; it is recorded once time is later."""
    await site.line.settle()
    (row,) = await database.fetch(NEXT, list(cases))
    await site.line.run_to(row["due_at"])
    instant: datetime = row["due_at"]
    return instant


async def steps_of(service: Runtime, cases: Sequence[str], until: datetime) -> tuple[Counter[Key], Counter[Key]]:
    """What the fold of the facts has up to an instant, and what is recorded."""
    expected: Counter[Key] = Counter()
    recorded: Counter[Key] = Counter()
    async with service.pool.acquire() as conn:
        watched = await timers.load(conn, cases, await service.directory.latest(conn), service)
    for one in watched:
        steps = [step for step in all_steps(one.state.clocks, one.facts) if step.instant <= until]
        expected.update((step.kind, step.clock_id, step.level, step.instant) for step in steps)
        events = [event.data for event in one.own]
        recorded.update(key_of(event) for event in events if isinstance(event, Recordable))
    return expected, recorded


def key_of(event: Recordable) -> Key:
    match event:
        case DeadlineWarned():
            return "warn", event.clock_id, 0, event.instant
        case DeadlineBreached():
            return "breach", event.clock_id, 0, event.instant
        case AutoEscalated():
            return "level", event.clock_id, event.level, event.instant
