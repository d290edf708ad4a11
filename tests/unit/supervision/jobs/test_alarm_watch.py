"""The alarm over unattended cases outlives a town that has published no rulebook yet, and a case that halts."""

import asyncio
from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

import pytest

from libs.directory.facts.directory import Directory
from libs.events.errors import NotFound, StreamConflict
from libs.log.read import waiting
from libs.log.read.waiting import Look
from libs.log.store import event_store
from libs.service.clock import real_now
from services.supervision.api.alarms import judged_by
from services.supervision.jobs import alarm_watch
from tests.unit.directory.town import TOWN

HALTED, WAITING, GONE = (f"0199a5b0-7c1e-7d3a-9f00-2b6c1d5e8a0{last}" for last in "123")


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
    told, waits = list[str](), list[str]()

    async def handle(case_id: str, *_: object) -> None:
        if case_id == HALTED:
            raise ValueError
        if case_id == GONE:
            raise NotFound
        told.append(case_id)

    async def put_look(_: object, case_id: str, look: Look, why: str) -> None:
        waits.append(f"{case_id} {look.name} {why}")

    async def locked(*_: object) -> None:
        pass

    async def found(*_: object) -> list[dict[str, Any]]:
        return [{"case_id": one, "kind": "NO_STEP", "last_step_at": real_now()} for one in (HALTED, GONE, WAITING)]

    async def latest(_: object) -> Any:
        return TOWN.latest

    async def now(_: object) -> Any:
        return real_now()

    monkeypatch.setattr(event_store, "business_now", now)
    monkeypatch.setattr(waiting, "put_look", put_look)
    monkeypatch.setattr(alarm_watch, "lock_lane", locked)
    conn = SimpleNamespace(fetch=found, transaction=nullcontext)
    running: Any = SimpleNamespace(
        pool=SimpleNamespace(acquire=lambda: nullcontext(conn)),
        directory=SimpleNamespace(latest=latest),
        handler=SimpleNamespace(handle=handle),
        facts_in=None,
    )
    worker: Any = SimpleNamespace(lanes={7}, watermarks=SimpleNamespace(lane=lambda *_: real_now()))

    assert await alarm_watch.said(running, worker) == 3
    assert told == [WAITING]
    assert waits == [f"{HALTED} left_alone ValueError"]


async def test_who_moved_the_case_on_meanwhile_is_heard_of_at_the_next_look() -> None:
    async def handle(*_: object) -> None:
        raise StreamConflict

    running: Any = SimpleNamespace(handler=SimpleNamespace(handle=handle), facts_in=None)
    with pytest.raises(StreamConflict):
        await alarm_watch._say(running, WAITING, "NO_STEP", real_now())
