"""How often a worker looks and beats: each second while anything moves, seldom while nothing does (ADR 0007)."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from time import monotonic

UNASKED_MS = 10_000
"""How seldom a Kafka client looks about although nothing told it to; whatever comes or changes wakes it at once."""


@dataclass(frozen=True)
class Intervals:
    """Seconds. `BRISK` is for a manual log, whose runner waits for every hop; `TOWN` for everybody else."""

    beat: float
    """Between two heartbeats while events come."""
    rest: float
    """Between two heartbeats while none has come since the last one."""
    gather: float
    """How long beats are collected before they are stored and timers look; all services beat at one instant."""
    fetch: float
    """How long the broker may keep an empty answer back."""
    together: float
    """At least between what the broker answered and the next question: what comes in a burst is applied together."""
    poll: float
    """How seldom the relay polls where nothing has come for a while; a wake-up ends the pause for the first event."""
    store: float
    """At least between two writings of the watermarks that lists show; timers go by what the worker knows."""

    async def until_next_beat(self, stirred: asyncio.Event) -> None:
        """Wait: to the next whole second of the machine, and on while nothing stirs."""
        await asyncio.sleep(self.beat - monotonic() % self.beat)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self.rest - self.beat):
                await stirred.wait()


BRISK = Intervals(beat=1.0, rest=1.0, gather=0.0, fetch=0.5, together=0.0, poll=0.0, store=0.0)
TOWN = Intervals(beat=1.0, rest=5.0, gather=0.05, fetch=2.0, together=0.02, poll=5.0, store=0.5)
