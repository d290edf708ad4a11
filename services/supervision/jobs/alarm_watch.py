"""The alarm over cases that nobody answers for and that no clock watches, and who is told; api/alarms.py lists them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from datetime import datetime

import structlog

from libs.events.contracts.parts.clock import Alarm
from libs.events.decider import SYSTEM
from libs.events.errors import NotFound, Rejected, StreamConflict
from libs.events.lanes import lane_of
from libs.log.read import waiting
from libs.log.read.waiting import NOT_WAITING, Look
from libs.log.store import event_store
from libs.log.store.event_store import Connection, lock_lane
from libs.log.transient import TRANSIENT
from libs.log.unjudged import NotJudged, judging
from libs.log.worker import Worker
from libs.log.write.command import CommandContext
from libs.service.runtime import Runtime
from services.supervision.api.alarms import FOUND, WITHOUT_A_CLOCK, judged_by
from services.supervision.domain.orders.left_alone import SayLeftAlone
from services.supervision.jobs.timers import SOURCES

log = structlog.get_logger()

POLL_SECONDS = 60.0
LOOK_AT_MOST_SECONDS = 30.0
SAY_EVERY_SECONDS = 10.0
LEFT_ALONE = Look("left_alone")
ROUND = 200
"""Cases per poll."""
UNTOLD = f"""
select case_id::text as case_id, kind, last_step_at from ({WITHOUT_A_CLOCK}) a
 where kind is not null and not told and (kind = 'NOT_REGISTERED' or last_step_at < $7) and lane = any($8)
   and {NOT_WAITING.format("a")}
   and lane not in (select h.lane from log.lane_head h where h.closed is not null)
 order by last_step_at, case_id limit {ROUND}
"""  # noqa: S608 - our own names
"""Left alone too long, and nobody is told of it yet."""


async def watch(running: Runtime, worker: Worker) -> None:
    """Alarm every minute while there are such cases in the owned lanes; for ever."""
    while True:
        await asyncio.sleep(POLL_SECONDS)
        try:
            for kind, cases in (await counted(running, sorted(worker.lanes))).items():
                log.error("cases_unattended", kind=kind, cases=cases)
        except (NotFound, *TRANSIENT) as why:  # not found: nobody has published a rulebook yet
            log.warning("alarms_wait", reason=type(why).__name__)


async def counted(running: Runtime, lanes: Sequence[int]) -> dict[str, int]:
    """Kind of alarm → cases of these lanes."""
    async with running.pool.acquire() as conn, conn.transaction(readonly=True):
        await conn.execute(f"set local statement_timeout = '{LOOK_AT_MOST_SECONDS}s'")
        directory = await running.directory.latest(conn)
        values = judged_by(await event_store.business_now(conn), directory)
        statement = f"select kind, count(*) as cases from ({FOUND} and lane = any($8)) f group by kind"  # noqa: S608 - values are bound
        rows = await conn.fetch(statement, *values, lanes)
    return {row["kind"]: row["cases"] for row in rows}


async def say(running: Runtime, worker: Worker) -> None:
    """Say of each such case that nobody has done anything for long, so that somebody is told; for ever."""
    while True:
        await asyncio.sleep(SAY_EVERY_SECONDS)
        try:
            if await said(running, worker):
                worker.relay.wake.set()
        except (NotFound, StreamConflict, *TRANSIENT) as why:
            log.warning("alarms_wait", reason=type(why).__name__)


async def said(running: Runtime, worker: Worker) -> int:
    """Of how many cases of the owned lanes it was to be said.

    Judged at the watermark: a step that is still on its way is a step.
    """
    lanes = sorted(worker.lanes)
    if not lanes:
        return 0
    async with running.pool.acquire() as conn:
        directory = await running.directory.latest(conn)
        known = min(worker.watermarks.lane(lane, SOURCES) for lane in lanes)
        at = min(known, await event_store.business_now(conn))
        rows = await conn.fetch(UNTOLD, *judged_by(at, directory), lanes)
    for row in rows:
        await _say(running, row["case_id"], row["kind"], row["last_step_at"])
    return len(rows)


async def _say(running: Runtime, case_id: str, alarm: Alarm, since: datetime) -> None:
    """A case that cannot be judged waits, and keeps no other from being told; where it is refused nothing is said.

    Raises `StreamConflict`.
    """
    try:
        with judging(case_id):
            await running.handler.handle(
                case_id, lambda now: SayLeftAlone(now, SYSTEM, alarm, since), running.facts_in, CommandContext(SYSTEM)
            )
    except StreamConflict:
        raise
    except Rejected as why:
        log.warning("alarm_refused", case_id=case_id, code=why.code)
    except NotJudged as why:
        lane = lane_of(case_id)
        log.error("case_waits", case_id=case_id, lane=lane, reason=why.why, exc_info=why.__cause__)
        async with running.pool.acquire() as conn, conn.transaction():
            await lock_lane(conn, lane)
            await waiting.put_look(conn, case_id, LEFT_ALONE, why.why)


async def look(running: Runtime, conn: Connection, case_id: str) -> None:
    """Whether it can be said by now of a case that waits for it that it is left alone. Raises `NotJudged`."""
    now = await event_store.business_now(conn)
    with contextlib.suppress(Rejected), judging(case_id):
        state, facts = await running.state_and_facts(conn, case_id)
        running.parts.decider.decide(state, SayLeftAlone(now, SYSTEM, "NO_STEP", now), facts)
