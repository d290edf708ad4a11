"""The directory in a service's own database, and in its memory: written by projection, refreshed when asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from libs.directory.facts.directory import Directory
from libs.directory.facts.view import View
from libs.events.contracts import registry
from libs.events.ids import EventId


class Connection(Protocol):
    """What is used of an asyncpg connection or pool."""

    async def fetch(self, query: str, *args: object) -> Sequence[Mapping[str, Any]]: ...

    async def execute(self, query: str, *args: object) -> str: ...


@dataclass(frozen=True)
class FactRow:
    """One event of lane 64 as stored; `version` is its `laneseq`."""

    version: int
    event_id: EventId
    type: str
    body: bytes


async def load(conn: Connection, after_version: int = 0) -> list[FactRow]:
    """The events after a version, in order."""
    rows = await conn.fetch(
        "select version, event_id, type, body from directory_fact where version > $1 order by version", after_version
    )
    return [FactRow(row["version"], EventId(str(row["event_id"])), row["type"], row["body"]) for row in rows]


async def save(conn: Connection, rows: Sequence[FactRow]) -> None:
    """Adds events of the log; one already there stays as it is."""
    await conn.execute(
        """
        insert into directory_fact (version, event_id, type, body)
        select * from unnest($1::bigint[], $2::uuid[], $3::text[], $4::bytea[])
        on conflict (version) do nothing
        """,
        [row.version for row in rows],
        [UUID(row.event_id) for row in rows],
        [row.type for row in rows],
        [row.body for row in rows],
    )


def apply(directory: Directory, rows: Sequence[FactRow]) -> Directory:
    """The directory after these rows; raises `UnknownEvent` for a type newer than this code."""
    return directory.with_events((row.version, registry.decode(row.type, row.body), row.event_id) for row in rows)


class DirectoryCache:
    """One process's copy of the directory. Facts are only ever added, so what was read once stays true."""

    def __init__(self) -> None:
        self.directory = Directory()

    async def at(self, conn: Connection, version: int) -> View:
        """The directory at a version; raises `NotThereYet` where this service has not projected it yet."""
        if version > self.directory.version:
            await self.refresh(conn)
        return self.directory.at(version)

    async def latest(self, conn: Connection) -> View:
        """The newest directory that this service has projected."""
        return (await self.refresh(conn)).latest

    async def refresh(self, conn: Connection) -> Directory:
        """Reads what is new in the table."""
        if rows := await load(conn, self.directory.version):
            self.directory = apply(self.directory, rows)
        return self.directory
