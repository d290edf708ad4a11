"""What became of messages and is not recorded yet. In memory alone: after a crash they are sent again, same id."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from services.notify.domain.delivery import Delivery

RECORDED_AFTER_SECONDS = 0.05
RECORDED_TOGETHER = 50
"""So much may be sent before it is recorded: what a crash repeats."""


@dataclass
class Outcomes:
    """Those of one look, by stream."""

    waiting: dict[str, list[Delivery]] = field(default_factory=lambda: defaultdict(list))
    enough: asyncio.Event = field(default_factory=asyncio.Event)
    count: int = 0

    def add(self, stream: str, one: Delivery) -> None:
        """One more."""
        self.waiting[stream].append(one)
        self.count += 1
        if self.count >= RECORDED_TOGETHER:
            self.enough.set()

    def taken(self) -> dict[str, list[Delivery]]:
        """All that wait; they do no longer."""
        taken, self.waiting, self.count = self.waiting, defaultdict(list), 0
        self.enough.clear()
        return taken

    async def soon(self, sending: asyncio.Future[list[bool]]) -> None:
        """Until there is enough to record, or it is time, or the sending is over."""
        enough = asyncio.ensure_future(self.enough.wait())
        either: set[asyncio.Future[Any]] = {sending, enough}
        try:
            await asyncio.wait(either, timeout=RECORDED_AFTER_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        finally:
            enough.cancel()
