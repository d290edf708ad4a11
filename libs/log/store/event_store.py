"""The event table of one service: load a stream, append to it. The rules of the lane are in event_store.sql."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeAlias

import asyncpg

from libs.events.envelope import Draft, Position, Recorded, recorded
from libs.events.errors import StreamConflict
from libs.events.lanes import DIRECTORY_LANE, decode_meta, lane_of
from libs.log.process.counters import COUNTERS

if TYPE_CHECKING:
    Connection: TypeAlias = asyncpg.Connection[Any] | asyncpg.pool.PoolConnectionProxy[Any]
    Pool: TypeAlias = asyncpg.Pool[Any]
else:
    Connection = asyncpg.Connection
    Pool = asyncpg.Pool

EVENTS_OF_STREAM = """
    select lane, seq, version, recorded_at, prev_hash, hash, meta, body
      from log.event where stream = $1 order by version
"""
EVENTS_OF_STREAMS = """
    select lane, seq, version, recorded_at, prev_hash, hash, meta, body
      from log.event where stream = any($1) order by stream, version
"""
EVENTS_OF_LANE = """
    select lane, seq, version, recorded_at, prev_hash, hash, meta, body
      from log.event where lane = $1 and ($2::text[] is null or type = any($2)) order by seq
"""
APPEND = "select seqs, versions, instants from log.append($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)"
"""The key before the lane: a second request with it waits for the first one there, and then appends nothing."""
NOW = "select log.business_now()"

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


async def load(conn: Connection, stream: str) -> list[Recorded]:
    """The events of a stream in order; none where it does not exist."""
    return stream_of(await conn.fetch(EVENTS_OF_STREAM, stream))


async def load_all(conn: Connection, streams: Collection[str]) -> dict[str, list[Recorded]]:
    """The events of each of these streams, in order; none where it does not exist."""
    found: dict[str, list[Recorded]] = {stream: [] for stream in streams}
    for event in stream_of(await conn.fetch(EVENTS_OF_STREAMS, list(streams))):
        found[event.stream].append(event)
    return found


async def load_lane(conn: Connection, lane: int, types: Sequence[str] | None = None) -> list[Recorded]:
    """The events of a lane in order, of these types or of all: of lane 64, which is short."""
    return stream_of(await conn.fetch(EVENTS_OF_LANE, lane, types))


def stream_of(rows: Iterable[Any]) -> list[Recorded]:
    """The events that these rows hold."""
    return [recorded(stored_position(row), decode_meta(row["meta"]), row["body"]) for row in rows]


@dataclass(frozen=True)
class Append:
    """What is appended to one stream.

    `expected` is the stream's version that the decision saw (None: any). `cause` is the `recordedat` of the newest
    event that the decision had applied, `given` the business time in manual mode.
    """

    stream: str
    drafts: Sequence[Draft]
    expected: int | None
    cause: datetime | None = None
    given: datetime | None = None

    @property
    def case_id(self) -> str | None:
        """The case that the stream is about, or the draft of which it gives notice; None for one of the directory."""
        kind, _, case_id = self.stream.partition("-")
        return case_id if kind in ("case", "access", "cluster", "notice") else None

    @property
    def lane(self) -> int:
        """The lane that the stream belongs to."""
        return lane_of(self.case_id) if self.case_id else DIRECTORY_LANE


async def append(
    conn: Connection,
    stream: str,
    drafts: Sequence[Draft],
    *,
    expected: int | None,
    cause: datetime | None = None,
    given: datetime | None = None,
) -> Appended:
    """Append to one stream in one round trip; the lane stays locked until the caller's transaction ends.

    Raises `StreamConflict`.
    """
    wanted = Append(stream, drafts, expected, cause, given)
    with _conflicts():
        row = await conn.fetchrow(APPEND, *_values([wanted]))
    return _appended([wanted], row)[stream]


async def append_by(conn: Connection, wanted: Append, sql: str = APPEND, *more: Any) -> Appended | None:
    """Append by one statement, which is its own transaction; None where `sql` does so only on a condition that fails.

    `sql` answers as `log.append` does and is given its arguments, and `more`. Once the server has it, it is carried
    out even if this process dies meanwhile: as if it had died before answering. Raises `StreamConflict`.
    """
    with _conflicts():
        row = await conn.fetchrow(sql, *_values([wanted]), *more)
    return _appended([wanted], row)[wanted.stream] if row else None


async def append_all(conn: Connection, appends: Sequence[Append]) -> dict[str, Appended]:
    """Append to many streams: one call per lane, in the order in which everybody locks them.

    Answers by stream, with the place of its last event. The lanes stay locked until the caller's transaction ends.
    Raises `StreamConflict`.
    """
    of_lanes: dict[int, list[Append]] = {}
    for one in appends:
        of_lanes.setdefault(one.lane, []).append(one)
    ordered = [of_lanes[lane] for lane in sorted(of_lanes)]
    with _conflicts():
        rows = await conn.fetchmany(APPEND, [_values(some) for some in ordered])
    return {stream: at for some, row in zip(ordered, rows, strict=True) for stream, at in _appended(some, row).items()}


@contextmanager
def _conflicts() -> Iterator[None]:
    try:
        yield
    except asyncpg.PostgresError as error:
        if error.sqlstate == "XB409":
            COUNTERS.conflicts += 1
            raise StreamConflict() from error
        raise


def _values(of_lane: Sequence[Append]) -> tuple[Any, ...]:
    """What `log.append` is given: the streams of one lane, and their events one after another."""
    drafts = [draft for one in of_lane for draft in one.drafts]
    return (
        of_lane[0].lane,
        [one.stream for one in of_lane],
        [one.expected for one in of_lane],
        [one.case_id for one in of_lane],
        [one.cause for one in of_lane],
        [one.given for one in of_lane],
        [len(one.drafts) for one in of_lane],
        [draft.id for draft in drafts],
        [draft.type for draft in drafts],
        [draft.occurred_at for draft in drafts],
        [draft.meta for draft in drafts],
        [draft.body for draft in drafts],
    )


def _appended(of_lane: Sequence[Append], row: Any) -> dict[str, Appended]:
    COUNTERS.appended += sum(len(one.drafts) for one in of_lane)
    places = zip(of_lane, row["seqs"], row["versions"], row["instants"], strict=True)
    return {
        one.stream: Appended(one.lane, seq, version, at, tuple(draft.id for draft in one.drafts))
        for one, seq, version, at in places
    }


async def business_now(conn: Connection) -> datetime:
    """The one clock: the database's, or the settable instant of a manual log (architecture.md §5)."""
    now: datetime = await conn.fetchval(NOW)
    return now


async def lock_lane(conn: Connection, lane: int) -> None:
    """Take the lane before any stream, timer or read model (lock order, architecture.md §2)."""
    await conn.execute("select log.lock_lane($1)", lane)


async def lock_lanes(conn: Connection, lanes: Collection[int]) -> None:
    """Take lanes, as `lock_lane`; raises `LockNotAvailableError` where somebody holds one of several for long."""
    if len(lanes) == 1:
        await lock_lane(conn, *lanes)
    else:
        await conn.execute("select log.lock_lanes($1)", list(lanes))
