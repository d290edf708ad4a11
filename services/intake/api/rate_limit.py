"""How often receipts may be tried, by one address and of one receipt, on the real clock. Counts in this process."""

from __future__ import annotations

from asyncio import sleep
from dataclasses import dataclass, field
from functools import cache
from math import ceil

from limits import RateLimitItem, parse
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import MovingWindowRateLimiter

from libs.events.errors import TooMany
from libs.service.clock import real_now

SLOWED_SECONDS = 1.0


@dataclass(frozen=True)
class Attempts:
    """Two limits side by side; every try counts, right or wrong. Nobody's tries keep the citizen himself out."""

    per_address: RateLimitItem
    per_receipt: RateLimitItem
    _limiter: MovingWindowRateLimiter = field(default_factory=lambda: MovingWindowRateLimiter(MemoryStorage()))

    async def count(self, client: str, receipt: str) -> None:
        """One try; raises `TooMany` for an address that tries too often, or too often the same receipt.

        Where many addresses together try one receipt as often, each of them waits a moment for its answer.
        """
        await self._hit(self.per_address, f"address:{client}")
        await self._hit(self.per_receipt, f"receipt:{receipt}:{client}")
        if not await self._limiter.hit(self.per_receipt, f"receipt:{receipt}"):
            await sleep(SLOWED_SECONDS)

    async def _hit(self, limit: RateLimitItem, whose: str) -> None:
        if not await self._limiter.hit(limit, whose):
            window = await self._limiter.get_window_stats(limit, whose)
            raise TooMany(retry_after=max(1, ceil(window.reset_time - real_now().timestamp())))


@cache
def attempts(per_address: str, per_receipt: str) -> Attempts:
    """The counters of this process: `30/minute` per address, `30/hour` of one receipt, say."""
    return Attempts(parse(per_address), parse(per_receipt))
