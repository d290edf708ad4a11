"""Supervision killed while hundreds of deadlines fall due at one instant: every step once, as the facts have it."""

import asyncio
from datetime import datetime

import asyncpg

from deploy.faults.deadlines import DUE, registered_at_once, stand_before_the_next_step
from deploy.faults.site import Site
from deploy.timeline import MICROSECOND

CASES = 300
WORKER = "supervision-worker"


async def test_no_deadline_is_stuck_and_none_is_recorded_twice(site: Site) -> None:
    """Every case has been warned of; then every case is in breach, and the worker dies half way."""
    await registered_at_once(site, CASES)
    database = await asyncpg.connect(site.stack.admin_url("supervision"))
    warned_at = await until_all_are_due(site, database)
    await site.line.advance(warned_at + MICROSECOND)
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


async def until_all_are_due(site: Site, database: asyncpg.Connection) -> datetime:
    """Time comes to the instant at which these cases have their next step; others may have theirs before."""
    while True:
        due = await stand_before_the_next_step(site)
        if await database.fetchval(DUE, due) >= CASES:
            return due
        await site.line.advance(due + MICROSECOND)
