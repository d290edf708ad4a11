"""One instance for the whole folder: the eight processes under a manual clock, 绥山镇 on a Monday morning."""

import secrets
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from operations.embedded.stack import Stack
from operations.installation import ROOT
from trials.clock_driver import Timeline
from trials.faults.clients import Clients
from trials.faults.site import Site
from trials.publish import apply_directory
from trials.town import civil


@pytest.fixture(scope="package")
def fault_stack() -> Iterator[Stack]:
    """The whole system; these tests stop and kill its processes."""
    with Stack(f"test-{secrets.token_hex(4)}") as running:
        yield running


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def site(fault_stack: Stack) -> AsyncIterator[Site]:
    """2026-11-02, 09:00, nobody has called yet."""
    async with Timeline.of(fault_stack) as line:
        await line.advance(civil("2026-11-02 09:00"))
        await apply_directory(line, ROOT / "examples" / "town")
        running = Site(fault_stack, line, Clients(line))
        yield running
        # Once for all tests: every read model is made anew from the log and compared.
        await running.judged(rebuild=True)


@pytest_asyncio.fixture(autouse=True, loop_scope="session")
async def healed(request: pytest.FixtureRequest) -> AsyncIterator[None]:
    """A test that fails half way leaves a whole instance to the next one."""
    yield
    if "site" in request.fixturenames:
        await request.getfixturevalue("site").heal()
