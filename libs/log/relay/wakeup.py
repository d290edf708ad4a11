"""The wake-up of resting workers: a hint from their APIs that something was recorded. Nothing depends on it.

PostgreSQL carries it, in a transaction of its own: one that notifies holds a lock of the whole server while it commits,
which appends must not wait for.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from time import monotonic

from libs.log.store.event_store import Pool
from libs.log.transient import AWAY

CHANNEL = "recorded"
QUIET_SECONDS = 1.0
"""Of several commands within it only the first rings: for so long after a ring a relay looks often enough by itself."""


@dataclass
class Wakeup:
    """Rung by an API after a command has been answered."""

    pool: Pool
    _quiet_until: float = 0.0

    async def notify(self) -> None:
        """Tell the workers of this service, unless they were told just now."""
        if monotonic() < self._quiet_until:
            return
        self._quiet_until = monotonic() + QUIET_SECONDS
        with contextlib.suppress(*AWAY):
            await self.pool.execute(f"notify {CHANNEL}")
