"""A body that is too large, or does not come, holds nobody's place for long."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import orjson
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from libs.service.http.app import BodyLimit

FOR_EVER = 3600.0


async def reading(scope: Scope, receive: Receive, send: Send) -> None:
    """An application that reads the whole body, then waits for the end of the connection."""
    try:
        body = await Request(scope, receive).body()
    except ClientDisconnect:
        return
    await Response(f"{len(body)} bytes")(scope, receive, send)
    await receive()


async def answer(parts: Sequence[bytes], *, stalls: bool = False, limit: int = 10) -> tuple[int, bytes]:
    """Status and body for a request whose body comes in these parts; stalled, the last one never does."""
    said: list[Message] = []
    left = [*parts]

    async def receive() -> Message:
        if left:
            return {"type": "http.request", "body": left.pop(0), "more_body": bool(left) or stalls}
        await asyncio.sleep(FOR_EVER if stalls else 0.05)
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        said.append(message)

    scope: Scope = {"type": "http", "path": "/appeals", "method": "POST", "headers": []}
    await asyncio.wait_for(BodyLimit(reading, limit, seconds=0.02)(scope, receive, send), 30)
    return said[0]["status"], said[1]["body"]


async def test_a_body_that_comes_whole_is_read_and_the_connection_may_last_as_long_as_it_likes() -> None:
    assert await answer([b"abc", b"def"]) == (200, b"6 bytes")


async def test_a_body_that_stops_coming_is_given_up() -> None:
    status, body = await answer([b"a"], stalls=True)
    assert (status, orjson.loads(body)["code"]) == (408, "E-SLOW")


async def test_a_body_of_unknown_length_that_grows_too_large_is_cut_off() -> None:
    status, body = await answer([b"abcdef", b"ghijkl", b"m"])
    assert (status, orjson.loads(body)["code"]) == (413, "E-TOO-LARGE")
