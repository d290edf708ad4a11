"""Drafts of the directory as they arrive: told once each, to whom they concern. I/O only."""

from __future__ import annotations

import asyncio
from datetime import datetime

import structlog

from libs.events.contracts.directory import DraftMade, DraftPublished, DraftWithdrawn
from libs.events.contracts.registry import decode
from libs.events.decider import SYSTEM
from libs.events.errors import StreamConflict
from libs.events.ids import DraftId, PersonId
from libs.log.store.event_store import Connection
from libs.log.transient import TRANSIENT
from libs.log.worker import Worker
from libs.log.write.command import CommandContext
from libs.service.runtime import Runtime
from services.notify.domain.drafts import Told, messages_of
from services.notify.domain.telling import TellOf

log = structlog.get_logger()

TOLD = tuple(one.ce_type for one in (DraftMade, DraftPublished, DraftWithdrawn))
NEWS = """
    select version, event_id::text as event_id, type, body from directory_fact
     where version > (select version from log.drafts_told) and type = any($1) order by version
"""
MADE = """
    select body from directory_fact
     where type = $1 and convert_from(body, 'UTF8')::jsonb ->> 'draft' = $2 order by version limit 1
"""
NOW_TOLD = "update log.drafts_told set version = $1 where version < $1"


async def pending(conn: Connection) -> int:
    """How many of them nobody has been told of yet."""
    return int(await conn.fetchval(f"select count(*) from ({NEWS}) n", list(TOLD)))  # noqa: S608 - our own query


async def run(running: Runtime, worker: Worker) -> None:
    """For ever. Several workers at once tell the same, and a message of one id is one."""
    while True:
        await asyncio.sleep(worker.intervals.rest)
        try:
            if await poll(running):
                worker.relay.wake.set()
        except (StreamConflict, *TRANSIENT) as why:
            log.warning("drafts_wait", reason=type(why).__name__)


async def poll(running: Runtime) -> bool:
    """Whether there was one to tell of."""
    async with running.pool.acquire() as conn:
        news = await conn.fetch(NEWS, list(TOLD))
    for row in news:
        event = decode(row["type"], row["body"])
        if isinstance(event, Told):
            await _tell(running, event, row["event_id"])
        await running.pool.execute(NOW_TOLD, row["version"])
    return bool(news)


async def _tell(running: Runtime, event: Told, event_id: str) -> None:
    async with running.pool.acquire() as conn:
        view, drafted_by = await running.directory.latest(conn), await _drafter(conn, event.draft)

    def build(now: datetime) -> TellOf:
        return TellOf(now, SYSTEM, event_id, event.ce_type, messages_of(event, drafted_by, view, now))

    await running.handler.handle(event.draft, build, running.facts_in, CommandContext(SYSTEM), of="notice")


async def _drafter(conn: Connection, draft: DraftId) -> PersonId:
    made = decode(DraftMade.ce_type, await conn.fetchval(MADE, DraftMade.ce_type, draft))
    if not isinstance(made, DraftMade):
        raise TypeError(made.ce_type)
    return made.drafted_by
