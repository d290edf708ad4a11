"""A calendar was published: open limits over days that have changed are counted anew (CLK-15, CLK-16). I/O only."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime

import structlog

from libs.directory.facts.directory import Directory
from libs.directory.facts.view import View
from libs.directory.readmodel import store as directory_store
from libs.directory.readmodel.store import FactRow
from libs.events.contracts.directory import CalendarPublished, RulebookPublished, UnitPublished
from libs.events.ids import UnitId
from libs.log.read.waiting import NOT_WAITING, Look
from libs.log.store import event_store
from libs.log.store.event_store import Connection
from libs.log.transient import TRANSIENT
from libs.log.unjudged import judging
from libs.log.worker import Worker
from libs.service.runtime import Runtime
from services.supervision.domain.clocks.case_clocks import OF_A_UNIT, evolve
from services.supervision.domain.clocks.recount import Period, changes_by_unit, recount
from services.supervision.domain.clocks.steps import next_step
from services.supervision.jobs.append_steps import Decided, LoadedCase, carry_out, decided_of, facts_at, find, watched
from services.supervision.readmodel.tables import OPEN_BY_CALENDAR

log = structlog.get_logger()

RECOUNT = Look("recount")
ROUND = 2000
"""Cases per poll."""
PUBLISHED = f"""
    select version, event_id::text as event_id, type, body from directory_fact
     where type in ('{CalendarPublished.ce_type}', '{RulebookPublished.ce_type}', '{UnitPublished.ce_type}')
     order by version
"""  # noqa: S608 - our own names
PINNED = f"""
    with recursive newest as (
      select max(version) as version from directory_fact where type = '{CalendarPublished.ce_type}'),
    pinned(version) as (
      select (select min(calendar_version) from clock where {OPEN_BY_CALENDAR})
      union all
      select (select min(calendar_version) from clock where {OPEN_BY_CALENDAR} and calendar_version > p.version)
        from pinned p, newest n where p.version < n.version)
    select p.version from pinned p, newest n where p.version < n.version
"""  # noqa: S608 - our own names
"""By which versions open clocks count that are older than the newest calendar: one step in an index for each."""
BEHIND = f"""
    from clock c where {OPEN_BY_CALENDAR} and calendar_version = any($1)
     and {NOT_WAITING.format("c")}
     and case when clock = any($4) then coalesce(unit, '') else '' end = any($5)
     and (provisional or exists (
       select from unnest($2::timestamptz[], $3::timestamptz[]) d(begins, ends)
        where c.started_at < d.ends and d.begins < c.due_at))
"""
"""Clocks that domain/clocks/recount.py will count anew: those over a day that has changed, and provisional ones."""

Changed = tuple[list[int], list[datetime], list[datetime], list[str], list[str]]
"""Versions that pin the same days; when the days begin and end on which the calendar differs by now; which clocks
count by their unit's own calendar (none where no unit has one); the units whose days these are, the centre as ''."""


async def changed(conn: Connection) -> list[Changed]:
    """What has changed since each version by which open clocks count; empty where none is behind."""
    pinned = [row["version"] for row in await conn.fetch(PINNED)]
    if not pinned:
        return []
    rows = [FactRow(*row.values()) for row in await conn.fetch(PUBLISHED)]
    directory = directory_store.apply(Directory(), rows)
    found: dict[tuple[tuple[Period, ...], tuple[UnitId | None, ...], bool], list[int]] = {}
    for version in pinned:
        by_days = changes_by_unit(directory.at(min(version, directory.version)), directory.latest)
        one_calendar = [*by_days.values()] == [[None]]
        for days, units in by_days.items():
            found.setdefault((days, tuple(units), one_calendar), []).append(version)
    return [
        (
            versions,
            [day[0] for day in days],
            [day[1] for day in days],
            [] if one_calendar else [*OF_A_UNIT],
            [unit or "" for unit in units],
        )
        for (days, units, one_calendar), versions in found.items()
    ]


async def waiting(conn: Connection) -> int:
    """Cases whose limits are to be counted anew."""
    cases = f"select count(distinct case_id) {BEHIND}"
    return sum([int(await conn.fetchval(cases, *one)) for one in await changed(conn)])


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
    found = f"select distinct lane, case_id::text as case_id {BEHIND} and lane = any($6) limit $7"
    async with running.pool.acquire() as conn:
        rows = [row for one in await changed(conn) for row in await conn.fetch(found, *one, lanes, ROUND)]
        view = await running.directory.latest(conn)
        now = await event_store.business_now(conn)
    if rows:
        log.info("limits_counted_anew", cases=len(rows), directory_version=view.version)
    return await carry_out(running, rows, RECOUNT, lambda _, one: decide(running, one, now, view))


async def look(running: Runtime, conn: Connection, case_id: str) -> None:
    """Whether a case that waits to be counted anew can be by now. Raises `NotJudged`."""
    view, now = await running.directory.latest(conn), await event_store.business_now(conn)
    for one in await find(conn, [case_id]):
        with judging(case_id, deciding=False):
            decide(running, watched(one), now, view)


def decide(running: Runtime, one: LoadedCase, now: datetime, view: View) -> Decided:
    """What is said of this case, and its next step by the new count."""
    facts, clocks = facts_at(running, view), one.clocks
    events = recount(clocks, max(now, one.last_recorded_at), facts)
    for position, event in enumerate(events, one.version + 1):
        clocks = evolve(clocks, event, position)
    return decided_of(running, one, events, next_step(clocks, facts), view)
