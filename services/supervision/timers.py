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

import structlog
from prometheus_client import Gauge

from libs.directory.facts import Facts
from libs.directory.view import View
from libs.events import crash, store
from libs.events.contracts.supervision import ClockMoved
from libs.events.decider import SYSTEM
from libs.events.envelope import Draft, Provenance, Recorded, draft, recorded
from libs.events.lanes import decode_meta, lane_of
from libs.events.lifecycle import Case
from libs.events.seal import plain_body
from libs.events.store import Append, Connection, lock_lane
from libs.events.worker import TRANSIENT, Worker
from libs.service.runtime import Runtime
from services.supervision.domain import DECIDER, State
from services.supervision.elapsing import Recordable, look, next_step
from services.supervision.ladder import Step

log = structlog.get_logger()

SOURCES = ("/xunban/intake", "/xunban/routing", "/xunban/supervision")
"""Whose facts move clocks: their watermarks license the steps."""
CASES = 50
"""Cases per transaction, so that a lane is never held for long."""
ROUND = 500
"""Cases per lane and look."""
SIDE_BY_SIDE = 3
LOOK_EVERY_SECONDS = 5.0

STREAMS = """
    select stream, lane, seq, version, recorded_at, prev_hash, hash, meta, body
      from log.event where stream = any($1) order by stream, version
"""
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


@dataclass(frozen=True)
class Watched:
    """One case as the timers need it: its own stream, folded, and what decisions may look at."""

    case_id: str
    own: tuple[Recorded, ...]
    state: State
    facts: Facts


async def load(conn: Connection, case_ids: Sequence[str], view: View, running: Runtime) -> list[Watched]:
    """The streams of these cases in one query, folded."""
    rows = await conn.fetch(STREAMS, [f"case-{case_id}" for case_id in case_ids])
    docs = await conn.fetch("select doc from case_view where case_id = any($1::uuid[])", list(case_ids))
    cases = {case.case_id: case for row in docs if (case := Case.model_validate_json(row["doc"]))}
    found = []
    for stream, group in groupby(rows, key=lambda row: row["stream"]):
        case_id = stream.removeprefix("case-")
        own = tuple(recorded(store.stored_position(row), decode_meta(row["meta"]), row["body"]) for row in group)
        facts = Facts(cases.get(case_id), view, running.directory.directory)
        found.append(Watched(case_id, own, DECIDER.fold(event.data for event in own), facts))
    return found


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
    watched = await load(conn, case_ids, view, running)
    await write(conn, {one.case_id: next_step(one.state.clocks, one.facts) for one in watched})


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
    view = await running.directory.latest(conn)
    await conn.execute("delete from timers.timer")
    for start in range(0, len(case_ids), ROUND):
        watched = await load(conn, case_ids[start : start + ROUND], view, running)
        await write(conn, {one.case_id: next_step(one.state.clocks, one.facts) for one in watched})
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
        """Whether it went through: a lane that is closed or held must not keep the others from their steps."""
        async with self.slots:
            try:
                await self._record(lane, watermark, case_ids)
            except TRANSIENT as why:
                log.warning("timers_wait", lane=lane, reason=type(why).__name__)
                return False
        return True

    async def _record(self, lane: int, watermark: datetime, case_ids: Sequence[str]) -> None:
        """Decide outside any transaction, then record under the lane's lock."""
        async with self.running.pool.acquire() as conn:
            for start in range(0, len(case_ids), CASES):
                watched = await load(conn, case_ids[start : start + CASES], self.view, self.running)
                decided = [(one, *look(one.state.clocks, watermark, one.facts)) for one in watched]
                async with conn.transaction():
                    await lock_lane(conn, lane)
                    await record(self.running, conn, decided)
                    crash.here("timer.before_commit")


async def record(
    running: Runtime, conn: Connection, decided: Sequence[tuple[Watched, Sequence[Recordable], Step | None]]
) -> None:
    """Append the steps and set the next ones, in one transaction whose lane is locked.

    A case whose stream has moved on meanwhile is left: its timer row stands, and the next look decides anew.
    """
    streams = [f"case-{one.case_id}" for one, _, _ in decided]
    heads = await conn.fetch("select stream, version from log.stream_head where stream = any($1)", streams)
    versions = {row["stream"]: row["version"] for row in heads}
    unmoved = [one for one in decided if versions[f"case-{one[0].case_id}"] == len(one[0].own)]
    await store.append_all(conn, [_append(running, one, steps) for one, steps, _ in unmoved if steps])
    await write(conn, {one.case_id: following for one, _, following in unmoved})


def _append(running: Runtime, one: Watched, steps: Sequence[Recordable]) -> Append:
    return Append(
        stream=f"case-{one.case_id}",
        drafts=[_draft(running, one, step) for step in steps],
        expected=len(one.own),
        cause=one.own[-1].recorded_at,
        given=max(step.instant for step in steps) if running.manual else None,
    )


def _draft(running: Runtime, one: Watched, step: Recordable) -> Draft:
    """The step bears its own instant; its cause is the newest event of its clock."""
    of_clock = [
        event for event in one.own if isinstance(event.data, ClockMoved) and event.data.clock_id == step.clock_id
    ]
    cause = of_clock[-1]
    by = Provenance(SYSTEM, one.facts.directory_version, cause.id, cause.recorded_at)
    return draft(
        step,
        plain_body(step),
        source=running.settings.source,
        subject=one.case_id,
        stream=f"case-{one.case_id}",
        at=step.instant,
        by=by,
    )
