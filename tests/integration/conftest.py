"""Logs of their own for tests of the store, the relay and the reader."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from operations.embedded.stack import Stack
from tests.integration.logs import Log, new_log


@pytest.fixture
async def log(servers: Stack) -> AsyncIterator[Log]:
    """An empty event store of intake whose business time is set by hand."""
    async with new_log(servers) as made:
        yield made


@pytest.fixture
async def real_log(servers: Stack) -> AsyncIterator[Log]:
    """An empty event store of intake that runs in real time."""
    async with new_log(servers, "real") as made:
        yield made


@pytest.fixture(scope="module")
async def shared_log(servers: Stack) -> AsyncIterator[Log]:
    """One manual log for tests of a module that change nothing in it, or nothing that another of them looks at."""
    async with new_log(servers) as made:
        yield made


@pytest.fixture
async def relayed_log(servers: Stack) -> AsyncIterator[Log]:
    """An empty manual event store that takes part in the topics from their end on."""
    async with new_log(servers, relayed=True) as made:
        yield made


@pytest.fixture
async def noted_log(relayed_log: Log) -> Log:
    """A log whose read model is the list of what was applied."""
    owner = await asyncpg.connect(relayed_log.admin_url)
    await owner.execute("create table read.seen (lane smallint, seq bigint, no bigserial, primary key (lane, seq))")
    await owner.execute("grant select, insert on read.seen to intake; grant usage on read.seen_no_seq to intake")
    await owner.close()
    return relayed_log
