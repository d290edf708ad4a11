"""The relay's loop ends when it is told to, whatever happens at the same moment."""

import asyncio

import pytest

from libs.log.relay.relay import _wait


@pytest.mark.parametrize("turns", range(4))
async def test_a_loop_that_is_woken_and_cancelled_at_once_ends(turns: int) -> None:
    wake = asyncio.Event()

    async def loop() -> None:
        while True:
            wake.clear()
            await _wait(wake, 10)

    looping = asyncio.create_task(loop())
    for _ in range(3):
        await asyncio.sleep(0)
    wake.set()
    for _ in range(turns):
        await asyncio.sleep(0)
    looping.cancel()

    await asyncio.wait([looping], timeout=1)
    assert looping.cancelled()
