"""The HTTP server of every process: uvicorn that sleeps while nobody asks. Knows no route."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
from types import FrameType
from typing import Any

import uvicorn

TICK_SECONDS = 1.0
"""How often the date is written that answers carry; uvicorn wakes ten times as often, also to see whether to end."""


class Server(uvicorn.Server):
    """Ends as soon as a signal says so."""

    def __init__(self, app: Any, host: str, port: int, **details: Any) -> None:
        # A proxy keeps a connection for a minute at most; whoever ends it must not be us.
        details |= {"log_config": None, "access_log": False, "timeout_keep_alive": 75}
        super().__init__(uvicorn.Config(app, host=host, port=port, **details))
        self._told = asyncio.Event()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """A signal: uvicorn notes that it came, and the loop is woken."""
        super().handle_exit(sig, frame)
        self._told.set()

    async def main_loop(self) -> None:
        """Until a signal has come."""
        while not await self.on_tick(0):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(TICK_SECONDS):
                    await self._told.wait()


def main() -> None:
    """`python -m libs.service.serving services.intake.main:app --port 8000`."""
    said = argparse.ArgumentParser(description=main.__doc__)
    said.add_argument("app")
    said.add_argument("--host", default="127.0.0.1")
    said.add_argument("--port", type=int, required=True)
    with contextlib.suppress(KeyboardInterrupt):
        Server(**vars(said.parse_args())).run()


if __name__ == "__main__":
    main()
