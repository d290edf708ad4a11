"""The rows of one database in files and back, over any connection: COPY in one snapshot. Knows no service's tables."""

from __future__ import annotations

import gzip
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from libs.log.store.event_store import Connection

TABLES = """
    select n.nspname as schema, c.relname as name,
           array(select a.attname::text from pg_attribute a where a.attrelid = c.oid and a.attnum > 0
                    and not a.attisdropped and a.attgenerated = '' order by a.attnum) as columns
      from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where c.relkind = 'r' and n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'rebuild')
       and c.relname <> 'alembic_version'
     order by 1, 2
"""
APPEND_ONLY = ("log", "event")
PIECE = 1 << 20


@dataclass(frozen=True)
class Rows:
    """What a database held: its revision, and the columns of each table (`schema.name` → columns, rows)."""

    revision: str
    columns: Mapping[str, tuple[str, ...]]
    counts: Mapping[str, int]


async def save(url: str, folder: Path) -> Rows:
    """Every table into `folder`, which exists, all of one instant; whoever works meanwhile is not disturbed."""
    conn = await asyncpg.connect(url)
    try:
        async with conn.transaction(isolation="repeatable_read", readonly=True):
            revision = await conn.fetchval("select version_num from alembic_version")
            found = await conn.fetch(TABLES)
            counts = {f"{one['schema']}.{one['name']}": await _save(conn, one, folder) for one in found}
    finally:
        await conn.close()
    columns = {f"{one['schema']}.{one['name']}": tuple(one["columns"]) for one in found}
    return Rows(revision, columns, counts)


async def _save(conn: Connection, table: asyncpg.Record, folder: Path) -> int:
    schema, name = table["schema"], table["name"]
    with gzip.open(folder / f"{schema}.{name}.gz", "wb", compresslevel=1) as out:

        async def write(piece: bytes) -> None:
            out.write(piece)

        said = await conn.copy_from_table(
            name, schema_name=schema, columns=table["columns"], format="binary", output=write
        )
    return int(said.rpartition(" ")[2])


async def load(url: str, folder: Path, rows: Rows) -> None:
    """Every table out of `folder` into a database whose schema is at the same revision and which holds nothing yet."""
    conn = await asyncpg.connect(url)
    try:
        async with conn.transaction():
            for table, columns in rows.columns.items():
                schema, _, name = table.partition(".")
                # What a migration has put there is in the backup as well; the log takes no deletion and has none.
                if (schema, name) != APPEND_ONLY:
                    await conn.execute(f'delete from "{schema}"."{name}"')  # noqa: S608 - names of our own backup
                await conn.copy_to_table(
                    name, schema_name=schema, columns=columns, format="binary", source=_pieces(folder / f"{table}.gz")
                )
    finally:
        await conn.close()


async def _pieces(file: Path) -> AsyncIterator[bytes]:
    with gzip.open(file, "rb") as content:
        while piece := content.read(PIECE):
            yield piece


async def is_empty(url: str) -> bool:
    """Whether no table of anybody's is there."""
    conn = await asyncpg.connect(url)
    try:
        return not await conn.fetch(TABLES)
    finally:
        await conn.close()


async def open_to(url: str, database: str, roles: tuple[str, ...], *, allowed: bool) -> None:
    """Let the services' roles connect, or keep them out; `url` is the owner's."""
    conn = await asyncpg.connect(url)
    try:
        for role in roles:
            words = f'grant connect on database "{database}" to "{role}"'
            if not allowed:
                words = f'revoke connect on database "{database}" from "{role}"'
            await conn.execute(words)
    finally:
        await conn.close()
