"""A town with its console, and a browser; XUNBAN_BROWSER=required: without one the tests fail instead of skipping."""

import os
import secrets
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, async_playwright

from operations.embedded.stack import Stack
from operations.installation import EVERYTHING, ROOT
from tests.browser.cases import morning
from tests.browser.desk import Desk
from trials.clock_driver import Timeline
from trials.publish import apply_directory
from trials.town import Town, civil

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def browser_path() -> str | None:
    """XUNBAN_CHROMIUM, or the first Chromium in PATH."""
    return os.environ.get("XUNBAN_CHROMIUM") or next((path for name in NAMES if (path := shutil.which(name))), None)


@pytest.fixture(scope="package")
def chromium() -> str:
    """Where the browser is; says so where there is none."""
    path = browser_path()
    if path is None and os.environ.get("XUNBAN_BROWSER") == "required":
        pytest.fail("未找到 Chromium / no Chromium: apt-get install chromium, or set XUNBAN_CHROMIUM")
    if path is None:
        pytest.skip("未找到 Chromium, 跳过浏览器测试 / no Chromium found: browser tests are skipped")
    return path


@pytest.fixture(scope="package")
def seen_stack(chromium: str) -> Iterator[Stack]:
    """The eight processes under a manual clock, and the console; a message is tried twice."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("MESSAGE_RETRY_SECONDS", "[0.1]")
        with Stack(f"test-{secrets.token_hex(4)}", services=EVERYTHING) as running:
            yield running


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def town(seen_stack: Stack) -> AsyncIterator[Town]:
    """绥山镇 on the morning of Monday, 2026-11-02."""
    async with Timeline.of(seen_stack) as line:
        await line.advance(civil("2026-11-02 08:00"))
        await apply_directory(line, ROOT / "examples" / "town")
        yield Town(line)


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def browser(chromium: str) -> AsyncIterator[Browser]:
    """Headless, without a sandbox: CI runs as root, and the only pages are ours."""
    async with async_playwright() as playwright:
        started = await playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield started
        await started.close()


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def orders(town: Town) -> list[str]:
    """Work orders of the housing bureau that nobody has signed for; who takes one out has it for himself."""
    return await morning(town, "08:22", 6)


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def window(seen_stack: Stack, browser: Browser) -> AsyncIterator[BrowserContext]:
    """One for all tests that leave its clock and its network alone."""
    context = await opened(seen_stack, browser)
    yield context
    await context.close()


async def opened(stack: Stack, browser: Browser) -> BrowserContext:
    return await browser.new_context(
        base_url=stack.api_url("console"), viewport={"width": 1280, "height": 800}, locale="zh-CN"
    )


def shots() -> Path | None:
    """Where pictures for the documentation go, if anywhere."""
    folder = os.environ.get("XUNBAN_SCREENSHOTS")
    return Path(folder) if folder else None


@pytest_asyncio.fixture(loop_scope="session")
async def desk(seen_stack: Stack, town: Town, window: BrowserContext) -> AsyncIterator[Desk]:
    """A page of its own, signed out; screenshots go to XUNBAN_SCREENSHOTS, where that is set."""
    await window.clear_cookies()
    page = await window.new_page()
    yield Desk(page, seen_stack, town, shots())
    await page.close()


@pytest_asyncio.fixture(loop_scope="session")
async def desk_apart(seen_stack: Stack, town: Town, browser: Browser) -> AsyncIterator[Desk]:
    """The same in a window of its own, whose clock may be stopped and whose network may fail."""
    context = await opened(seen_stack, browser)
    yield Desk(await context.new_page(), seen_stack, town, shots())
    await context.close()
