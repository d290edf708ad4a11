"""The server sleeps, tells the time, ends when it is told to, and gives one address its share of connections only."""

from __future__ import annotations

import asyncio
import signal
from datetime import timedelta
from email.utils import parsedate_to_datetime
from unittest.mock import Mock

import httpx
import uvicorn
from fastapi import FastAPI

from libs.service.clock import real_now
from libs.tuned.uvicorn_server import CONNECTIONS_PER_ADDRESS, HEAD_SECONDS, Connection, Server, Shared
from trials.faults.waiting import eventually


async def test_a_server_tells_the_time_and_a_signal_ends_it_and_is_handed_on() -> None:
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    server = Server(FastAPI(), "127.0.0.1", 0, lifespan="off")
    serving = asyncio.create_task(server.serve())
    await eventually(lambda: server.started, "the server is up")
    port = server.servers[0].sockets[0].getsockname()[1]
    async with httpx.AsyncClient(trust_env=False) as client:
        answer = await client.get(f"http://127.0.0.1:{port}/")
    assert abs(parsedate_to_datetime(answer.headers["date"]) - real_now()) < timedelta(seconds=10)
    signal.raise_signal(signal.SIGTERM)
    async with asyncio.timeout(60):
        await serving
        await ended.wait()
    asyncio.get_running_loop().remove_signal_handler(signal.SIGTERM)


def connected(serving: Shared, address: str = "198.51.100.7") -> tuple[Connection, Mock]:
    """One more connection to a server, and what it is on."""
    loop, transport = Mock(), Mock()
    loop.create_task = lambda request, **_: request.close() or Mock()
    made = Connection(uvicorn.Config(FastAPI()), serving, {}, loop)
    transport.get_extra_info = {"peername": (address, 4711)}.get
    made.connection_made(transport)
    return made, transport


def test_one_address_has_its_share_of_connections_a_neighbour_and_the_proxy_are_served() -> None:
    serving = Shared("192.0.2.1")
    held = [connected(serving) for _ in range(CONNECTIONS_PER_ADDRESS)]
    assert not any(transport.abort.called for _, transport in held)
    one_more, turned_away = connected(serving)
    turned_away.abort.assert_called_once_with()
    one_more.connection_lost(None)
    for other in ("203.0.113.9", *["192.0.2.1"] * (CONNECTIONS_PER_ADDRESS + 1)):
        connected(serving, other)[1].abort.assert_not_called()
    held[0][0].connection_lost(None)
    connected(serving)[1].abort.assert_not_called()


def test_the_head_of_a_request_has_its_time_and_one_that_comes_whole_starts_no_timer() -> None:
    slow, on = connected(Shared(""))
    slow.data_received(b"GET / HTTP/1.1\r\nX-A: ")
    slow.data_received(b"a")
    slow.loop.call_later.assert_called_once_with(HEAD_SECONDS, on.abort)  # type: ignore[attr-defined]
    slow.data_received(b"\r\n\r\n")
    slow.loop.call_later.return_value.cancel.assert_called_once_with()  # type: ignore[attr-defined]
    quick, _ = connected(Shared(""))
    quick.data_received(b"GET / HTTP/1.1\r\n\r\n")
    quick.loop.call_later.assert_not_called()  # type: ignore[attr-defined]
