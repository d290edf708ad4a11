"""One town for all scenarios: their instants follow one another, because a manual clock never goes back."""

import secrets
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from operations.embedded.stack import Stack
from operations.installation import ROOT
from trials.clock_driver import Timeline
from trials.publish import apply_directory
from trials.town import Town, civil


@pytest.fixture(scope="package")
def town_stack() -> Iterator[Stack]:
    """The eight processes under a manual clock."""
    with Stack(f"test-{secrets.token_hex(4)}") as running:
        yield running


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def town(town_stack: Stack) -> AsyncIterator[Town]:
    """绥山镇 with its directory, on the morning of 2026-09-28."""
    async with Timeline.of(town_stack) as line:
        await line.advance(civil("2026-09-28 08:00"))
        await apply_directory(line, ROOT / "examples" / "town")
        yield Town(line)
