"""Rebuilds a service's read model from the log, in a schema of its own, and compares it with the live one by rows."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import asyncpg
import orjson
from aiokafka import TopicPartition

from libs.audit.reading import Log, open_log
from libs.events.lanes import DIRECTORY_LANE, genesis
from libs.events.proof import LONGEST_RUN
from libs.events.signature import Proves
from libs.log.kafka.broker import Address
from libs.log.read.progress import CheckedBatch, Cursor, check_batch, parsed, read_unsigned
from libs.log.read.statements import write
from libs.log.store.event_store import Connection
from libs.log.store.reconciler import Difference as OwnDifference
from libs.log.store.reconciler import Reconciler
from libs.log.watermarks.watermark import sources_of
from libs.log.write.seal import Opener
from libs.service.runtime import Parts
from libs.service.worker.projecting import project, save_directory

SCHEMA = "rebuild"
SIDE_BY_SIDE = 3
SHOWN = 1000
PRIMARY_KEY = """
    select a.attname from pg_index i join pg_attribute a on a.attrelid = i.indrelid and a.attnum = any(i.indkey)
     where i.indrelid = $1::regclass and i.indisprimary order by array_position(i.indkey::int2[], a.attnum)
"""


class LogUnsound(Exception):
    """The log itself cannot be followed to where the live read model stands; `verify` says why."""


@dataclass(frozen=True)
class Difference:
    """One row that is not the same in both; names of columns, never their values."""

    table: str
    key: str
    columns: tuple[str, ...]
    """Empty: the row is in one of the two only."""
    live: bool
    rebuilt: bool


@dataclass(frozen=True)
class Comparison:
    """What was compared, at one position of the log."""

    service: str
    events: int
    rows: Mapping[str, int]
    differences: tuple[Difference, ...]
    own: tuple[OwnDifference, ...] = ()
    """Where the service's own event table is not what was appended, or not what the log says."""


@dataclass
class Rebuild:
    """One read model made anew, by the same code that keeps the live one."""

    conns: Sequence[Connection]
    parts: Parts
    log: Log
    proves: Proves
    opener: Opener | None = None
    cursors: dict[TopicPartition, Cursor] = field(default_factory=dict)
    events: int = 0

    @property
    def conn(self) -> Connection:
        """The connection for everything but filling."""
        return self.conns[0]

    @property
    def tables(self) -> list[str]:
        """Everything that is filled from the log; how far a reader has come is not."""
        return ["case_view", "directory_fact", *(table.name for table in self.parts.tables)]

    @property
    def comparable(self) -> list[str]:
        """Search copies can be made again only by whoever may ask the vault."""
        sealed = {table.name for table in self.parts.tables if table.info.get("search_copy")}
        return [name for name in self.tables if self.opener or name not in sealed]

    async def prepare(self) -> None:
        """An empty copy of the tables; what is in it can be made again, so it is not logged."""
        await self.conn.execute(f"drop schema if exists {SCHEMA} cascade; create schema {SCHEMA}")
        for table in self.tables:
            await self.conn.execute(f"create unlogged table {SCHEMA}.{table} (like read.{table} including all)")
        for conn in self.conns:
            await conn.execute(f"set search_path = {SCHEMA}")

    async def follow(self, conns: Sequence[Connection]) -> None:
        """Apply the log from where this rebuild stands to where the live read model stands.

        Over several connections partitions are written while others are folded; each in its order.
        """
        rows = await self.conn.fetch("select topic, partition, next_offset from read.progress")
        ends = {TopicPartition(row["topic"], row["partition"]): row["next_offset"] for row in rows}
        for tp in ends.keys() - self.cursors.keys():
            start = _at_the_beginning(tp)
            self.cursors[tp] = replace(start, unsigned=(await read_unsigned(self.conn, [start.lane]))[start.lane])
        begins = {tp: self.cursors[tp].next_offset for tp in ends}
        self.cursors |= {tp: replace(cursor, waiting=()) for tp, cursor in self.cursors.items()}
        # What proves the last events may stand behind them: the live reader has stopped in the midst of a batch.
        known = await self.log.extent(list(ends))
        further = {tp: min(known.end[tp], ends[tp] + LONGEST_RUN) for tp in ends}
        free: asyncio.Queue[Connection] = asyncio.Queue()
        for conn in conns:
            free.put_nowait(conn)
        writing: dict[TopicPartition, asyncio.Task[None]] = {}
        try:
            async for records in self.log.read(begins, further):
                tp = TopicPartition(records[0].topic, records[0].partition) if records else None
                if tp and self.cursors[tp].next_offset < ends[tp]:
                    taken = self._take(tp, records, ends[tp])
                    if before := writing.get(taken.start.partition):
                        await before
                    writing[taken.start.partition] = asyncio.create_task(self._apply(await free.get(), taken, free))
        finally:
            if writing:
                await asyncio.wait(writing.values())
        for written in writing.values():
            written.result()

    def _take(self, tp: TopicPartition, records: Sequence[Any], end: int) -> CheckedBatch:
        offsets = [record.offset for record in records]
        taken = check_batch(self.cursors[tp], [parsed(record) for record in records], offsets, self.proves).before(end)
        if taken.broken:
            raise LogUnsound(f"{tp.topic}-{tp.partition} {taken.next_offset}: {taken.broken}")
        self.cursors[tp] = taken.end
        self.events += len(taken.events)
        return taken

    async def _apply(self, conn: Connection, taken: CheckedBatch, free: asyncio.Queue[Connection]) -> None:
        try:
            if taken.start.lane == DIRECTORY_LANE:
                await save_directory(conn, taken.events)
            elif taken.events:
                await write(conn, (await project(conn, self.parts, taken.events, self.opener)).writes())
        finally:
            free.put_nowait(conn)

    async def differences(self) -> list[Difference]:
        """Rows that are not the same in both."""
        return [found for table in self.comparable for found in await self._of_table(table)]

    async def _of_table(self, table: str) -> list[Difference]:
        keys = [row["attname"] for row in await self.conn.fetch(PRIMARY_KEY, f"read.{table}")]
        rows = await self.conn.fetch(
            f"select to_jsonb(l) as live, to_jsonb(r) as rebuilt from read.{table} l"  # noqa: S608 - our own names
            f" full join {SCHEMA}.{table} r using ({', '.join(keys)}) where l.* is distinct from r.* limit {SHOWN}"
        )
        return [_difference(table, keys, row["live"], row["rebuilt"]) for row in rows]

    async def count(self) -> dict[str, int]:
        """Rows of each rebuilt table."""
        counts = {table: f"select count(*) from {SCHEMA}.{table}" for table in self.comparable}  # noqa: S608 - our own names
        return {table: await self.conn.fetchval(query) for table, query in counts.items()}


@asynccontextmanager
async def rebuilding(
    owner_url: str, bootstrap: Address, parts: Parts, proves: Proves, opener: Opener | None = None
) -> AsyncIterator[Rebuild]:
    """An empty rebuild with its connections; its schema is gone afterwards. Raises `NoLog`."""
    async with (
        asyncpg.create_pool(owner_url, min_size=SIDE_BY_SIDE, max_size=SIDE_BY_SIDE) as pool,
        AsyncExitStack() as held,
        open_log(bootstrap) as log,
    ):
        conns = [await held.enter_async_context(pool.acquire()) for _ in range(SIDE_BY_SIDE)]
        rebuild = Rebuild(conns, parts, log, proves, opener)
        await rebuild.prepare()
        yield rebuild
        await rebuild.conn.execute(f"drop schema {SCHEMA} cascade")


async def compare(
    owner_url: str, bootstrap: Address, parts: Parts, proves: Proves, opener: Opener | None = None
) -> Comparison:
    """Rebuild and compare at one position, while the service may go on. Raises `LogUnsound`, `NoLog`.

    The service's own event table is gone through too. Without `opener` tables of search copies are left out: they need
    the vault.
    """
    async with rebuilding(owner_url, bootstrap, parts, proves, opener) as rebuild:
        await rebuild.follow(rebuild.conns)
        # In one snapshot: the live progress, the live rows, and the few events that came meanwhile.
        async with rebuild.conn.transaction(isolation="repeatable_read"):
            await rebuild.follow([rebuild.conn])
            found = await rebuild.differences()
            rows = await rebuild.count()
            lanes = [row["lane"] for row in await rebuild.conn.fetch("select lane from log.lane_head order by lane")]
            own = await Reconciler(f"/xunban/{parts.service}").whole(rebuild.conn, lanes)
    return Comparison(parts.service, rebuild.events, rows, tuple(found), tuple(own))


async def put_in_place(
    owner_url: str, bootstrap: Address, parts: Parts, proves: Proves, opener: Opener
) -> dict[str, int]:
    """Put the rebuilt rows in the place of the live ones; rows per table. The worker may go on: it waits at the end.

    Raises `LogUnsound`, `NoLog`; then nothing is replaced.
    """
    async with rebuilding(owner_url, bootstrap, parts, proves, opener) as rebuild:
        conn = rebuild.conn
        await rebuild.follow(rebuild.conns)
        async with conn.transaction():
            await conn.execute("lock table read.progress in exclusive mode")
            await rebuild.follow([conn])
            for table in rebuild.tables:
                await conn.execute(f"truncate read.{table}")
                await conn.execute(f"insert into read.{table} select * from {SCHEMA}.{table}")  # noqa: S608 - our own names
            # A reader that has folded onto the old rows already must not write them.
            await conn.execute("update read.progress set rebuilt = rebuilt + 1")
        return await rebuild.count()


def _at_the_beginning(tp: TopicPartition) -> Cursor:
    cursor = Cursor(tp, 0, {})
    return Cursor(tp, 0, {source: (0, genesis(source, cursor.lane)) for source in sources_of(cursor.lane)})


def _difference(table: str, keys: Sequence[str], live: str | None, rebuilt: str | None) -> Difference:
    one, other = (orjson.loads(row) if row else {} for row in (live, rebuilt))
    columns = tuple(name for name in one if name in other and one[name] != other[name])
    key = ", ".join(f"{name}={(one or other)[name]}" for name in keys)
    return Difference(table, key, columns, bool(one), bool(other))
