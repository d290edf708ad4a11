"""The notice for a year is out: open limits that ran over its days are counted anew (CLK-15). I/O only."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime

import structlog

from libs.directory.facts.view import View
from libs.events.contracts.directory import CalendarPublished
from libs.log.store import event_store
from libs.log.store.event_store import Connection
from libs.log.transient import TRANSIENT
from libs.log.worker import Worker
from libs.service.runtime import Runtime
from services.supervision.domain.clocks.case_clocks import evolve
from services.supervision.domain.clocks.recount import recount
from services.supervision.domain.clocks.steps import next_step
from services.supervision.jobs.append_steps import Decided, LoadedCase, carry_out, decided_of, facts_at
from services.supervision.readmodel.tables import OPEN_PROVISIONAL

log = structlog.get_logger()

ROUND = 2000
"""Cases per poll."""
BEHIND = f"""
    from clock where {OPEN_PROVISIONAL}
     and calendar_version < (select max(version) from directory_fact where type = '{CalendarPublished.ce_type}')
"""  # noqa: S608 - our own names


async def waiting(conn: Connection) -> int:
    """Cases whose limits are to be counted anew."""
    return int(await conn.fetchval(f"select count(distinct case_id) {BEHIND}"))


async def run(running: Runtime, worker: Worker) -> None:
    """Poll whether a calendar was published of which open limits know nothing; for ever."""
    while True:
        await asyncio.sleep(worker.intervals.rest)
        try:
            if await poll(running, sorted(worker.lanes)):
                worker.relay.wake.set()
        except TRANSIENT as why:
            log.warning("recounts_wait", reason=type(why).__name__)


async def poll(running: Runtime, lanes: Sequence[int]) -> bool:
    """One poll of these lanes; whether there was anything to record.

    A case stays among those found until the read model has read what was said of it: then nothing more is said.
    """
    found = f"select distinct lane, case_id::text as case_id {BEHIND} and lane = any($1) limit $2"
    async with running.pool.acquire() as conn:
        rows = await conn.fetch(found, lanes, ROUND)
        view = await running.directory.latest(conn)
        now = await event_store.business_now(conn)
    if rows:
        log.info("limits_counted_anew", cases=len(rows), directory_version=view.version)
    return await carry_out(running, rows, lambda _, one: decide(running, one, now, view))


def decide(running: Runtime, one: LoadedCase, now: datetime, view: View) -> Decided:
    """What is said of this case, and its next step by the new count."""
    facts, clocks = facts_at(running, view), one.clocks
    events = recount(clocks, max(now, one.last_recorded_at), facts)
    for position, event in enumerate(events, one.version + 1):
        clocks = evolve(clocks, event, position)
    return decided_of(running, one, events, next_step(clocks, facts), view)
