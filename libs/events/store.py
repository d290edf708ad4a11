"""The event table of one service: load a stream, append to it. The rules of the lane are in event_store.sql."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeAlias

import asyncpg

from libs.events.envelope import Draft, Position, Recorded, recorded
from libs.events.errors import StreamConflict
from libs.events.lanes import DIRECTORY_LANE, decode_meta, lane_of
from libs.events.tally import TALLY

if TYPE_CHECKING:
    Connection: TypeAlias = asyncpg.Connection[Any] | asyncpg.pool.PoolConnectionProxy[Any]
    Pool: TypeAlias = asyncpg.Pool[Any]
else:
    Connection = asyncpg.Connection
    Pool = asyncpg.Pool

AWAY = (
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    # What the client says of a connection that was ended under its hands, between two of its own steps.
    asyncpg.InternalClientError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.ObjectNotInPrerequisiteStateError,
    asyncpg.DeadlockDetectedError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.ReadOnlySQLTransactionError,
    OSError,
    TimeoutError,
)
"""The database is away, busy or just starting: whoever meets one of these tries again."""

EVENTS_OF_STREAM = """
    select lane, seq, version, recorded_at, prev_hash, hash, meta, body
      from log.event where stream = $1 and version > $2 order by version
"""
CLAIM = """
    insert into log.command_log (principal, idem_key, request_hash, status, response, last_event)
    values ($1, $2, $3, $4, $5, $6) on conflict do nothing returning true
"""
APPEND = "select seq, version, recorded_at, hash from log.append($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"
APPEND_ONCE = """
    with claimed as (
      insert into log.command_log (principal, idem_key, request_hash, status, response, last_event)
      values ($12, $13, $14, $15, $16, $17) on conflict do nothing returning $1::smallint as lane)
    select seq, version, recorded_at, hash
      from claimed, lateral log.append(claimed.lane, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
"""
"""The key before the lane: a second request with it waits for the first one there, and then appends nothing."""
NOW = "select log.business_now()"

Claim: TypeAlias = tuple[str, str, bytes, int | None, str | None, str | None]
"""Principal, key, hash of the request; status and document of its answer, and the event whose place completes it."""


@dataclass(frozen=True)
class Appended:
    """Where the last of the appended events stands."""

    lane: int
    seq: int
    version: int
    recorded_at: datetime
    event_ids: tuple[str, ...]


def stored_position(row: Any) -> Position:
    """The place in the chain that an event row says."""
    return Position(row["lane"], row["seq"], row["version"], row["recorded_at"], row["prev_hash"], row["hash"])


async def load(conn: Connection, stream: str, after: int = 0) -> list[Recorded]:
    """The events of a stream after a version, in order; empty where it does not exist."""
    return stream_of(await conn.fetch(EVENTS_OF_STREAM, stream, after))


def stream_of(rows: Iterable[Any]) -> list[Recorded]:
    """The events that these rows hold."""
    return [recorded(stored_position(row), decode_meta(row["meta"]), row["body"]) for row in rows]


async def append(
    conn: Connection,
    stream: str,
    drafts: Sequence[Draft],
    *,
    expected: int | None,
    cause: datetime | None = None,
    given: datetime | None = None,
) -> Appended:
    """Append in one round trip; the lane stays locked until the caller's transaction ends.

    `expected` is the stream's version that the decision saw (None: any). `cause` is the `recordedat` of the newest
    event that the decision had applied, `given` the business time in manual mode. Raises `StreamConflict`.
    """
    values = _values(stream, drafts, expected, cause, given)
    with _conflicts():
        row = await conn.fetchrow(APPEND, *values)
    TALLY.appended += len(drafts)
    return _appended(values, row)


@dataclass(frozen=True)
class Append:
    """What is appended to one stream."""

    stream: str
    drafts: Sequence[Draft]
    expected: int | None
    cause: datetime | None
    given: datetime | None


async def append_once(conn: Connection, wanted: Append, claim: Claim | None) -> Appended | None:
    """Append and keep the answer in one statement, which is its own transaction; None where the key is taken.

    Once the server has it, it is carried out even if this process dies meanwhile: as if it had died before answering.
    """
    values = _values(wanted.stream, wanted.drafts, wanted.expected, wanted.cause, wanted.given)
    with _conflicts():
        row = await conn.fetchrow(APPEND_ONCE if claim else APPEND, *values, *(claim or ()))
    if row is None:
        return None
    TALLY.appended += len(wanted.drafts)
    return _appended(values, row)


async def claim(conn: Connection, wanted: Claim) -> bool:
    """Keep an answer, or take the key for one to come; False where it is taken. Waits for whoever is taking it."""
    return bool(await conn.fetchval(CLAIM, *wanted))


async def append_all(conn: Connection, appends: Sequence[Append]) -> dict[str, Appended]:
    """Append to many streams in one go, in the order of their lanes, as everybody locks them; answers by stream.

    The lanes stay locked until the caller's transaction ends. Raises `StreamConflict`.
    """
    values = [_values(one.stream, one.drafts, one.expected, one.cause, one.given) for one in appends]
    values.sort(key=lambda one: one[0])
    with _conflicts():
        rows = await conn.fetchmany(APPEND, values)
    TALLY.appended += sum(len(one.drafts) for one in appends)
    return {one[1]: _appended(one, row) for one, row in zip(values, rows, strict=True)}


@contextmanager
def _conflicts() -> Iterator[None]:
    try:
        yield
    except asyncpg.PostgresError as error:
        if error.sqlstate == "XB409":
            TALLY.conflicts += 1
            raise StreamConflict() from error
        raise


def _appended(values: tuple[Any, ...], row: Any) -> Appended:
    return Appended(values[0], row["seq"], row["version"], row["recorded_at"], tuple(values[6]))


def _values(
    stream: str, drafts: Sequence[Draft], expected: int | None, cause: datetime | None, given: datetime | None
) -> tuple[Any, ...]:
    kind, _, case_id = stream.partition("-")
    in_case = kind in ("case", "access", "cluster")
    return (
        lane_of(case_id) if in_case else DIRECTORY_LANE,
        stream,
        expected,
        case_id if in_case else None,
        cause,
        given,
        [draft.id for draft in drafts],
        [draft.type for draft in drafts],
        [draft.occurred_at for draft in drafts],
        [draft.meta for draft in drafts],
        [draft.body for draft in drafts],
    )


async def business_now(conn: Connection) -> datetime:
    """The one clock: the database's, or the settable instant of a manual log (architecture.md §5)."""
    now: datetime = await conn.fetchval(NOW)
    return now


async def lock_lane(conn: Connection, lane: int) -> None:
    """Take the lane before any stream, timer or read model (lock order, architecture.md §2)."""
    await conn.execute("select log.lock_lane($1)", lane)
