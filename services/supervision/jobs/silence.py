"""The alarm over a silent source: while it is silent no step is recorded (architecture.md §5)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

import structlog

from libs.log.worker import Worker
from libs.service.clock import real_now
from libs.service.runtime import Runtime
from services.supervision.jobs.timers import SOURCES

log = structlog.get_logger()

SILENCE = timedelta(minutes=1)
POLL_SECONDS = 10.0


async def watch(_: Runtime, worker: Worker) -> None:
    """Alarm every few seconds while a source's heartbeats stay away or are not applied; for ever."""
    while True:
        await asyncio.sleep(POLL_SECONDS)
        for source, lag in silent(worker.watermarks.sent, worker.lanes, real_now()).items():
            log.error("source_silent", source=source, seconds=int(lag.total_seconds()))


def silent(sent: Mapping[tuple[str, int], datetime], lanes: Iterable[int], now: datetime) -> dict[str, timedelta]:
    """Source → how long ago the oldest of the owned lanes was last known to be complete, where that is too long."""
    lags: dict[str, timedelta] = {}
    for lane in lanes:
        for source in SOURCES:
            heard = sent.get((source, lane))
            if heard and now - heard > max(SILENCE, lags.get(source, timedelta())):
                lags[source] = now - heard
    return lags
