"""The alarm over unattended cases outlives a town that has published no rulebook yet, and a case that halts."""

import asyncio
from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

import pytest

from libs.directory.facts.directory import Directory
from libs.log.store import event_store
from libs.service.clock import real_now
from services.supervision.api.alarms import judged_by
from services.supervision.jobs import alarm_watch
from tests.unit.directory.town import TOWN

HALTED, WAITING = "0199a5b0-7c1e-7d3a-9f00-2b6c1d5e8a01", "0199a5b0-7c1e-7d3a-9f00-2b6c1d5e8a02"


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


async def test_a_case_that_cannot_be_judged_keeps_no_other_from_being_told(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []

    async def handle(case_id: str, *_: object) -> None:
        if case_id == HALTED:
            raise ValueError
        told.append(case_id)

    async def found(*_: object) -> list[dict[str, Any]]:
        return [{"case_id": one, "kind": "NO_STEP", "last_step_at": real_now()} for one in (HALTED, WAITING)]

    async def latest(_: object) -> Any:
        return TOWN.latest

    async def now(_: object) -> Any:
        return real_now()

    monkeypatch.setattr(event_store, "business_now", now)
    conn = SimpleNamespace(fetch=found)
    running: Any = SimpleNamespace(
        pool=SimpleNamespace(acquire=lambda: nullcontext(conn)),
        directory=SimpleNamespace(latest=latest),
        handler=SimpleNamespace(handle=handle),
        facts_in=None,
    )
    worker: Any = SimpleNamespace(lanes={7}, watermarks=SimpleNamespace(lane=lambda *_: real_now()))

    assert await alarm_watch.said(running, worker) == 2
    assert told == [WAITING]
