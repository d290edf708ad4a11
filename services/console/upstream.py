"""Calls of the public APIs with the caller's own token; every answer is a document, whatever happened on the way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from libs.events.ids import new_id

UNREACHABLE: dict[str, Any] = {
    "title": "接口没有应答",
    "code": "E-UNREACHABLE",
    "message_zh": "接口没有应答, 您的操作可能已经生效; 请用同一表单再次提交, 不会重复执行",
    "message_en": "the API does not answer; your act may have been done. Send the same form again: it is done once",
    "rule_id": None,
    "evidence_event_ids": [],
    "allowed_actions": [],
}


class SignedOut(Exception):
    """The APIs do not accept the token (any more)."""


@dataclass(frozen=True)
class Answer:
    """Status and document of one API call; a problem document where it is no success."""

    status: int
    document: dict[str, Any]

    @property
    def ok(self) -> bool:
        """Whether the API did what was asked."""
        return self.status < 400

    @property
    def missing(self) -> bool:
        """Whether the API has no such endpoint (or no such thing to show)."""
        return self.status in (404, 405)


@dataclass(frozen=True)
class Caller:
    """Whose token, and in which of his appointments."""

    token: str
    appointment: str | None = None

    def headers(self) -> dict[str, str]:
        """What every call carries."""
        post = {"Xunban-Appointment": self.appointment} if self.appointment else {}
        return {"Authorization": f"Bearer {self.token}", **post}


@dataclass(frozen=True)
class Sending:
    """Under which key a command is sent, and which version of the case its form was made from."""

    key: str
    version: str | None = None

    def headers(self) -> dict[str, str]:
        """Sent again it is done once; after somebody else's act it is refused."""
        seen = {"If-Match": f'"{self.version}"'} if self.version and self.version.isdecimal() else {}
        return {"Idempotency-Key": self.key, **seen}


@dataclass(frozen=True)
class File:
    """A file as it was chosen."""

    content: bytes
    media_type: str


@dataclass(frozen=True)
class Upstream:
    """The services behind the console."""

    urls: Mapping[str, str]
    client: httpx.AsyncClient

    async def get(self, caller: Caller, service: str, path: str, **query: Any) -> Answer:
        """One answer of a read model; a `min_position` that is not there yet is given up and said (`unconfirmed`)."""
        wanted = _named(query)
        answer = await self._send(caller, "GET", service, path, params=wanted)
        if answer.status == 503 and answer.document.get("code") == "stale" and wanted.pop("min_position", None):
            answer = await self._send(caller, "GET", service, path, params=wanted)
            return Answer(answer.status, {**answer.document, "unconfirmed": True})
        return answer

    async def post(self, caller: Caller, service: str, path: str, body: Any, sending: Sending, **query: Any) -> Answer:
        """One command, once per idempotency key."""
        said: dict[str, Any] = {"json": body, "headers": sending.headers(), "params": _named(query)}
        return await self._send(caller, "POST", service, path, **said)

    async def upload(
        self, caller: Caller, service: str, path: str, file: File, fields: Mapping[str, str], **query: Any
    ) -> Answer:
        """One file, under a key of its own; nothing of its name goes with it."""
        said: dict[str, Any] = {"files": {"file": ("file", file.content, file.media_type)}, "data": fields}
        said |= {"headers": Sending(new_id()).headers(), "params": _named(query)}
        return await self._send(caller, "POST", service, path, **said, timeout=60)

    async def fetch(self, caller: Caller, service: str, path: str, **query: Any) -> httpx.Response | Answer:
        """What is no document, and not read yet: whoever gets it closes it. A problem where there is no such thing."""
        wanted = _named(query)
        request = self.client.build_request("GET", self.urls[service] + path, params=wanted, headers=caller.headers())
        try:
            answer = await self.client.send(request, stream=True)
        except httpx.TransportError:
            return Answer(503, dict(UNREACHABLE))
        if answer.is_success:
            return answer
        try:
            await answer.aread()
            return _answer(answer)
        finally:
            await answer.aclose()

    async def _send(self, caller: Caller, method: str, service: str, path: str, **how: Any) -> Answer:
        """Raises `SignedOut` where the token is not accepted."""
        headers = {**caller.headers(), **how.pop("headers", {})}
        try:
            return _answer(await self.client.request(method, self.urls[service] + path, headers=headers, **how))
        except httpx.TransportError:
            return Answer(503, dict(UNREACHABLE))


def _named(query: Mapping[str, Any]) -> dict[str, Any]:
    """Without what is not asked for."""
    return {name: value for name, value in query.items() if value not in (None, "")}


def _answer(answer: httpx.Response) -> Answer:
    if answer.status_code == 401:
        raise SignedOut
    try:
        return Answer(answer.status_code, answer.json())
    except ValueError:
        return Answer(503, dict(UNREACHABLE))
