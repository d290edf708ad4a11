"""One town for all days: each module has weeks of its own, in the order of their names, for no clock goes back."""

import secrets
from collections.abc import AsyncIterator, Iterator

import asyncpg
import pytest
import pytest_asyncio

from operations.embedded.stack import Stack
from operations.installation import ROOT
from trials.clock_driver import Timeline
from trials.publish import apply_directory
from trials.town import Town, civil


@pytest.fixture(scope="package")
def running() -> Iterator[Stack]:
    """The eight processes under a manual clock. Who stops or changes one brings it back as it was."""
    with pytest.MonkeyPatch.context() as proxy:
        # Citizens come through a proxy of the town's, which says for whom it speaks.
        proxy.setenv("TRUSTED_PROXIES", "127.0.0.1")
        with Stack(f"test-{secrets.token_hex(4)}") as stack:
            yield stack


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def line(running: Stack) -> AsyncIterator[Timeline]:
    async with Timeline.of(running) as line:
        yield line


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def town(request: pytest.FixtureRequest, line: Timeline) -> Town:
    """绥山镇 on the module's first MORNING, with the directory as the examples have it; older cases are still there."""
    await line.advance(civil(request.module.MORNING))
    await apply_directory(line, ROOT / "examples" / "town")
    return Town(line)


@pytest_asyncio.fixture(loop_scope="session")
async def database(running: Stack) -> AsyncIterator[asyncpg.Connection]:
    """Supervision's database as its owner sees it."""
    conn = await asyncpg.connect(running.admin_url("supervision"))
    yield conn
    await conn.close()
