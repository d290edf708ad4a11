"""A process that is told to stop stops, though one of its loops takes the first word of it for something else."""

import asyncio
from contextlib import suppress

from libs.service.worker.process import wind_up


async def test_a_loop_that_loses_its_cancellation_is_cancelled_again() -> None:
    async def deaf() -> None:
        for _ in range(2):
            with suppress(asyncio.CancelledError):
                await asyncio.sleep(3600)
        await asyncio.sleep(3600)

    loops = [asyncio.create_task(deaf()), asyncio.create_task(asyncio.sleep(3600))]
    await asyncio.sleep(0)

    await wind_up(loops, seconds=0.01)

    assert all(loop.cancelled() for loop in loops)
