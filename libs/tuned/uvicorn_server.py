"""A uvicorn that sleeps while nobody asks, and gives no address more than its share of connections.

No look at the clock ten times a second, no date written each second.
Why: nine processes that look about ten times a second are most of what a town at rest costs. It is part
of what brought that from 4.2–4.9 to 1.05 % of a core (ADR 0007; `make bench`, row `idle`).
"""

from __future__ import annotations

import asyncio
from collections import Counter
from email.utils import formatdate
from types import FrameType
from typing import Any, Literal

import uvicorn
from uvicorn.middleware.proxy_headers import _TrustedHosts
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

HEAD_SECONDS = 10.0
"""For the head of a request, from its first byte."""
CONNECTIONS_PER_ADDRESS = 256
"""More than a browser, a client with a pool or a load test opens; a quarter of the files a process may have open."""


class Shared(ServerState):
    """What the connections of a server share: uvicorn writes the date for them each second, here each answer does."""

    def __init__(self, trusted_proxies: str) -> None:
        super().__init__()
        self.proxies = _TrustedHosts(trusted_proxies)
        self.held: Counter[str] = Counter()
        """Connections by address; a trusted proxy, through which all may come, is not counted."""

    @property
    def default_headers(self) -> list[tuple[bytes, bytes]]:
        """Of every answer."""
        return [(b"date", formatdate(usegmt=True).encode()), (b"server", b"uvicorn")]

    @default_headers.setter
    def default_headers(self, _: object) -> None:
        """What uvicorn would write."""


class Connection(HttpToolsProtocol):
    """One of a bounded number from one address; a request whose head does not come ends it."""

    server_state: Shared
    _counted: str | None = None
    _in_head = False
    _head_ends: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Turned away at once where the address has its share already."""
        super().connection_made(transport)
        held, address = self.server_state.held, self.client[0] if self.client else ""
        if address in self.server_state.proxies:
            return
        self._counted = address
        held[address] += 1
        if held[address] > CONNECTIONS_PER_ADDRESS:
            transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Its place is free, and an address without any is forgotten."""
        self._end_head()
        held, address = self.server_state.held, self._counted
        if address is not None:
            held[address] -= 1
            if not held[address]:
                del held[address]
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """A head that is not whole yet has so long; one that comes whole costs no timer."""
        super().data_received(data)
        if self._in_head and not self._head_ends:
            self._head_ends = self.loop.call_later(HEAD_SECONDS, self.transport.abort)

    def on_message_begin(self) -> None:
        """The first byte of a request."""
        self._in_head = True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """The last of its head."""
        self._end_head()
        super().on_headers_complete()

    def _end_head(self) -> None:
        self._in_head = False
        if self._head_ends:
            self._head_ends.cancel()
            self._head_ends = None


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
                http=Connection,
                # Whoever changes the protocol would be counted for ever.
                ws="none",
                log_config=None,
                access_log=False,
                timeout_keep_alive=75,
                # Whom nobody has named may say what he likes of whom he speaks for.
                proxy_headers=bool(trusted_proxies),
                forwarded_allow_ips=trusted_proxies,
            )
        )
        self.server_state = Shared(trusted_proxies)
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
