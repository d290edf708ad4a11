"""Logs of their own for tests of the store, the relay and the reader; the APIs' edge for hostile callers."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from deploy.directory_apply import apply_directory
from deploy.embedded.instance import ROOT
from deploy.embedded.stack import Stack
from deploy.timeline import Timeline
from deploy.town import civil
from tests.integration.edge import Edge
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


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def edge(stack: Stack) -> Edge:
    """Intake's API with the demo town's directory."""
    async with Timeline.of(stack) as line:
        await line.advance(civil("2026-11-02 08:00"))
        await apply_directory(line, ROOT / "examples" / "town")
        await line.settle()
    return Edge(stack)


@pytest_asyncio.fixture(loop_scope="session")
async def untouched(edge: Edge) -> AsyncIterator[Edge]:
    """Whatever the test sends, no event is stored."""
    before = await edge.events()
    yield edge
    assert await edge.events() == before
