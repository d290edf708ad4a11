"""What a resting relay is told of: by the bell, by the loss of the connection on which it hears it, by an API."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Iterator

import asyncpg
import pytest

from libs.log.relay import relay as relays
from libs.log.relay.relay import Relay
from libs.log.relay.wakeup import CHANNEL, Wakeup
from operations.embedded.stack import Stack
from tests.integration.http_edge import APPEAL, Edge
from tests.integration.logs import Log, assert_published, case_in, eventually
from tests.integration.relays import caught_up, relaying

HOUR = 3600.0
LANE = 40


@pytest.fixture
async def resting(relayed_log: Log, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Relay]:
    """A relay that looks when it is told to, and not by itself."""
    monkeypatch.setattr(relays, "SHORTEST", HOUR)
    async with relaying(relayed_log, [LANE], idle_seconds=HOUR) as relay:
        await caught_up(relayed_log, relay, LANE)
        yield relay


async def test_a_relay_at_rest_sends_at_once_what_the_bell_tells_of(relayed_log: Log, resting: Relay) -> None:
    await relayed_log.append(case_in(LANE))
    await Wakeup(relayed_log.pool).notify()
    await caught_up(relayed_log, resting, LANE)
    await assert_published(relayed_log, LANE)


async def test_a_relay_at_rest_that_has_become_deaf_looks_and_listens_again(relayed_log: Log, resting: Relay) -> None:
    await relayed_log.append(case_in(LANE))
    await _end_its_connection(relayed_log)
    await caught_up(relayed_log, resting, LANE)
    await relayed_log.append(case_in(LANE))
    await Wakeup(relayed_log.pool).notify()
    await caught_up(relayed_log, resting, LANE)
    await assert_published(relayed_log, LANE)


@pytest.fixture(scope="module")
def intake() -> Iterator[Stack]:
    with Stack(f"test-{secrets.token_hex(4)}", services=("intake",)) as running:
        yield running


async def test_an_api_rings_when_it_has_answered_a_command(intake: Stack) -> None:
    heard = asyncio.Event()
    conn = await asyncpg.connect(intake.admin_url("intake"))
    await conn.add_listener(CHANNEL, lambda *_: heard.set())
    edge = Edge(intake)
    await edge.send("GET", "/healthz")
    await conn.execute("select")
    assert not heard.is_set(), "nobody rings for a question"
    await edge.send("POST", "/appeals", json=APPEAL)
    async with asyncio.timeout(60):
        await heard.wait()
    await conn.close()


async def _end_its_connection(log: Log) -> None:
    """That of the relay alone: the one on which it looks and listens."""
    owner = await asyncpg.connect(log.admin_url)
    asked = "select pg_terminate_backend(pid) from pg_stat_activity where query = $1 and datname = current_database()"

    async def ended() -> bool:
        return [*await owner.fetch(asked, relays.AFTER_POSITION)] == [(True,)]

    # What was looked at last shows a moment after the relay has gone to rest.
    await eventually(ended, "the relay's connection is found")
    await owner.close()
