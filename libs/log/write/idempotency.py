"""At most once per Idempotency-Key: what is kept of a request and its answer. Knows no HTTP and no case."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import orjson

from libs.events.errors import IdempotencyMismatch
from libs.log.store.event_store import Append, Appended, Connection, append_by

ANSWER = "c.request_hash, c.status, c.response, e.lane, e.seq, e.version, e.recorded_at"
"""Columns of a stored answer and of the place of its last event, in a statement that joins `c` and `e` so:"""
LAST_EVENT = "left join log.event e on e.event_id = c.last_event"
FIND = f"select {ANSWER} from log.command_log c {LAST_EVENT} where c.principal = $1 and c.idem_key = $2"  # noqa: S608 - our own parts
FIND_ALL = """
    select idem_key, request_hash, status, response from log.command_log
     where (principal, idem_key) in (select * from unnest($1::text[], $2::text[]))
"""
CLAIM = """
    insert into log.command_log (principal, idem_key, request_hash, status, response, last_event)
    values ($1, $2, $3, $4, $5, $6) on conflict do nothing returning true
"""
CLAIM_ALL = """
    insert into log.command_log (principal, idem_key, request_hash)
    select * from unnest($1::text[], $2::text[], $3::bytea[]) order by 1, 2 on conflict do nothing returning 1
"""
APPEND_ONCE = """
    with claimed as (
      insert into log.command_log (principal, idem_key, request_hash, status, response, last_event)
      values ($13, $14, $15, $16, $17, $18) on conflict do nothing returning $1::smallint as lane)
    select seqs, versions, instants
      from claimed, lateral log.append(claimed.lane, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
"""
FORGET = "select log.forget_answers($1, $2)"
COMPLETE = """
    update log.command_log c set status = a.status, response = a.response from
           unnest($1::text[], $2::text[], $3::smallint[], $4::json[]) a (principal, idem_key, status, response)
     where (c.principal, c.idem_key) = (a.principal, a.idem_key)
"""


@dataclass(frozen=True)
class IdempotencyKey:
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


class KeyTaken(Exception):
    """Another request with the same key was faster."""


def position(service: str, lane: int, seq: int) -> str:
    """The opaque token with which a caller reads his own writes."""
    return f"{service}.{lane}.{seq}"


def stored_answer(
    key: IdempotencyKey, outcome: Outcome | None = None, last_event: str | None = None
) -> tuple[Any, ...]:
    """The row of a request: its answer, completed by the place of `last_event`, or none yet."""
    response = orjson.dumps(outcome.document).decode() if outcome else None
    return key.principal, key.key, key.request_hash, outcome.status if outcome else None, response, last_event


def answer_in(row: Any, key: IdempotencyKey | None, service: str = "") -> Outcome | None:
    """The answer in a row of the columns `ANSWER`; raises `IdempotencyMismatch` where it answers another request."""
    if key is None or row is None or row["request_hash"] is None:
        return None
    if row["request_hash"] != key.request_hash:
        raise IdempotencyMismatch()
    outcome = Outcome(row["status"], orjson.loads(row["response"]))
    if row["seq"] is None:
        return outcome
    place = Appended(row["lane"], row["seq"], row["version"], row["recorded_at"], ())
    return outcome.at(service, place)


async def find_answer(conn: Connection, key: IdempotencyKey | None, service: str = "") -> Outcome | None:
    """The answer that this request has had."""
    if key is None:
        return None
    return answer_in(await conn.fetchrow(FIND, key.principal, key.key), key, service)


async def find_answers(conn: Connection, keys: Sequence[IdempotencyKey]) -> dict[str, Outcome | IdempotencyMismatch]:
    """The answers that these requests of one principal have had, by key; of another request's key the mismatch."""
    rows = await conn.fetch(FIND_ALL, [one.principal for one in keys], [one.key for one in keys])
    by_key = {row["idem_key"]: row for row in rows}
    return {
        one.key: Outcome(row["status"], orjson.loads(row["response"]))
        if row["request_hash"] == one.request_hash
        else IdempotencyMismatch()
        for one in keys
        if (row := by_key.get(one.key))
    }


async def claim(conn: Connection, key: IdempotencyKey, outcome: Outcome | None = None) -> bool:
    """Keep an answer, or take the key for one to come; False where it is taken. Waits for whoever is taking it."""
    return bool(await conn.fetchval(CLAIM, *stored_answer(key, outcome)))


async def claim_all(conn: Connection, keys: Sequence[IdempotencyKey]) -> bool:
    """Take many keys for answers to come; False where one of them is taken."""
    columns = [one.principal for one in keys], [one.key for one in keys], [one.request_hash for one in keys]
    return len(await conn.fetch(CLAIM_ALL, *columns)) == len(keys)


async def append_once(
    conn: Connection, wanted: Append, key: IdempotencyKey | None, outcome: Outcome, last_event: str | None
) -> Appended | None:
    """Append and keep the answer in one statement; None where the key is taken. Raises `StreamConflict`."""
    if key is None:
        return await append_by(conn, wanted)
    return await append_by(conn, wanted, APPEND_ONCE, *stored_answer(key, outcome, last_event))


async def complete(conn: Connection, outcomes: Mapping[IdempotencyKey, Outcome]) -> None:
    """Fill in the answers of keys that were taken in this transaction."""
    await conn.execute(
        COMPLETE,
        [key.principal for key in outcomes],
        [key.key for key in outcomes],
        [outcome.status for outcome in outcomes.values()],
        [orjson.dumps(outcome.document).decode() for outcome in outcomes.values()],
    )


async def forget_answers(conn: Connection, older_than: timedelta, most: int) -> int:
    """Drop at most so many answers that nobody asks for any more; how many went. By the real clock."""
    gone: int = await conn.fetchval(FORGET, older_than, most)
    return gone


async def at_most_once(conn: Connection, key: IdempotencyKey | None, work: Callable[[], Awaitable[Outcome]]) -> Outcome:
    """Do something that is no command on a case at most once per key, in one transaction; else the stored answer."""
    while True:
        if before := await find_answer(conn, key):
            return before
        try:
            async with conn.transaction():
                # A second request with this key waits here, before any lane, until the first one has committed.
                if key and not await claim(conn, key):
                    raise KeyTaken
                outcome = await work()
                if key:
                    await complete(conn, {key: outcome})
                return outcome
        except KeyTaken:
            continue
