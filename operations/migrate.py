"""The one admin step before anything serves: schemas of every database, topics, and the mode of the log."""

import asyncio
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import asyncpg
from alembic import command
from alembic.config import Config

from libs.events.lanes import source_of
from libs.log.kafka.broker import Address
from libs.log.kafka.topics import create_topics
from libs.log.store.schema import fingerprint
from operations.installation import ROOT, SERVICES, CannotStart
from services.routing.directory.log import open_log

KEYS = "keys"
HOST_OF_DIRECTORY = "routing"
REVISIONS: Mapping[str, Path] = {
    **{service: ROOT / "services" / service / "migrations" for service in SERVICES},
    KEYS: ROOT / "operations" / "vault",
}


def migrate(owner_urls: Mapping[str, str], bootstrap: Address, mode: str, replication: int = 1) -> None:
    """Bring every database and topic to the state this code needs; repeatable. Synchronous; any thread.

    `owner_urls`: database → postgresql:// URL of its owner. Raises CannotStart when the log was opened in the other
    mode or made by another version's event store, WrongTopic when a topic is not as it must be.
    """
    for database, url in owner_urls.items():
        upgrade(database, url)
    with ThreadPoolExecutor(1) as outside_any_loop:
        outside_any_loop.submit(asyncio.run, _open_log(owner_urls, bootstrap, mode, replication)).result()


def upgrade(database: str, url: str, revision: str = "head") -> None:
    """Bring the schema of one database to a revision. Synchronous; any thread."""
    with ThreadPoolExecutor(1) as outside_any_loop:
        outside_any_loop.submit(_upgrade, database, url, revision).result()


def _upgrade(database: str, url: str, revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(ROOT / "operations" / "alembic"))
    config.set_main_option("version_locations", str(REVISIONS[database]))
    config.set_main_option("path_separator", "newline")
    config.set_main_option("sqlalchemy.url", url.replace("%", "%%"))
    command.upgrade(config, revision)


async def _open_log(owner_urls: Mapping[str, str], bootstrap: Address, mode: str, replication: int) -> None:
    for service in SERVICES:
        await _set_mode(owner_urls[service], mode)
    await _pin(owner_urls)
    await _record_mode(owner_urls[HOST_OF_DIRECTORY], mode)
    await create_topics(bootstrap, replication)


async def _pin(owner_urls: Mapping[str, str]) -> None:
    """Remember once, in every database, what each source had written before it signed (ADR 0011).

    Each source's own table says it: what somebody else has written in its name is no part of that. Signing begins with
    the first worker that starts after this step, so nothing may run meanwhile.
    """
    connections = [await asyncpg.connect(owner_urls[service]) for service in SERVICES]
    try:
        heads = [
            (row["lane"], source_of(f"/xunban/{service}", row["lane"]), row["seq"], row["hash"])
            for service, connection in zip(SERVICES, connections, strict=True)
            for row in await connection.fetch("select lane, seq, hash from log.lane_head")
        ]
        for connection in connections:
            async with connection.transaction():
                if not await connection.fetchval("select exists (select from log.written_unsigned)"):
                    await connection.copy_records_to_table("written_unsigned", schema_name="log", records=heads)
    finally:
        for connection in connections:
            await connection.close()


async def _set_mode(url: str, mode: str) -> None:
    """Write the mode of the log once; it belongs to the log for ever (architecture.md §5)."""
    connection = await asyncpg.connect(url)
    try:
        # A manual log starts at the epoch: its runner advances it to the first instant it needs.
        await connection.execute(
            "insert into log.mode (kind, now) select $1, case $1 when 'manual' then timestamptz 'epoch' end"
            " where not exists (select from log.mode)",
            mode,
        )
        kind = await connection.fetchval("select kind from log.mode")
        made_by = await connection.fetchval("select obj_description('log'::regnamespace)")
    finally:
        await connection.close()
    if kind != mode:
        raise CannotStart(f"日志是 {kind} 模式,不能以 {mode} 模式启动 / the log is {kind}, it cannot be opened {mode}")
    if made_by != fingerprint():
        raise CannotStart(
            "这里的数据由另一版本的事件库建立, 本版本不能使用: 请换一个 INSTANCE, 或 make down 后删除其 .local 目录"
            " / the data here were made by another version's event store: take another INSTANCE, or make down and"
            " delete its folder in .local"
        )


async def _record_mode(url: str, mode: str) -> None:
    """The mode is also the first record of the directory's log, so that whoever reads the log alone knows it."""
    connection = await asyncpg.connect(url)
    try:
        await open_log(connection, mode)
    finally:
        await connection.close()
