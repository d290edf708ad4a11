"""Supervision killed while hundreds of deadlines fall due at one instant: every step once, as the facts have it."""

import asyncio
from datetime import datetime
from functools import partial

import asyncpg

from libs.log.relay.relay import CLOSE
from trials.clock_driver import MICROSECOND
from trials.faults.deadlines import DUE, registered_at_once, stand_before_the_next_step
from trials.faults.site import Site
from trials.faults.waiting import eventually

CASES = 300
WORKER = "supervision-worker"
FIRST_LANES = "select lane, count(*) from timers.timer where due_at = $1 group by lane order by lane limit 4"


async def test_no_deadline_is_stuck_and_none_is_recorded_twice(site: Site) -> None:
    """Every case is warned of, those of closed lanes later; then every case is in breach, and the worker dies."""
    await registered_at_once(site, CASES)
    database = await asyncpg.connect(site.stack.admin_url("supervision"))
    warned_at = await until_all_are_due(site, database)
    closed = await database.fetch(FIRST_LANES, warned_at)
    await database.executemany(CLOSE, [(lane, "log_ahead_of_table") for lane, _ in closed])
    await site.line.advance(warned_at + MICROSECOND)
    waiting = sum(cases for _, cases in closed)
    await eventually(partial(only_left, database, warned_at, waiting), "all others are warned of")
    await database.executemany(CLOSE, [(lane, None) for lane, _ in closed])
    breached_at = await until_all_are_due(site, database)
    armed = await site.arm(WORKER, "timer.before_commit", 20)
    await asyncio.to_thread(site.stack.wait_ready, WORKER)

    await site.line.advance(breached_at + MICROSECOND)
    await site.killed(armed, "supervision dies in a timer's transaction")
    left = await database.fetchval(DUE, breached_at)
    await site.restart(WORKER)
    await site.line.settle()

    assert 0 < left < CASES, "it died half way"
    assert await database.fetchval(DUE, breached_at) == 0
    await database.close()
    await site.judged()


async def only_left(database: asyncpg.Connection, due: datetime, count: int) -> bool:
    left: int = await database.fetchval(DUE, due)
    return left == count


async def until_all_are_due(site: Site, database: asyncpg.Connection) -> datetime:
    """Time comes to the instant at which these cases have their next step; others may have theirs before."""
    while True:
        due = await stand_before_the_next_step(site)
        if await database.fetchval(DUE, due) >= CASES:
            return due
        await site.line.advance(due + MICROSECOND)
