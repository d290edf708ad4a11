"""Timers: the index of each case's next step, and the loop that records steps behind the watermark. I/O only.

A row is written from the fold wherever the fold changes: with the reader's batch, and with the recording of a step.
Losing the table loses nothing: `rebuild` makes it again from supervision's own streams.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from datetime import datetime

import structlog
from prometheus_client import Gauge

from libs.directory.facts.view import View
from libs.log.read.waiting import NOT_WAITING, Look
from libs.log.store import event_store
from libs.log.store.event_store import Connection
from libs.log.transient import TRANSIENT
from libs.log.unjudged import judging
from libs.log.watermarks.watermark import DECIDING_SOURCES
from libs.log.worker import Worker
from libs.service.runtime import Runtime
from services.supervision.domain.clocks.case_clocks import Clocks
from services.supervision.domain.clocks.ladder import Step
from services.supervision.domain.clocks.steps import next_step, steps_to_record
from services.supervision.domain.decider import State
from services.supervision.jobs import recount
from services.supervision.jobs.append_steps import (
    Decided,
    LoadedCase,
    carry_out,
    decided_of,
    facts_at,
    find,
    load,
    watched,
    write,
)

log = structlog.get_logger()

SOURCES = DECIDING_SOURCES
"""Whose facts move clocks: their watermarks license the steps."""
STEPS = Look("steps")
ROUND = 500
"""Cases per lane and poll."""
POLL_EVERY_SECONDS = 5.0

DUE = f"""
    with now as materialized (select log.business_now() as at)
    select t.case_id::text as case_id, t.lane, least(w.at, now.at) as until
      from now cross join unnest($1::smallint[], $2::timestamptz[]) w(lane, at)
     cross join lateral (select case_id, lane from timers.timer
                          where lane = w.lane and due_at < least(w.at, now.at) and {NOT_WAITING.format("timer")}
                          order by due_at limit $3) t
"""  # noqa: S608 - our own names
"""Whatever a heartbeat promised: no step is recorded of an instant that is still to come by this database's clock."""
PENDING = f"""
    with mark as (
      select lane, greatest(min(at), $2) as at from watermark
       where lane < 64 and source = any($1) group by lane)
    select (select count(*) from mark join timers.timer t on t.lane = mark.lane and t.due_at < mark.at
                                       and {NOT_WAITING.format("t")}) as due,
           (select min(next.due_at) from mark cross join lateral
             (select due_at from timers.timer where lane = mark.lane and due_at >= mark.at order by due_at limit 1) next
           ) as next_due
"""  # noqa: S608 - our own names
OVERDUE = """
    select count(*) as steps, extract(epoch from log.business_now() - min(due_at))::float8 as seconds
      from timers.timer where lane = any($1) and due_at < (select log.business_now())
"""
LATE = Gauge("xunban_timer_late_seconds", "How long the oldest step of a clock has been due and is not recorded.")
WAITING = Gauge("xunban_timers_due", "Steps of clocks that are due and not recorded.")


async def follow(running: Runtime, conn: Connection, states: Mapping[str, State]) -> None:
    """After the reactions of a reader's batch, in its transaction: the fold moved, so does the next step.

    `states`: each case as the reactions left it. Raises `NotJudged`: a clock whose steps cannot be said is not started
    either.
    """
    await _write_steps(running, conn, {case_id: one.clocks for case_id, one in states.items() if one.version})


async def _write_steps(running: Runtime, conn: Connection, clocks: Mapping[str, Clocks]) -> None:
    facts, steps = facts_at(running, running.directory.directory.latest), dict[str, Step | None]()
    for case_id, of_case in clocks.items():
        with judging(case_id, deciding=False):
            steps[case_id] = next_step(of_case, facts)
    await write(conn, steps)


async def pending(_: Runtime, conn: Connection) -> tuple[int, datetime | None]:
    """Cases with a step before the clock or their lane's watermark, and the first due instant after it (§5, Idle).

    Cases whose limits are to be counted anew are due too.
    """
    now = await event_store.business_now(conn)
    row = await conn.fetchrow(PENDING, list(SOURCES), now)
    waiting = await recount.waiting(conn)
    return (row["due"] + waiting, row["next_due"]) if row else (waiting, None)


async def measure(conn: Connection, lanes: Sequence[int]) -> None:
    """How late the oldest step of these lanes is, and how many are: due by the clock, whatever the watermark says."""
    row = await conn.fetchrow(OVERDUE, list(lanes))
    LATE.set(max(0.0, row["seconds"] or 0.0) if row else 0.0)
    WAITING.set(row["steps"] if row else 0)


async def rebuild(running: Runtime, conn: Connection) -> int:
    """Make the table again from supervision's own streams; returns how many cases have a step ahead."""
    streams = await conn.fetch("select stream from log.stream_head where stream like 'case-%' order by lane, stream")
    case_ids = [row["stream"].removeprefix("case-") for row in streams]
    await conn.execute("delete from timers.timer")
    await running.directory.latest(conn)
    for start in range(0, len(case_ids), ROUND):
        loaded = await load(conn, case_ids[start : start + ROUND])
        await _write_steps(running, conn, {one.case_id: one.clocks for one in loaded})
    return int(await conn.fetchval("select count(*) from timers.timer"))


# The loop


async def run(running: Runtime, worker: Worker) -> None:
    """Record steps whenever a watermark has moved, and every few seconds; for ever."""
    while True:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(POLL_EVERY_SECONDS):
                await worker.moved.wait()
        worker.moved.clear()
        try:
            while await fire(running, worker):
                worker.relay.wake.set()
        except TRANSIENT as why:
            log.warning("timers_wait", reason=type(why).__name__)
            await asyncio.sleep(0.2)


async def fire(running: Runtime, worker: Worker) -> bool:
    """One poll of the owned lanes; whether there was anything to record."""
    marks = {lane: worker.watermarks.lane(lane, SOURCES) for lane in worker.lanes}
    async with running.pool.acquire() as conn:
        rows = await conn.fetch(DUE, list(marks), list(marks.values()), ROUND)
        view = await running.directory.latest(conn)
    until = {row["lane"]: row["until"] for row in rows}
    return await carry_out(running, rows, STEPS, lambda lane, one: decide(running, one, until[lane], view))


async def look(running: Runtime, conn: Connection, case_id: str) -> None:
    """Whether the steps of a case that waits for them can be said by now. Raises `NotJudged`."""
    view, now = await running.directory.latest(conn), await event_store.business_now(conn)
    for one in await find(conn, [case_id]):
        with judging(case_id, deciding=False):
            decide(running, watched(one), now, view)


def decide(running: Runtime, one: LoadedCase, watermark: datetime, view: View) -> Decided:
    """The steps of this case that the watermark licenses, ready to be written."""
    found = steps_to_record(one.clocks, watermark, facts_at(running, view), one.unit)
    return decided_of(running, one, *found, view)
