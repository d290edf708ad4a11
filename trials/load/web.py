"""An HTTP/1.1 client that costs the measured machine little: connections are kept, nothing is repeated."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import orjson

from trials.photo import encoded


class Unreachable(Exception):
    """No connection, or it ended before an answer."""


@dataclass(frozen=True)
class Answer:
    """Status, headers (lower case) and body."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def document(self) -> dict[str, Any]:
        """The body as JSON."""
        document: dict[str, Any] = orjson.loads(self.body) if self.body else {}
        return document


@dataclass
class Web:
    """One server; as many connections as there are requests at once."""

    url: str
    timeout: float = 30.0
    _idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = field(default_factory=list)

    async def get(self, path: str, token: str) -> Answer:
        """A question."""
        return await self._ask("GET", path, token, b"", "")

    async def post(self, path: str, token: str, body: Any, key: str) -> Answer:
        """A command under its Idempotency-Key, so that it may be repeated."""
        form = encoded(body)
        more = f"Idempotency-Key: {key}\r\nContent-Type: {form.content_type}\r\n"
        return await self._ask("POST", path, token, form.content, more)

    async def _ask(self, method: str, path: str, token: str, body: bytes, more: str) -> Answer:
        host = urlsplit(self.url).netloc
        head = (
            f"{method} {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n{more}"
            f"Content-Length: {len(body)}\r\n\r\n"
        ).encode()
        while self._idle:
            reader, writer = self._idle.pop()
            try:
                return await self._exchange(reader, writer, head + body)
            except (Unreachable, OSError):
                continue  # The server had closed it while it was idle; the key makes the repetition harmless.
        address = urlsplit(self.url)
        try:
            reader, writer = await asyncio.open_connection(address.hostname, address.port)
            return await self._exchange(reader, writer, head + body)
        except OSError as error:
            raise Unreachable from error

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, said: bytes) -> Answer:
        try:
            async with asyncio.timeout(self.timeout):
                writer.write(said)
                answer = await _read(reader)
        except (asyncio.IncompleteReadError, TimeoutError, OSError) as error:
            writer.close()
            raise Unreachable from error
        if answer.headers.get("connection") == "close":
            writer.close()
        else:
            self._idle.append((reader, writer))
        return answer

    def close(self) -> None:
        """Let go of all connections."""
        for _, writer in self._idle:
            writer.close()
        self._idle.clear()


async def _read(reader: asyncio.StreamReader) -> Answer:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
    if "content-length" in headers:
        body = await reader.readexactly(int(headers["content-length"]))
    else:
        body = b"".join([chunk async for chunk in _chunks(reader)])
    return Answer(int(head[0].split(" ", 2)[1]), headers, body)


async def _chunks(reader: asyncio.StreamReader):  # type: ignore[no-untyped-def]
    while size := int(await reader.readline(), 16):
        yield (await reader.readexactly(size + 2))[:-2]
    await reader.readline()
