"""What a careless or hostile caller sends, and what may come back: for tests of every service's HTTP edge."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import asyncpg
import httpx

from libs.events.ids import new_id
from operations.embedded.stack import Stack
from trials.town import place

LEAK = "leak13800000000"
"""Stands in everything that a test sends; no answer may repeat it."""


APPEAL: dict[str, Any] = {"channel": "phone", "kind": "help", "content": LEAK, "place": {"grid": "G03"}}
REPORT: dict[str, Any] = {
    "kind": "city_management",
    "class_code": "road-damage",
    "content": LEAK,
    "place": place("G03"),
}
SOMEBODY = "0191f2a0-0000-7000-8000-00000000ffff"


@dataclass(frozen=True)
class Edge:
    """One service's API and the event store behind it."""

    stack: Stack
    service: str = "intake"

    def token(self, person: str = "zhou-min", *scopes: str) -> str:
        return self.stack.token(person=person, scopes=scopes)

    async def send(
        self,
        method: str,
        path: str,
        *,
        person: str | None = "zhou-min",
        scopes: tuple[str, ...] = (),
        headers: Mapping[str, str] | None = None,
        **request: Any,
    ) -> httpx.Response:
        """One request; signed and keyed unless `headers` says otherwise or `person` is None."""
        signed = {} if person is None else {"Authorization": f"Bearer {self.token(person, *scopes)}"}
        sent = {"Idempotency-Key": new_id(), "Content-Type": "application/json", **signed, **(headers or {})}
        url, plain = self.stack.api_url(self.service), ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        # The default context reads every root certificate of the machine, for each client.
        async with httpx.AsyncClient(base_url=url, trust_env=False, verify=plain) as client:
            return await client.request(method, path, headers={k: v for k, v in sent.items() if v}, **request)

    async def events(self) -> int:
        """How many events the service has stored."""
        conn = await asyncpg.connect(self.stack.admin_url(self.service))
        try:
            stored: int = await conn.fetchval("select sum(seq)::bigint from log.lane_head where lane < 64")
            return stored
        finally:
            await conn.close()


def assert_problem(answer: httpx.Response, status: int, code: str | None = None) -> dict[str, Any]:
    """A problem document in Chinese and English with a stable code, which repeats nothing that was sent."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    document: dict[str, Any] = answer.json()
    assert document["status"] == status
    assert any("一" <= letter <= "鿿" for letter in document["message_zh"])
    assert document["message_en"].isascii()
    assert code is None or document["code"] == code, document
    assert document["code"].startswith("E-") or document["code"] in ("stale", "unavailable")
    assert LEAK not in answer.text
    assert LEAK not in str(answer.headers)
    return document


async def appealed(edge: Edge, **fields: Any) -> dict[str, Any]:
    answer = await edge.send("POST", "/appeals", json={**APPEAL, **fields})
    assert answer.status_code == 201, answer.text
    document: dict[str, Any] = answer.json()
    return document
