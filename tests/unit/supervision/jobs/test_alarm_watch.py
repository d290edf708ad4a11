"""The alarm over unattended cases outlives a town that has published no rulebook yet."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from libs.directory.facts.directory import Directory
from libs.service.clock import real_now
from services.supervision.api.alarms import judged_by
from services.supervision.jobs import alarm_watch


async def test_before_the_first_rulebook_the_worker_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    looked = asyncio.Semaphore(0)

    async def counted(*_: object) -> dict[str, int]:
        looked.release()
        judged_by(real_now(), Directory().latest)
        return {}

    monkeypatch.setattr(alarm_watch, "counted", counted)
    monkeypatch.setattr(alarm_watch, "POLL_SECONDS", 0)
    worker: Any = SimpleNamespace(lanes={7})
    watching = asyncio.create_task(alarm_watch.watch(worker, worker))

    for _ in range(2):
        async with asyncio.timeout(60):
            await looked.acquire()

    assert not watching.done()
    watching.cancel()
