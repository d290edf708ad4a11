"""A directory that is read no further: every list of every service says so in its `as_of`, and goes on with it."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import asyncpg
import httpx
import pytest
import pytest_asyncio

from libs.events.decider import SYSTEM
from libs.events.envelope import Provenance, draft
from libs.events.event import Event
from libs.log.store import event_store
from operations.embedded.stack import Stack
from operations.installation import ROOT, SERVICES
from services.routing.directory.log import SOURCE
from tests.integration.logs import eventually
from trials.clock_driver import Timeline
from trials.publish import apply_directory
from trials.town import civil

UNKNOWN = cast("Event", SimpleNamespace(ce_type="xunban.directory.of-a-later-release.v1"))
LISTS = {
    "intake": "/cases",
    "routing": "/work",
    "supervision": "/overdue",
    "notify": "/messages",
}
AT = civil("2026-11-02 08:30")
AN_HOUR_LATER = AT + timedelta(hours=1)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def running() -> AsyncIterator[Stack]:
    """绥山镇, whose directory got an event that nobody here knows; since then the clock has gone on an hour."""
    with Stack(f"test-{secrets.token_hex(4)}") as stack:
        async with Timeline.of(stack) as line:
            await line.advance(civil("2026-11-02 08:00"))
            await apply_directory(line, ROOT / "examples" / "town")
            await line.advance(AT)
        await written_unknown(stack)
        await eventually_halted(stack)
        await advanced(stack, AN_HOUR_LATER)
        patient(stack)
        yield stack


def patient(stack: Stack) -> None:
    """APIs that show a list however long something stands; as they are told by default it is 503 after a minute."""
    apis = [f"{name}-api" for name in SERVICES]
    for name in apis:
        stack.kill(name)
        stack.start_process(name, {"STALE_AFTER_SECONDS": "3600"})
    for name in apis:
        stack.wait_ready(name)


async def written_unknown(stack: Stack) -> None:
    conn = await asyncpg.connect(stack.admin_url("routing"))
    try:
        version = await conn.fetchval("select seq from log.lane_head where lane = 64")
        of = {"source": SOURCE, "subject": "future", "stream": "future"}
        told = draft(UNKNOWN, b"{}", **of, at=AT, by=Provenance(SYSTEM, version))
        await event_store.append(conn, "future", [told], expected=None, given=AT)
    finally:
        await conn.close()


async def eventually_halted(stack: Stack) -> None:
    async with httpx.AsyncClient(trust_env=False, timeout=60) as client:

        async def everywhere() -> bool:
            told = [(await client.get(f"{stack.worker_url(name)}/readyz")).json()["halted"] for name in SERVICES]
            return all("directory.events-0" in str(one) for one in told)

        await eventually(everywhere, "every service's reader halts at what it does not know")


async def advanced(stack: Stack, to: datetime) -> None:
    signed = {"Authorization": f"Bearer {stack.token(client='clock', scopes=('clock',))}"}
    async with httpx.AsyncClient(trust_env=False, headers=signed, timeout=30) as client:
        for name in SERVICES:
            answer = await client.post(f"{stack.worker_url(name)}/clock/advance", json={"to": to.isoformat()})
            assert answer.status_code == 200, answer.text


async def asked(stack: Stack, service: str, path: str) -> Any:
    signed = {"Authorization": f"Bearer {stack.token(person='han-feng')}"}
    async with httpx.AsyncClient(trust_env=False, headers=signed, timeout=60) as client:
        return (await client.get(stack.api_url(service) + path)).json()


@pytest.mark.parametrize("service", SERVICES)
async def test_cases_are_known_until_now_and_yet_the_list_says_since_when_its_directory_stands(
    running: Stack, service: str
) -> None:
    async def cases_known() -> bool:
        async with httpx.AsyncClient(trust_env=False, timeout=60) as client:
            clock = (await client.get(f"{running.worker_url(service)}/clock")).json()
        return all(datetime.fromisoformat(at) >= AN_HOUR_LATER for at in clock["watermarks"].values())

    await eventually(cases_known, "the case lanes are known to the new instant")
    shown = await asked(running, service, LISTS[service])
    assert datetime.fromisoformat(shown["as_of"]) < AN_HOUR_LATER, "nothing of the hour since is claimed"
    assert shown["lag_seconds"]["directory"] > max(
        lag for name, lag in shown["lag_seconds"].items() if name != "directory"
    )
