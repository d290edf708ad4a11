"""One town whose APIs get what careless and hostile callers send."""

import secrets
from collections.abc import AsyncIterator

import pytest_asyncio

from operations.embedded.stack import Stack
from operations.installation import ROOT
from tests.integration.http_edge import Edge
from trials.clock_driver import Timeline
from trials.publish import apply_directory
from trials.town import civil


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def edge() -> AsyncIterator[Edge]:
    """Intake's API with the demo town's directory."""
    with Stack(f"test-{secrets.token_hex(4)}") as stack:
        async with Timeline.of(stack) as line:
            await line.advance(civil("2026-11-02 08:00"))
            await apply_directory(line, ROOT / "examples" / "town")
            await line.settle()
        yield Edge(stack)


@pytest_asyncio.fixture(loop_scope="session")
async def untouched(edge: Edge) -> AsyncIterator[Edge]:
    """Whatever the test sends, no event is stored."""
    before = await edge.events()
    yield edge
    assert await edge.events() == before
