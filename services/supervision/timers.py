"""Timers: the index of each case's next step, and the loop that records steps behind the watermark. I/O only.

A row is written from the fold wherever the fold changes: with the reader's batch, and with the recording of a step.
Losing the table loses nothing: `rebuild` makes it again from supervision's own streams.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import Any

import structlog
from prometheus_client import Gauge

from libs.directory.facts import Facts
from libs.directory.view import View
from libs.events import crash, store
from libs.events.contracts.registry import decode
from libs.events.contracts.supervision import ClockMoved
from libs.events.decider import SYSTEM
from libs.events.envelope import Draft, Provenance, draft
from libs.events.errors import UnknownEvent
from libs.events.following import TRANSIENT
from libs.events.ids import ClockId, UnitId
from libs.events.lanes import lane_of
from libs.events.seal import plain_body
from libs.events.store import Append, Connection, lock_lane
from libs.events.worker import Worker
from libs.service.runtime import Runtime
from services.supervision.elapsing import Recordable, look, next_step
from services.supervision.ladder import Step
from services.supervision.tracks import Clocks, evolve

log = structlog.get_logger()

SOURCES = ("/xunban/intake", "/xunban/routing", "/xunban/supervision")
"""Whose facts move clocks: their watermarks license the steps."""
CASES = 100
"""Cases per transaction, so that a lane is held for a few hundredths of a second."""
ROUND = 500
"""Cases per lane and look."""
SIDE_BY_SIDE = 3
LOOK_EVERY_SECONDS = 5.0

STREAMS = """
    select stream, type, event_id::text as event_id, recorded_at, body
      from log.event where stream = any($1) order by stream, version
"""
UNITS = "select case_id::text as case_id, unit from case_view where case_id = any($1::uuid[])"
DUE = """
    select t.case_id::text as case_id, t.lane
      from unnest($1::smallint[], $2::timestamptz[]) w(lane, at)
     cross join lateral (select case_id, lane from timers.timer
                          where lane = w.lane and due_at < w.at order by due_at limit $3) t
"""
PENDING = """
    with mark as (
      select lane, greatest(min(at), $2) as at from watermark
       where lane < 64 and source = any($1) group by lane)
    select (select count(*) from mark join timers.timer t on t.lane = mark.lane and t.due_at < mark.at) as due,
           (select min(next.due_at) from mark cross join lateral
             (select due_at from timers.timer where lane = mark.lane and due_at >= mark.at order by due_at limit 1) next
           ) as next_due
"""
OVERDUE = """
    select count(*) as steps, extract(epoch from log.business_now() - min(due_at))::float8 as seconds
      from timers.timer where lane = any($1) and due_at < (select log.business_now())
"""
LATE = Gauge("xunban_timer_late_seconds", "How long the oldest step of a clock has been due and is not recorded.")
WAITING = Gauge("xunban_timers_due", "Steps of clocks that are due and not recorded.")
WRITE = """
    insert into timers.timer (case_id, lane, due_at, clock_id, kind, level)
    select * from unnest($1::uuid[], $2::smallint[], $3::timestamptz[], $4::text[], $5::text[], $6::smallint[])
    on conflict (case_id) do update set due_at = excluded.due_at, clock_id = excluded.clock_id,
                                        kind = excluded.kind, level = excluded.level
"""


Cause = tuple[str, datetime]
"""Event id and `recordedat`."""


@dataclass(frozen=True)
class Watched:
    """One case as the timers need it: what its own stream says of its clocks, and who holds it."""

    case_id: str
    version: int
    """Length of its own stream."""
    clocks: Clocks
    causes: Mapping[ClockId, Cause]
    """The newest event of each clock."""
    last_recorded_at: datetime
    unit: UnitId | None


async def load(conn: Connection, case_ids: Sequence[str]) -> list[Watched]:
    """These cases, their streams read in one query and folded as far as clocks go; of a stream no more is decoded."""
    rows = await conn.fetch(STREAMS, [f"case-{case_id}" for case_id in case_ids])
    units = dict(await conn.fetch(UNITS, list(case_ids)))
    streams = groupby(rows, key=lambda row: row["stream"])
    return [_watched(stream.removeprefix("case-"), list(group), units) for stream, group in streams]


def _watched(case_id: str, rows: Sequence[Any], units: Mapping[str, str | None]) -> Watched:
    clocks, causes = Clocks(), {}
    for version, row in enumerate(rows, 1):
        event = decode(row["type"], row["body"])
        clocks = evolve(clocks, event, version)
        if isinstance(event, ClockMoved):
            causes[event.clock_id] = (row["event_id"], row["recorded_at"])
    unit = units.get(case_id)
    return Watched(case_id, len(rows), clocks, causes, rows[-1]["recorded_at"], UnitId(unit) if unit else None)


async def write(conn: Connection, steps: Mapping[str, Step | None]) -> None:
    """The next step of each case; none = no row. The lane is locked."""
    gone = [case_id for case_id, step in steps.items() if step is None]
    if gone:
        await conn.execute("delete from timers.timer where case_id = any($1::uuid[])", gone)
    rows = [
        (case_id, lane_of(case_id), step.instant, step.clock_id, step.kind, step.level)
        for case_id, step in steps.items()
        if step
    ]
    if rows:
        await conn.execute(WRITE, *(list(column) for column in zip(*rows, strict=True)))


async def follow(running: Runtime, conn: Connection, case_ids: Sequence[str]) -> None:
    """After the reactions of a reader's batch, in its transaction: the fold moved, so does the next step."""
    view = await running.directory.latest(conn)
    watched = await load(conn, case_ids)
    facts = facts_at(running, view)
    await write(conn, {one.case_id: next_step(one.clocks, facts) for one in watched})


def facts_at(running: Runtime, view: View) -> Facts:
    """A version of the directory, and the others that clocks have pinned; asked for after the streams are loaded."""
    return Facts(None, view, running.directory.directory)


async def pending(conn: Connection) -> tuple[int, datetime | None]:
    """Cases with a step before the clock or their lane's watermark, and the first due instant after it (§5, Idle)."""
    now = await store.business_now(conn)
    row = await conn.fetchrow(PENDING, list(SOURCES), now)
    return (row["due"], row["next_due"]) if row else (0, None)


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
    for start in range(0, len(case_ids), ROUND):
        await follow(running, conn, case_ids[start : start + ROUND])
    return int(await conn.fetchval("select count(*) from timers.timer"))


# The loop


async def run(running: Runtime, worker: Worker) -> None:
    """Record steps whenever a watermark has moved, and look at least each second; for ever."""
    while True:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LOOK_EVERY_SECONDS):
                await worker.moved.wait()
        worker.moved.clear()
        try:
            while await fire(running, worker):
                worker.relay.wake.set()
        except TRANSIENT as why:
            log.warning("timers_wait", reason=type(why).__name__)
            await asyncio.sleep(0.2)


async def fire(running: Runtime, worker: Worker) -> bool:
    """One look over the owned lanes; whether something was recorded."""
    marks = {lane: worker.watermarks.lane(lane, SOURCES) for lane in worker.lanes}
    async with running.pool.acquire() as conn:
        rows = await conn.fetch(DUE, list(marks), list(marks.values()), ROUND)
        this = Look(running, await running.directory.latest(conn))
    lanes: dict[int, list[str]] = {}
    for row in rows:
        lanes.setdefault(row["lane"], []).append(row["case_id"])
    async with asyncio.TaskGroup() as group:
        done = [group.create_task(this.lane(lane, marks[lane], case_ids)) for lane, case_ids in lanes.items()]
    return any(one.result() for one in done)


@dataclass(frozen=True)
class Look:
    """One look: a few lanes side by side, each in short transactions."""

    running: Runtime
    view: View
    slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(SIDE_BY_SIDE))

    async def lane(self, lane: int, watermark: datetime, case_ids: Sequence[str]) -> bool:
        """Whether it went through.

        A lane that is closed or held, or whose cases know more than this code, keeps no other from its steps.
        """
        async with self.slots:
            try:
                await self._record(lane, watermark, case_ids)
            except (UnknownEvent, *TRANSIENT) as why:
                log.warning("timers_wait", lane=lane, reason=type(why).__name__)
                return False
        return True

    async def _record(self, lane: int, watermark: datetime, case_ids: Sequence[str]) -> None:
        """Decide outside any transaction, then record under the lane's lock."""
        async with self.running.pool.acquire() as conn:
            for start in range(0, len(case_ids), CASES):
                watched = await load(conn, case_ids[start : start + CASES])
                decided = decide(self.running, watched, watermark, self.view)
                async with conn.transaction():
                    await lock_lane(conn, lane)
                    await record(conn, decided)
                    crash.here("timer.before_commit")


@dataclass(frozen=True)
class Decided:
    """What is to be recorded of one case, and what comes next."""

    case_id: str
    version: int
    steps: Append | None
    following: Step | None


def decide(running: Runtime, watched: Sequence[Watched], watermark: datetime, view: View) -> list[Decided]:
    """The steps of these cases that the watermark licenses, ready to be written."""
    facts = facts_at(running, view)
    decided = []
    for one in watched:
        steps, following = look(one.clocks, watermark, facts, one.unit)
        append = _append(running, one, steps, view.version) if steps else None
        decided.append(Decided(one.case_id, one.version, append, following))
    return decided


async def record(conn: Connection, decided: Sequence[Decided]) -> None:
    """Append the steps and set the next ones, in one transaction whose lane is locked.

    A case whose stream has moved on meanwhile is left: its timer row stands, and the next look decides anew.
    """
    streams = [f"case-{one.case_id}" for one in decided]
    heads = dict(await conn.fetch("select stream, version from log.stream_head where stream = any($1)", streams))
    unmoved = [one for one in decided if heads[f"case-{one.case_id}"] == one.version]
    await store.append_all(conn, [one.steps for one in unmoved if one.steps])
    await write(conn, {one.case_id: one.following for one in unmoved})


def _append(running: Runtime, one: Watched, steps: Sequence[Recordable], directory_version: int) -> Append:
    return Append(
        stream=f"case-{one.case_id}",
        drafts=[_draft(running.settings.source, one, step, directory_version) for step in steps],
        expected=one.version,
        cause=one.last_recorded_at,
        given=max(step.instant for step in steps) if running.manual else None,
    )


def _draft(source: str, one: Watched, step: Recordable, directory_version: int) -> Draft:
    """The step bears its own instant; its cause is the newest event of its clock."""
    return draft(
        step,
        plain_body(step),
        source=source,
        subject=one.case_id,
        stream=f"case-{one.case_id}",
        at=step.instant,
        by=Provenance(SYSTEM, directory_version, *one.causes[step.clock_id]),
    )
