"""A relay of a log's own, run and ended by a test. Asserts nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

import asyncpg

from libs.log.keys import Keys
from libs.log.relay.relay import Relay
from libs.service.worker.process import wind_up
from tests.integration.logs import SOURCE, Log, eventually
from tests.keys import KEYS


@asynccontextmanager
async def relaying(
    log: Log, lanes: Iterable[int], idle_seconds: float = 0.01, keys: Keys = KEYS
) -> AsyncIterator[Relay]:
    """A relay that owns these lanes, ended like a process that loses its place: without a word."""
    relay = Relay(SOURCE, log.pool, log.bootstrap, keys, idle_seconds)
    relay.assign(lanes)
    running = asyncio.create_task(relay.run())
    try:
        yield relay
    finally:
        died = running.done()
        await wind_up([running])
        if died:
            running.result()


async def caught_up(log: Log, relay: Relay, *lanes: int) -> None:
    """Until every one of these lanes is sent to its end."""

    async def level() -> bool:
        return all([relay.positions.get(lane) == await log.seq(lane) for lane in lanes])

    await eventually(level, f"lanes {lanes} are relayed", 60)


async def as_superuser(log: Log, *statements: str) -> None:
    """Do to the table what nobody can do in earnest: restore it from a backup, tamper with it."""
    owner = await asyncpg.connect(log.admin_url)
    await owner.execute("alter table log.event disable trigger all")
    for statement in statements:
        await owner.execute(statement)
    await owner.close()
