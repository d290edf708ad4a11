"""How often receipts may be tried, per client address and per receipt, on the real clock. Counts in this process."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from ipaddress import IPv6Address, ip_address
from math import ceil

from limits import RateLimitItem, parse
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import MovingWindowRateLimiter

from libs.events.errors import TooMany
from libs.service.clock import real_now


@dataclass(frozen=True)
class Attempts:
    """Two limits side by side; every try counts, right or wrong."""

    per_address: RateLimitItem
    per_receipt: RateLimitItem
    _limiter: MovingWindowRateLimiter = field(default_factory=lambda: MovingWindowRateLimiter(MemoryStorage()))

    async def count(self, address: str, receipt: str) -> None:
        """One try; raises `TooMany`. An address that is over its limit uses up nothing of the receipt's."""
        await self._hit(self.per_address, f"address:{network(address)}")
        await self._hit(self.per_receipt, f"receipt:{receipt}")

    async def _hit(self, limit: RateLimitItem, whose: str) -> None:
        if not await self._limiter.hit(limit, whose):
            window = await self._limiter.get_window_stats(limit, whose)
            raise TooMany(retry_after=max(1, ceil(window.reset_time - real_now().timestamp())))


@cache
def attempts(per_address: str, per_receipt: str) -> Attempts:
    """The counters of this process: `30/minute` per address, `30/hour` per receipt, say."""
    return Attempts(parse(per_address), parse(per_receipt))


def network(address: str) -> str:
    """Who counts as one client: an IPv4 address, or the /64 that one IPv6 subscriber holds."""
    try:
        known = ip_address(address)
    except ValueError:
        return address
    return str(IPv6Address(int(known) >> 64 << 64)) if isinstance(known, IPv6Address) else str(known)
