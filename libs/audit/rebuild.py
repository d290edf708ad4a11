"""Rebuilds a service's read model from the log, in a schema of its own, and compares it with the live one by rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import orjson
from aiokafka import TopicPartition

from libs.audit.reading import Log, open_log
from libs.events.broker import Address
from libs.events.consumer import Cursor, parsed, take
from libs.events.lanes import DIRECTORY_LANE, genesis
from libs.events.store import Connection
from libs.events.watermark import SOURCES
from libs.events.writing import write
from libs.service.projecting import project, save_directory
from libs.service.runtime import Opener, Parts

SCHEMA = "rebuild"
SHOWN = 1000
DIRECTORY_SOURCE = "/xunban/directory"
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


@dataclass
class Rebuild:
    """One read model made anew, by the same code that keeps the live one."""

    conn: Connection
    parts: Parts
    log: Log
    opener: Opener | None = None
    cursors: dict[TopicPartition, Cursor] = field(default_factory=dict)
    events: int = 0

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
        """An empty copy of the tables."""
        await self.conn.execute(f"drop schema if exists {SCHEMA} cascade; create schema {SCHEMA}")
        for table in self.tables:
            await self.conn.execute(f"create table {SCHEMA}.{table} (like read.{table} including all)")
        await self.conn.execute(f"set search_path = {SCHEMA}")

    async def follow(self) -> None:
        """Apply the log from where this rebuild stands to where the live read model stands."""
        rows = await self.conn.fetch("select topic, partition, next_offset from read.progress")
        ends = {TopicPartition(row["topic"], row["partition"]): row["next_offset"] for row in rows}
        for tp in ends:
            self.cursors.setdefault(tp, _at_the_beginning(tp))
        begins = {tp: self.cursors[tp].next_offset for tp in ends}
        async for records in self.log.read(begins, ends):
            if records:
                async with self.conn.transaction():
                    await self._apply(TopicPartition(records[0].topic, records[0].partition), records)

    async def _apply(self, tp: TopicPartition, records: Sequence[Any]) -> None:
        cursor = self.cursors[tp]
        taken = take(cursor, [parsed(record) for record in records], [record.offset for record in records])
        if taken.broken:
            raise LogUnsound(f"{tp.topic}-{tp.partition} {taken.next_offset}: {taken.broken}")
        self.cursors[tp] = Cursor(tp, taken.next_offset, taken.heads)
        self.events += len(taken.events)
        if cursor.lane == DIRECTORY_LANE:
            await save_directory(self.conn, taken.events)
        elif taken.events:
            await write(self.conn, (await project(self.conn, self.parts, taken.events, self.opener)).writes())

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


async def compare(owner_url: str, bootstrap: Address, parts: Parts, opener: Opener | None = None) -> Comparison:
    """Rebuild and compare at one position, while the service may go on. Raises `LogUnsound`, `NoLog`.

    Without `opener` tables of search copies are left out: they need the vault.
    """
    conn = await asyncpg.connect(owner_url)
    try:
        async with open_log(bootstrap) as log:
            rebuild = Rebuild(conn, parts, log, opener)
            await rebuild.prepare()
            await rebuild.follow()
            # In one snapshot: the live progress, the live rows, and the few events that came meanwhile.
            async with conn.transaction(isolation="repeatable_read"):
                await rebuild.follow()
                found = await rebuild.differences()
                rows = await rebuild.count()
        await conn.execute(f"drop schema {SCHEMA} cascade")
    finally:
        await conn.close()
    return Comparison(parts.service, rebuild.events, rows, tuple(found))


async def replace(owner_url: str, bootstrap: Address, parts: Parts, opener: Opener) -> dict[str, int]:
    """Put the rebuilt rows in the place of the live ones; rows per table. The worker may go on: it waits at the end.

    Raises `LogUnsound`, `NoLog`; then nothing is replaced.
    """
    conn = await asyncpg.connect(owner_url)
    try:
        async with open_log(bootstrap) as log:
            rebuild = Rebuild(conn, parts, log, opener)
            await rebuild.prepare()
            await rebuild.follow()
            async with conn.transaction():
                await conn.execute("lock table read.progress in exclusive mode")
                await rebuild.follow()
                for table in rebuild.tables:
                    await conn.execute(f"truncate read.{table}")
                    await conn.execute(f"insert into read.{table} select * from {SCHEMA}.{table}")  # noqa: S608 - our own names
                # A reader that has folded onto the old rows already must not write them.
                await conn.execute("update read.progress set rebuilt = rebuilt + 1")
            rows = await rebuild.count()
        await conn.execute(f"drop schema {SCHEMA} cascade")
    finally:
        await conn.close()
    return rows


def _at_the_beginning(tp: TopicPartition) -> Cursor:
    cursor = Cursor(tp, 0, {})
    sources = (DIRECTORY_SOURCE,) if cursor.lane == DIRECTORY_LANE else SOURCES
    return Cursor(tp, 0, {source: (0, genesis(source, cursor.lane)) for source in sources})


def _difference(table: str, keys: Sequence[str], live: str | None, rebuilt: str | None) -> Difference:
    one, other = (orjson.loads(row) if row else {} for row in (live, rebuilt))
    columns = tuple(name for name in one if name in other and one[name] != other[name])
    key = ", ".join(f"{name}={(one or other)[name]}" for name in keys)
    return Difference(table, key, columns, bool(one), bool(other))
