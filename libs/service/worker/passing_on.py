"""A unit, a class or a grid ends: what a service still has of it is passed on, in batches, each case once (SUC-2)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, NamedTuple

import structlog

from libs.directory.facts.view import View
from libs.log.process import fault_points
from libs.log.store import event_store
from libs.log.store.event_store import Connection, lock_lane
from libs.log.transient import TRANSIENT
from libs.log.unjudged import NotJudged
from libs.log.worker import Worker
from libs.log.write.command import Reaction
from libs.log.write.prefetch import Prefetched
from libs.service.runtime import Runtime

log = structlog.get_logger()

ROUND = 2000
"""Cases per poll."""
CASES = 50
"""Cases per transaction: a lane is held for so long."""


class Asked(NamedTuple):
    """Of which directory, at which instant, and of which lanes (None: all)."""

    view: View
    at: datetime
    lanes: Sequence[int] | None


Find = Callable[[Connection, Asked, int], Awaitable[Sequence[Any]]]
"""Rows of `lane`, `case_id`, at most so many: the cases that hang on what has ended."""


@dataclass(frozen=True)
class PassingOn:
    """What a service passes on, and by which command of its own; a case stays among those found until it is read back.

    A case that cannot be judged is left where it is, and keeps no other.
    """

    find: Find
    command: Callable[[datetime], Any]

    async def run(self, running: Runtime, worker: Worker) -> None:
        """Look whether something has ended; for ever."""
        while True:
            await asyncio.sleep(worker.intervals.rest)
            try:
                if await self.poll(running, sorted(worker.lanes)):
                    worker.relay.wake.set()
            except TRANSIENT as why:
                log.warning("passing_on_waits", reason=type(why).__name__)

    async def pending(self, running: Runtime, conn: Connection) -> tuple[int, datetime | None]:
        """How many cases are to be passed on (§5, Idle), and the next instant at which something ends."""
        view, at = await running.directory.latest(conn), await event_store.business_now(conn)
        following = next((end for end in view.ends if end > at), None)
        if not has_begun(view, at):
            return 0, following
        return len(await self.find(conn, Asked(view, at, None), ROUND)), following

    async def poll(self, running: Runtime, lanes: Sequence[int]) -> bool:
        """One poll of these lanes; whether there was anything to pass on."""
        async with running.pool.acquire() as conn:
            view, at = await running.directory.latest(conn), await event_store.business_now(conn)
            rows = await self.find(conn, Asked(view, at, lanes), ROUND) if has_begun(view, at) else ()
            found: dict[int, list[str]] = {}
            for row in rows:
                found.setdefault(row["lane"], []).append(str(row["case_id"]))
            for lane, cases in found.items():
                try:
                    for start in range(0, len(cases), CASES):
                        await self._pass_on(running, conn, lane, cases[start : start + CASES])
                except TRANSIENT as why:
                    log.warning("passing_on_waits", lane=lane, reason=type(why).__name__)
        if found:
            log.info("passed_on", cases=sum(map(len, found.values())), directory_version=view.version)
        return bool(found)

    async def _pass_on(self, running: Runtime, conn: Connection, lane: int, cases: Sequence[str]) -> None:
        try:
            async with conn.transaction():
                await lock_lane(conn, lane)
                seen = await running.look(conn, [f"case-{case_id}" for case_id in cases])
                await running.react(conn, [self._decision(running, one) for one in seen.values() if one.own])
                fault_points.here("passing_on.before_commit")
        except NotJudged as why:
            log.error("case_halted", case_id=why.case_id, lane=lane, exc_info=why)
            if rest := [case_id for case_id in cases if case_id != why.case_id]:
                await self._pass_on(running, conn, lane, rest)

    def _decision(self, running: Runtime, seen: Prefetched) -> Reaction:
        """The command, as if the newest event of the own stream had been recorded now: so that it happens now."""
        last = seen.own[-1]
        cause = replace(last, position=replace(last.position, recorded_at=max(seen.now, last.recorded_at)))
        return Reaction(
            self.command(seen.now), running.facts_of(seen), cause, None, seen.now if running.manual else None
        )


def has_begun(view: View, at: datetime) -> bool:
    """Whether anything has ended yet."""
    return bool(view.ends) and view.ends[0] <= at
