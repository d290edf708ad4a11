"""Files that were sent ahead of a report which never came: gone after a day."""

from __future__ import annotations

import asyncio

import structlog

from libs.log.store import event_store
from libs.log.transient import TRANSIENT
from libs.log.worker import Worker
from libs.service.runtime import Runtime
from services.intake.api import files

log = structlog.get_logger()

POLL_SECONDS = 600.0


async def run(running: Runtime, _: Worker) -> None:
    """Look for them every few minutes; for ever."""
    while True:
        try:
            async with running.pool.acquire() as conn:
                now = await event_store.business_now(conn)
            if gone := await files.sweep(running.pool, now):
                log.info("files_dropped", files=gone)
        except TRANSIENT as why:
            log.warning("sweep_postponed", reason=type(why).__name__)
        await asyncio.sleep(POLL_SECONDS)
