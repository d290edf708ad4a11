"""Waiting for a real condition. Nothing of ours is decided here."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from time import monotonic

from operations.embedded.processes import NotReady


async def eventually(done: Callable[[], object], what: str, seconds: float = 120) -> None:
    """Poll a real condition until it holds; a coroutine is awaited. Raises `NotReady` at the deadline."""
    deadline = monotonic() + seconds
    while True:
        held = done()
        if asyncio.iscoroutine(held):
            held = await held
        if held:
            return
        if monotonic() > deadline:
            raise NotReady(f"not within {seconds} s: {what}")
        await asyncio.sleep(0.02)
