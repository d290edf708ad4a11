"""A uvicorn that sleeps while nobody asks: no look at the clock ten times a second, no date written each second.

Why: nine processes that look about ten times a second are most of what a town at rest costs. It is part
of what brought that from 4.2–4.9 to 1.05 % of a core (ADR 0007; `make bench`, row `idle`).
"""

from __future__ import annotations

import asyncio
from email.utils import formatdate
from types import FrameType
from typing import Any, Literal

import uvicorn
from uvicorn.server import ServerState


class Shared(ServerState):
    """What the connections of a server share: uvicorn writes the date for them each second, here each answer does."""

    @property
    def default_headers(self) -> list[tuple[bytes, bytes]]:
        """Of every answer."""
        return [(b"date", formatdate(usegmt=True).encode()), (b"server", b"uvicorn")]

    @default_headers.setter
    def default_headers(self, _: object) -> None:
        """What uvicorn would write."""


class Server(uvicorn.Server):
    """Wakes for a request and for a signal, where uvicorn looks ten times a second whether one has come."""

    def __init__(
        self, app: Any, host: str, port: int, lifespan: Literal["auto", "off"] = "auto", trusted_proxies: str = ""
    ) -> None:
        # A proxy keeps a connection for a minute at most; whoever ends it must not be us.
        super().__init__(
            uvicorn.Config(
                app,
                host,
                port,
                lifespan=lifespan,
                log_config=None,
                access_log=False,
                timeout_keep_alive=75,
                # Whom nobody has named may say what he likes of whom he speaks for.
                proxy_headers=bool(trusted_proxies),
                forwarded_allow_ips=trusted_proxies,
            )
        )
        self.server_state = Shared()
        self._told = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """A signal: uvicorn notes that it came, and the loop is woken."""
        super().handle_exit(sig, frame)
        if self._loop:
            self._loop.call_soon_threadsafe(self._told.set)

    async def main_loop(self) -> None:
        """Until a signal has come."""
        self._loop = asyncio.get_running_loop()
        if not self.should_exit:
            await self._told.wait()
