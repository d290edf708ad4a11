"""When the next beat comes: soon while something stirs, later while nothing does."""

import asyncio
from time import monotonic

from libs.log.process.intervals import BRISK, Intervals

HOUR = 3600.0


async def test_what_stirs_ends_the_rest() -> None:
    stirred = asyncio.Event()
    stirred.set()
    async with asyncio.timeout(60):
        await Intervals(beat=0.01, rest=HOUR, gather=0, fetch=0, together=0, poll=0, store=0).until_next_beat(stirred)


async def test_nothing_stirs_and_the_beat_rests() -> None:
    begun = monotonic()
    await Intervals(beat=0.01, rest=0.2, gather=0, fetch=0, together=0, poll=0, store=0).until_next_beat(
        asyncio.Event()
    )
    assert monotonic() - begun >= 0.19


async def test_a_manual_log_beats_each_second_whatever_happens() -> None:
    async with asyncio.timeout(60):
        await BRISK.until_next_beat(asyncio.Event())
