"""Calls of the public APIs with the caller's own token; every answer is a document, whatever happened on the way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx

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
class Upstream:
    """The services behind the console."""

    urls: Mapping[str, str]
    client: httpx.AsyncClient

    async def get(self, caller: Caller, service: str, path: str, **query: Any) -> Answer:
        """One answer of a read model; a `min_position` that is not there yet is given up and said (`unconfirmed`)."""
        wanted = {name: value for name, value in query.items() if value not in (None, "")}
        answer = await self._send(caller, "GET", service, path, params=wanted)
        if answer.status == 503 and answer.document.get("code") == "stale" and wanted.pop("min_position", None):
            answer = await self._send(caller, "GET", service, path, params=wanted)
            return Answer(answer.status, {**answer.document, "unconfirmed": True})
        return answer

    async def post(self, caller: Caller, service: str, path: str, body: Any, key: str) -> Answer:
        """One command, once per idempotency key."""
        return await self._send(caller, "POST", service, path, json=body, headers={"Idempotency-Key": key})

    async def _send(self, caller: Caller, method: str, service: str, path: str, **how: Any) -> Answer:
        """Raises `SignedOut` where the token is not accepted."""
        headers = {**caller.headers(), **how.pop("headers", {})}
        try:
            answer = await self.client.request(method, self.urls[service] + path, headers=headers, **how)
            document = answer.json()
        except (httpx.TransportError, ValueError):
            return Answer(503, dict(UNREACHABLE))
        if answer.status_code == 401:
            raise SignedOut
        return Answer(answer.status_code, document)
