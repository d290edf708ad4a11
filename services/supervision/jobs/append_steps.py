"""What is decided of many cases at once: loaded from their own streams, recorded under their lane's lock. I/O only."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any, NamedTuple

import structlog

from libs.case.facts import Facts
from libs.directory.facts.view import View
from libs.events.contracts.registry import decode
from libs.events.contracts.supervision import ClockMoved, DeadlineRecomputed
from libs.events.decider import SYSTEM
from libs.events.envelope import Draft, Provenance, draft
from libs.events.ids import ClockId, UnitId
from libs.events.lanes import lane_of
from libs.log.process import fault_points
from libs.log.read import waiting
from libs.log.read.waiting import Look
from libs.log.store import event_store
from libs.log.store.event_store import Append, Connection, lock_lane
from libs.log.transient import TRANSIENT
from libs.log.unjudged import NotJudged, judging
from libs.log.write.seal import plain_body
from libs.service.runtime import Runtime
from services.supervision.domain.clocks.case_clocks import Clocks, evolve, is_of_clocks
from services.supervision.domain.clocks.ladder import Step
from services.supervision.domain.clocks.steps import Recordable

log = structlog.get_logger()

CASES = 100
"""Cases per transaction, so that a lane is held for a few hundredths of a second."""
SIDE_BY_SIDE = 3

STREAMS = """
    select stream, type, event_id::text as event_id, recorded_at, body
      from log.event where stream = any($1) order by stream, version
"""
UNITS = "select case_id::text as case_id, unit from case_view where case_id = any($1::uuid[])"
WRITE = """
    insert into timers.timer (case_id, lane, due_at, clock_id, kind, level)
    select * from unnest($1::uuid[], $2::smallint[], $3::timestamptz[], $4::text[], $5::text[], $6::smallint[])
    on conflict (case_id) do update set due_at = excluded.due_at, clock_id = excluded.clock_id,
                                        kind = excluded.kind, level = excluded.level
"""

OfAClock = Recordable | DeadlineRecomputed
Cause = tuple[str, datetime]
"""Event id and `recordedat`."""


@dataclass(frozen=True)
class LoadedCase:
    """One case as the timers need it: what its own stream says of its clocks, and who holds it."""

    case_id: str
    version: int
    """Length of its own stream."""
    clocks: Clocks
    causes: Mapping[ClockId, Cause]
    """The newest event of each clock."""
    last_recorded_at: datetime
    unit: UnitId | None


class Found(NamedTuple):
    """One case as the database has it: the rows of its own stream, and the unit that holds it."""

    case_id: str
    rows: Sequence[Any]
    unit: str | None


async def load(conn: Connection, case_ids: Sequence[str]) -> list[LoadedCase]:
    """These cases, folded as far as clocks go; of a stream no more is decoded. Raises `UnknownEvent`."""
    return [watched(one) for one in await find(conn, case_ids)]


async def find(conn: Connection, case_ids: Sequence[str]) -> list[Found]:
    """These cases, their streams read in one query."""
    rows = await conn.fetch(STREAMS, [f"case-{case_id}" for case_id in case_ids])
    units = dict(await conn.fetch(UNITS, list(case_ids)))
    streams = [
        (name.removeprefix("case-"), list(group)) for name, group in groupby(rows, key=lambda row: row["stream"])
    ]
    return [Found(case_id, stream, units.get(case_id)) for case_id, stream in streams]


def watched(found: Found) -> LoadedCase:
    """The fold of its clocks."""
    clocks, causes = Clocks(), {}
    for version, row in enumerate(found.rows, 1):
        event = decode(row["type"], row["body"])
        if is_of_clocks(event):
            clocks = evolve(clocks, event, version)
        if isinstance(event, ClockMoved):
            causes[event.clock_id] = (row["event_id"], row["recorded_at"])
    unit = UnitId(found.unit) if found.unit else None
    return LoadedCase(found.case_id, len(found.rows), clocks, causes, found.rows[-1]["recorded_at"], unit)


def facts_at(running: Runtime, view: View) -> Facts:
    """A version of the directory, and the others that clocks have pinned; asked for after the streams are loaded."""
    return Facts(None, view, running.directory.directory)


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


@dataclass(frozen=True)
class Decided:
    """What is to be recorded of one case, and what comes next."""

    case_id: str
    version: int
    events: Append | None
    following: Step | None


Decide = Callable[[int, LoadedCase], Decided]
"""What follows for a case of this lane."""


async def carry_out(running: Runtime, found: Sequence[Any], look: Look, decide: Decide) -> bool:
    """Decide for the cases found (rows of `lane`, `case_id`), and record; whether there was anything to record.

    A case that cannot be judged waits for this look, and no other case does.
    """
    lanes: dict[int, list[str]] = {}
    for row in found:
        lanes.setdefault(row["lane"], []).append(row["case_id"])
    slots = asyncio.Semaphore(SIDE_BY_SIDE)
    async with asyncio.TaskGroup() as group:
        done = [group.create_task(_lane(running, slots, look, decide, *one)) for one in lanes.items()]
    return any(one.result() for one in done)


async def _lane(  # noqa: PLR0917 - one lane of `carry_out`
    running: Runtime, slots: asyncio.Semaphore, look: Look, decide: Decide, lane: int, case_ids: Sequence[str]
) -> bool:
    """Whether there was anything to record; a lane that is closed or held keeps no other from its steps."""
    recorded = False
    async with slots:
        try:
            async with running.pool.acquire() as conn:
                for start in range(0, len(case_ids), CASES):
                    found = await find(conn, case_ids[start : start + CASES])
                    decided, unjudged = _judged(found, lane, decide)
                    async with conn.transaction():
                        await lock_lane(conn, lane)
                        await record(conn, decided)
                        for why in unjudged:
                            await waiting.put_look(conn, why.case_id, look, why.why)
                        fault_points.here("timer.before_commit")
                    recorded |= bool(decided)
        except TRANSIENT as why:
            log.warning("timers_wait", lane=lane, reason=type(why).__name__)
            return False
    return recorded


def _judged(cases: Sequence[Found], lane: int, decide: Decide) -> tuple[list[Decided], list[NotJudged]]:
    """What follows for each, and which cannot be judged, be the case newer than this code or the code mistaken."""
    decided, unjudged = [], []
    for one in cases:
        try:
            with judging(one.case_id, deciding=False):
                decided.append(decide(lane, watched(one)))
        except NotJudged as why:
            log.error("case_waits", case_id=one.case_id, lane=lane, reason=why.why, exc_info=why.__cause__)
            unjudged.append(why)
    return decided, unjudged


async def record(conn: Connection, decided: Sequence[Decided]) -> None:
    """Append what was decided and set the next steps, in one transaction whose lane is locked.

    A case whose stream has moved on meanwhile is left: its timer row stands, and the next poll decides anew.
    """
    streams = [f"case-{one.case_id}" for one in decided]
    heads = dict(await conn.fetch("select stream, version from log.stream_head where stream = any($1)", streams))
    unmoved = [one for one in decided if heads[f"case-{one.case_id}"] == one.version]
    await event_store.append_all(conn, [one.events for one in unmoved if one.events])
    await write(conn, {one.case_id: one.following for one in unmoved})


def decided_of(
    running: Runtime, one: LoadedCase, events: Sequence[OfAClock], following: Step | None, view: View
) -> Decided:
    """These events of a case, ready to be written, and its next step."""
    if not events:
        return Decided(one.case_id, one.version, None, following)
    append = Append(
        stream=f"case-{one.case_id}",
        drafts=[_draft(running.settings.source, one, event, view.version) for event in events],
        expected=one.version,
        cause=one.last_recorded_at,
        given=max(instant_of(event) for event in events) if running.manual else None,
    )
    return Decided(one.case_id, one.version, append, following)


def instant_of(event: OfAClock) -> datetime:
    """When it happened: a step at its own instant, whenever it is recorded."""
    return event.at if isinstance(event, DeadlineRecomputed) else event.instant


def _draft(source: str, one: LoadedCase, event: OfAClock, directory_version: int) -> Draft:
    """It bears its own instant; its cause is the newest event of its clock."""
    return draft(
        event,
        plain_body(event),
        source=source,
        subject=one.case_id,
        stream=f"case-{one.case_id}",
        at=instant_of(event),
        by=Provenance(SYSTEM, directory_version, *one.causes[event.clock_id]),
    )
