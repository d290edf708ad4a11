"""Entries → HTTP requests: many cases in each, a few requests side by side, as fast as intake takes them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any, Protocol
from uuid import UUID

import httpx
import orjson

from importing.entries import Entry
from operations.installation import CannotStart

PATIENCE_SECONDS = 120.0
"""How long a request is repeated before the import stops; it goes on where it was when it is started again."""
LONGEST_PAUSE_SECONDS = 10.0
BUSY = (429, 503)
UNTRUSTED = (401, 403)
TOO_LARGE = 413
ALREADY_THERE = (409, "E-IDEM")


class ImportStopped(CannotStart):
    """Nothing more can be sent: no token, no power, or no service. What was sent stays; start again to go on."""


@dataclass(frozen=True)
class Answer:
    """HTTP status and document."""

    status: int
    document: dict[str, Any]


class Post(Protocol):
    """Sends a request to intake that may be repeated."""

    async def __call__(self, path: str, body: dict[str, Any]) -> Answer: ...


async def deliver(entries: Sequence[Entry], post: Post) -> list[Answer]:
    """Bring in cases, each received and registered whole or not at all; an answer for each, in their order.

    Repeating it changes nothing: the case id, which follows from the entry, is the key. Raises `ImportStopped`.
    """
    told = await post("/import", {"items": [entry.item for entry in entries]})
    if told.status == TOO_LARGE and len(entries) > 1:
        half = len(entries) // 2
        return [*await deliver(entries[:half], post), *await deliver(entries[half:], post)]
    if told.status >= 400 and (told.status != TOO_LARGE):
        # Not one item of it was looked at: every further request would be refused for the same.
        raise ImportStopped(what_to_do(told))
    if told.status >= 400:
        return [told] * len(entries)
    answers = [Answer(item["status"], item) for item in told.document["items"]]
    for answer in answers:
        trusted(answer)
    return answers


def what_to_do(answer: Answer) -> str:
    """Why nothing of a request was taken, and what helps."""
    posts = " | ".join(str(one) for one in answer.document.get("allowed_actions") or ())
    if answer.document.get("code") == "E-APPOINTMENT":
        return f"导入人有多个岗位, 请注明其一 / who imports holds several posts, name one: --appointment {posts}"
    return f"导入请求被拒绝 / the import is refused: {reason(answer)}"


def came_in(answer: Answer) -> bool:
    """A case that is there under another caller's key is the same case, since its id follows from the entry."""
    return answer.status < 400 or (answer.status, answer.document.get("code")) == ALREADY_THERE


def trusted(answer: Answer) -> Answer:
    """Raises `ImportStopped` where the caller lacks the power: every further row would be refused too."""
    if answer.status in UNTRUSTED:
        raise ImportStopped(f"令牌没有导入的权限 / the token may not import: {reason(answer)}")
    return answer


def reason(answer: Answer) -> str:
    """The problem document in one line: code, both languages, and which fields; no value of theirs."""
    told = answer.document
    fields = ", ".join(f"{one['at']} ({one['error']})" for one in told.get("errors", ()))
    text = f"{told.get('code', answer.status)} {told.get('message_zh', '')} / {told.get('message_en', '')}"
    return f"{text}: {fields}" if fields else text


@dataclass
class Sender:
    """A client of one intake. Where it is busy everybody waits as long as it asks (429, 503, Retry-After)."""

    url: str
    token: str
    appointment: str | None = None
    parallel: int = 4
    patience: float = PATIENCE_SECONDS
    client: httpx.AsyncClient = field(init=False)
    _not_before: float = 0.0

    async def __aenter__(self) -> Sender:
        limits = httpx.Limits(max_connections=self.parallel, max_keepalive_connections=self.parallel)
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        if self.appointment:
            headers["Xunban-Appointment"] = self.appointment
        self.client = httpx.AsyncClient(base_url=self.url, headers=headers, timeout=30, limits=limits, trust_env=False)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.client.aclose()

    async def now(self) -> float:
        """Intake's own clock in seconds, to tell what it did before from what it does now."""
        try:
            answer = await self.client.get("/healthz")
            return parsedate_to_datetime(answer.headers["Date"]).timestamp()
        except (httpx.TransportError, KeyError) as error:
            raise ImportStopped(f"受理服务没有应答 / intake does not answer: {self.url}") from error

    async def post(self, path: str, body: dict[str, Any]) -> Answer:
        """One request, repeated until intake has decided it; raises `ImportStopped`."""
        loop = asyncio.get_running_loop()
        until, pause = loop.time() + self.patience, 0.2
        while True:
            await asyncio.sleep(self._not_before - loop.time())
            answer = await self._once(path, body)
            if answer is not None and answer.status_code not in BUSY and answer.status_code < 500:
                return trusted(Answer(answer.status_code, orjson.loads(answer.content)))
            if loop.time() > until:
                raise ImportStopped(
                    f"受理服务长时间没有应答 / intake did not answer for {self.patience:.0f} s: {self.url}"
                )
            wanted = answer.headers.get("Retry-After", "") if answer is not None else ""
            asked = float(wanted) if wanted.isdecimal() else 0.0
            self._not_before = loop.time() + min(max(asked, pause), LONGEST_PAUSE_SECONDS)
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)

    async def _once(self, path: str, body: dict[str, Any]) -> httpx.Response | None:
        try:
            return await self.client.post(path, content=orjson.dumps(body))
        except httpx.TransportError:
            return None


def done_before(answer: Answer, started: float) -> bool:
    """Whether the answer tells of an earlier run: event ids are UUIDv7 and carry the instant they were made."""
    made = answer.document.get("events") or []
    return not made or UUID(made[-1]).int >> 80 < started * 1000
