"""At most once per Idempotency-Key: what is kept of a request and its answer. Knows no HTTP and no case."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import orjson

from libs.events.errors import IdempotencyMismatch
from libs.log.store.event_store import Appended, Claim, Connection, claim

ANSWERED = """
    select c.request_hash, c.status, c.response, e.lane, e.seq, e.version, e.recorded_at
      from log.command_log c left join log.event e on e.event_id = c.last_event
     where c.principal = $1 and c.idem_key = $2
"""


@dataclass(frozen=True)
class Once:
    """An Idempotency-Key of one principal, and a keyed hash of the request it came with."""

    principal: str
    key: str
    request_hash: bytes


@dataclass(frozen=True)
class Outcome:
    """The answer: HTTP status and JSON document; ids and positions only, never personal data."""

    status: int
    document: dict[str, Any] = field(default_factory=dict)

    def at(self, service: str, place: Appended | Any) -> Outcome:
        """The answer with the place of its last event, which is known only once it stands in the lane."""
        known = {
            "position": position(service, place.lane, place.seq),
            "version": place.version,
            "recorded_at": place.recorded_at.isoformat(),
        }
        return Outcome(self.status, self.document | known)


class Claimed(Exception):
    """Another request with the same key was faster."""


def position(service: str, lane: int, seq: int) -> str:
    """The opaque token with which a caller reads his own writes."""
    return f"{service}.{lane}.{seq}"


def kept(once: Once, outcome: Outcome | None = None, last_event: str | None = None) -> Claim:
    """What is kept of a request: its answer, completed by the place of `last_event`, or none yet."""
    response = orjson.dumps(outcome.document).decode() if outcome else None
    return once.principal, once.key, once.request_hash, outcome.status if outcome else None, response, last_event


def answer_in(row: Any, once: Once | None, service: str = "") -> Outcome | None:
    """The answer in a row of `ANSWERED`'s columns; raises `IdempotencyMismatch` where it answers another request."""
    if once is None or row is None or row["request_hash"] is None:
        return None
    if row["request_hash"] != once.request_hash:
        raise IdempotencyMismatch()
    outcome = Outcome(row["status"], orjson.loads(row["response"]))
    if row["seq"] is None:
        return outcome
    place = Appended(row["lane"], row["seq"], row["version"], row["recorded_at"], ())
    return outcome.at(service, place)


async def answered(conn: Connection, once: Once | None, service: str = "") -> Outcome | None:
    """The answer that this request has had."""
    if once is None:
        return None
    return answer_in(await conn.fetchrow(ANSWERED, once.principal, once.key), once, service)


async def at_most_once(conn: Connection, key: Once | None, work: Callable[[], Awaitable[Outcome]]) -> Outcome:
    """Do something that is no command on a case at most once per key, in one transaction; else the stored answer."""
    while True:
        if before := await answered(conn, key):
            return before
        try:
            async with conn.transaction():
                # A second request with this key waits here, before any lane, until the first one has committed.
                if key and not await claim(conn, kept(key)):
                    raise Claimed
                outcome = await work()
                if key:
                    await _answer(conn, key, outcome)
                return outcome
        except Claimed:
            continue


async def _answer(conn: Connection, once: Once, outcome: Outcome) -> None:
    await conn.execute(
        "update log.command_log set status = $3, response = $4 where principal = $1 and idem_key = $2",
        once.principal,
        once.key,
        outcome.status,
        orjson.dumps(outcome.document).decode(),
    )
