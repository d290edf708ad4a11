"""Cases that wait to be judged go on by themselves, after a start and when the directory has changed. I/O only."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

import structlog

from libs.directory.facts.view import View
from libs.log.read import waiting
from libs.log.read.waiting import Look
from libs.log.store.event_store import Connection
from libs.log.transient import TRANSIENT
from libs.log.unjudged import NotJudged
from libs.log.worker import Worker
from libs.service.observe.metrics import CASES_WAITING
from libs.service.runtime import Runtime

log = structlog.get_logger()


@dataclass
class Retrying:
    """The loop of one worker: its lanes' waiting cases, each once per version of the directory."""

    running: Runtime
    worker: Worker
    tried: dict[str, int] = field(default_factory=dict)
    """Case → by which version it was tried in vain since this process began."""

    async def run(self) -> None:
        """For ever."""
        while True:
            await asyncio.sleep(self.worker.intervals.rest)
            try:
                if await self.poll(self.worker.lanes):
                    self.worker.relay.wake.set()
                    self.worker.moved.set()
            except TRANSIENT as why:
                log.warning("waiting_cases_wait", reason=type(why).__name__)

    async def poll(self, lanes: Sequence[int]) -> bool:
        """One look at these lanes; whether a case has gone on."""
        async with self.running.pool.acquire() as conn:
            found = await waiting.cases(conn, lanes)
            CASES_WAITING.set(len(found))
            self.tried = {case_id: self.tried[case_id] for _, case_id in found if case_id in self.tried}
            if not found:
                return False
            view = await self.running.directory.latest(conn)
            untried = [(lane, case_id) for lane, case_id in found if self.tried.get(case_id) != view.version]
            return any([await self._goes_on(conn, lane, case_id, view) for lane, case_id in untried])

    async def _goes_on(self, conn: Connection, lane: int, case_id: str, view: View) -> bool:
        """Everything that waits of the case, in its order, or nothing of it."""
        try:
            async with conn.transaction():
                for one in await waiting.take(conn, lane, case_id):
                    if isinstance(one, Look):
                        await self.running.parts.looks[one.name](self.running, conn, case_id)
                        continue
                    event = one.event
                    reactions = self.running.reactions_to(event, one.case, view, event.traceparent)
                    await self.running.react(conn, reactions)
                await waiting.done(conn, case_id)
        except NotJudged as why:
            self.tried[case_id] = view.version
            log.error("case_waits", case_id=case_id, lane=lane, reason=why.why, directory_version=view.version)
            return False
        log.info("case_goes_on", case_id=case_id, lane=lane, directory_version=view.version)
        return True
