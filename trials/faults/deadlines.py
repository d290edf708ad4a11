"""Very many deadlines due at one instant while supervision is killed. What must come of it is in verdicts.py."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime
from time import monotonic

import asyncpg

from libs.events.ids import new_id
from trials.clock_driver import MICROSECOND
from trials.faults.clients import APPEAL, SEWER
from trials.faults.site import Site
from trials.faults.waiting import eventually

AT_ONCE = 200
PATIENCE = 300.0
DUE = "select count(*) from timers.timer where due_at = $1"


@dataclass(frozen=True)
class Fired:
    """How many were due, how many were not recorded when supervision died, and how long it took after its return."""

    due: int
    left: int
    seconds: float


async def registered_at_once(site: Site, count: int) -> list[str]:
    """So many registered cases that wait to be dispatched, all of one instant."""
    cases = [new_id() for _ in range(count)]
    for start in range(0, count, AT_ONCE):
        some = cases[start : start + AT_ONCE]
        items = [{"appeal": {**APPEAL, "case_id": case}, "registration": SEWER} for case in some]
        answer = await site.line.post("intake", "/import", {"items": items}, person="zhou-min")
        for item in answer["items"]:
            site.clients.promised(item)
    return cases


async def stand_before_the_next_step(site: Site) -> datetime:
    """Time comes to the instant at which something is due next; it is recorded once time is later."""
    due = await site.line.settle(PATIENCE)
    if due is None:
        raise LookupError("nothing is due")
    await site.line.advance(due)
    await site.line.settle(PATIENCE)
    return due


async def fired_through_a_death(site: Site, after: float) -> Fired:
    """Let time pass the next due instant and kill supervision so many seconds later."""
    due = await stand_before_the_next_step(site)
    conn = await asyncpg.connect(site.stack.admin_url("supervision"))
    wanted = await conn.fetchval(DUE, due)
    await site.line.advance(due + MICROSECOND)
    await asyncio.sleep(after)
    await site.kill("supervision-worker")
    left = await conn.fetchval(DUE, due)
    await site.restart("supervision-worker")
    began = monotonic()

    async def none_left() -> bool:
        return not await conn.fetchval(DUE, due)

    await eventually(none_left, "every deadline is recorded", PATIENCE)
    seconds = monotonic() - began
    await conn.close()
    await site.line.settle(PATIENCE)
    return Fired(wanted, left, seconds)
