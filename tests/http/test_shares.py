"""One address that sends slowly: its share and no more, and its neighbours are served."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.integration.http_edge import APPEAL, SOMEBODY, Edge

COMMANDS = {
    "intake": "/appeals",
    "routing": f"/cases/{SOMEBODY}/dispatch",
    "supervision": f"/cases/{SOMEBODY}/review",
    "notify": f"/cases/{SOMEBODY}/messages/{SOMEBODY.replace('-', '')}/resend",
}
ELSEWHERE = "127.0.0.2"
"""Another client than whoever calls from 127.0.0.1."""


def begun(edge: Edge, path: str) -> bytes:
    """The head of a command of somebody in office, whose body is to follow."""
    who = f"Authorization: Bearer {edge.token()}\r\nIdempotency-Key: slow\r\n"
    said = "Content-Type: application/json\r\nContent-Length: 20\r\n\r\n"
    return f"POST {path} HTTP/1.1\r\nHost: x\r\n{who}{said}".encode()


@asynccontextmanager
async def held(edge: Edge, said: bytes, many: int) -> AsyncIterator[list[asyncio.StreamReader]]:
    """So many connections from elsewhere, on each of which the same was said, and then nothing."""
    port = edge.stack.ports.api(edge.service)
    opened = [await asyncio.open_connection("127.0.0.1", port, local_addr=(ELSEWHERE, 0)) for _ in range(many)]
    try:
        for _, writer in opened:
            writer.write(said)
        await asyncio.sleep(1)
        yield [reader for reader, _ in opened]
    finally:
        for _, writer in opened:
            writer.transport.abort()


async def answers(readers: list[asyncio.StreamReader]) -> Counter[bytes]:
    """How many of them were told what by now."""

    async def status(reader: asyncio.StreamReader) -> bytes:
        try:
            return (await asyncio.wait_for(reader.readline(), 3))[9:12]
        except TimeoutError:
            return b""

    return Counter(await asyncio.gather(*map(status, readers)))


@pytest.mark.parametrize("service", COMMANDS)
async def test_beside_a_hundred_slow_bodies_of_one_address_every_other_is_served(edge: Edge, service: str) -> None:
    there = Edge(edge.stack, service)
    async with held(there, begun(there, COMMANDS[service]) + b"{", 100) as slow:
        assert (await there.send("GET", "/freshness")).status_code == 200
        assert (await there.send("POST", COMMANDS[service], json={})).status_code in (403, 404, 422)
        assert await answers(slow) == {b"503": 84, b"": 16}


async def test_a_citizen_is_received_while_another_address_holds_every_place_it_can(edge: Edge) -> None:
    async with held(edge, begun(edge, "/appeals") + b"{", 200):
        made = await edge.send("POST", "/appeals", json=APPEAL)
    assert made.status_code == 201, made.text


async def test_who_sends_no_byte_of_his_body_holds_no_place(edge: Edge) -> None:
    async with held(edge, begun(edge, "/appeals"), 200) as silent:
        assert (await edge.send("POST", "/appeals", json=APPEAL)).status_code == 201
        assert await answers(silent) == {b"": 200}, "they wait, and keep nobody from anything"


async def test_an_address_has_a_share_of_the_connections_too(edge: Edge) -> None:
    async with held(edge, b"GET / HT", 300) as half_said:
        ended = [reader.at_eof() or reader.exception() is not None for reader in half_said]
        assert sum(ended) == 300 - 256
        assert (await edge.send("GET", "/freshness")).status_code == 200
