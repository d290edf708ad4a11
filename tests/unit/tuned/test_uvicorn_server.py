"""The server sleeps, yet tells the time in its answers and ends at once when it is told to."""

from __future__ import annotations

import asyncio
import signal
from datetime import timedelta
from email.utils import parsedate_to_datetime

import httpx
from fastapi import FastAPI

from libs.service.clock import real_now
from libs.tuned.uvicorn_server import Server
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
