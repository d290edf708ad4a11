"""The alarm over cases that nobody answers for and that no clock watches; api/alarms.py lists them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import structlog

from libs.events.errors import NotFound
from libs.log.store import event_store
from libs.log.transient import TRANSIENT
from libs.log.worker import Worker
from libs.service.runtime import Runtime
from services.supervision.api.alarms import FOUND, judged_by

log = structlog.get_logger()

POLL_SECONDS = 60.0
LOOK_AT_MOST_SECONDS = 30.0


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
        statement = f"select kind, count(*) as cases from ({FOUND} and lane = any($6)) f group by kind"  # noqa: S608 - values are bound
        rows = await conn.fetch(statement, *values, lanes)
    return {row["kind"]: row["cases"] for row in rows}
