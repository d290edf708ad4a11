"""Each service's tables.py says exactly what its migrations made, on a real server."""

import importlib
from typing import Any

import asyncpg
import pytest
from sqlalchemy import Index, Table
from sqlalchemy.dialects.postgresql import dialect

from libs.directory.readmodel.tables import directory_fact
from libs.log.read.tables import case_view, metadata, progress, source_mark, source_progress
from operations.embedded.stack import Stack

SERVICES = ("intake", "routing", "supervision", "notify")
SHARED = (case_view, progress, source_mark, source_progress, directory_fact(metadata))

COLUMNS = """
    select table_name, column_name, format_type(a.atttypid, a.atttypmod) as kind, is_nullable = 'NO' as required
      from information_schema.columns c
      join pg_attribute a on a.attrelid = (c.table_schema || '.' || c.table_name)::regclass
                         and a.attname = c.column_name
      join information_schema.tables t using (table_schema, table_name)
     where table_schema = 'read' and t.table_type = 'BASE TABLE'
"""
KEYS = """
    select i.indrelid::regclass::name as table_name, i.indisprimary as primary,
           i.indexrelid::regclass::name as name, i.indpred is not null as partial,
           array(select attname from unnest(i.indkey) with ordinality k(number, place)
                   join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.number
                  where place <= i.indnkeyatts order by place) as columns
      from pg_index i join pg_class c on c.oid = i.indrelid join pg_namespace n on n.oid = c.relnamespace
     where n.nspname = 'read'
"""


def tables_of(service: str) -> list[Table]:
    return [*SHARED, *importlib.import_module(f"services.{service}.readmodel.tables").TABLES]


async def asked(servers: Stack, service: str, query: str) -> list[Any]:
    connection = await asyncpg.connect(servers.admin_url(service), server_settings={"search_path": "read"})
    try:
        found: list[Any] = await connection.fetch(query)
    finally:
        await connection.close()
    return found


@pytest.mark.parametrize("service", SERVICES)
async def test_every_column_is_as_declared_and_none_is_left_over(servers: Stack, service: str) -> None:
    made = {
        (row["table_name"], row["column_name"]): (row["kind"], row["required"])
        for row in await asked(servers, service, COLUMNS)
    }

    declared = {
        (table.name, column.name): (column.type.compile(dialect()).lower(), not column.nullable)  # type: ignore[no-untyped-call]
        for table in tables_of(service)
        for column in table.columns
    }

    assert made == declared


@pytest.mark.parametrize("service", SERVICES)
async def test_every_key_and_index_is_as_declared(servers: Stack, service: str) -> None:
    rows = await asked(servers, service, KEYS)
    own = importlib.import_module(f"services.{service}.readmodel.tables").TABLES

    keys = {row["table_name"]: list(row["columns"]) for row in rows if row["primary"]}
    indexes = {
        row["name"]: (row["columns"], row["partial"])
        for row in rows
        if not row["primary"] and row["table_name"] in {one.name for one in own}
    }

    assert keys == {table.name: [column.name for column in table.primary_key] for table in tables_of(service)}
    assert indexes == {index.name: shape(index) for table in own for index in table.indexes}


def shape(index: Index) -> tuple[list[str], bool]:
    partial = index.dialect_options["postgresql"]["where"] is not None
    return [column.name for column in index.columns], partial
