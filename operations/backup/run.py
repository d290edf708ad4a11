"""One backup of everything, and everything back from it. Order is the point; the single parts are beside it.

Backup: databases, then the log, then the vault. So the log knows at least what every table knows, and every case in
either has its keys. Restore: tables, then the log unless it survived, then each service's own tail out of the log,
then the erasures once more; only then may a service connect.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from time import monotonic

import asyncpg

from libs.audit.reading import open_log
from libs.events.topics import CASE_EVENTS
from libs.log.kafka.broker import Address
from libs.log.kafka.topics import create_topics
from libs.log.keys import read_public_keys
from operations.backup import manifest, reconcile, tables, topics
from operations.backup.manifest import Manifest
from operations.embedded.instance import PUBLIC_KEYS, write_private
from operations.embedded.postgres import DATABASES
from operations.embedded.stack import Stack
from operations.installation import SERVICES, CannotStart
from operations.migrate import KEYS, migrate, upgrade


@dataclass(frozen=True)
class Place:
    """An installation: database → its owner's URL; Kafka as an administrator; the folder of the key files."""

    owners: Mapping[str, str]
    kafka: Address
    keys: Path


@dataclass(frozen=True)
class Restored:
    """What came back."""

    manifest: Manifest
    log_survived: bool
    recovered: int
    """Events after the backup that the tables got back from the log."""
    keys: reconcile.Keys
    seconds: float


def backup(place: Place, target: Path, at: datetime) -> Manifest:
    """Everything into `target`, which must not exist; the services go on working. Raises CannotStart, LogIncomplete.

    Synchronous, like `restore`; outside any event loop.
    """
    if target.exists():
        raise CannotStart(f"目标已存在 / the target exists: {target}")
    draft = target.with_name(target.name + ".draft")
    shutil.rmtree(draft, ignore_errors=True)
    folders = {name: draft / _folder(name) for name in place.owners}
    for folder in (draft / "log", *folders.values()):
        folder.mkdir(mode=0o700, parents=True)
    mode = asyncio.run(_ask(place.owners[SERVICES[0]], "select kind from log.mode"))
    databases = {name: asyncio.run(tables.save(place.owners[name], folders[name])) for name in SERVICES}
    records = asyncio.run(topics.save_all(place.kafka, draft / "log"))
    databases[KEYS] = asyncio.run(tables.save(place.owners[KEYS], folders[KEYS]))
    shutil.copytree(place.keys, draft / "secrets")
    files = {str(path.relative_to(draft)): manifest.digest(path) for path in sorted(draft.rglob("*")) if path.is_file()}
    made = Manifest(at.isoformat(), mode, databases, records, files)
    manifest.write(draft, made)
    draft.rename(target)
    return made


def restore(place: Place, source: Path, replication: int = 1) -> Restored:
    """Everything back into databases that are there and empty. Raises CannotStart, LogForked; then nobody may connect.

    The key files were put back before (`put_keys_back`): whoever starts anything makes those that are missing. A log
    that survived is left as it is and goes first; an empty Kafka gets the backup's.
    """
    began = monotonic()
    made = manifest.read(source)
    for name, url in place.owners.items():
        if not asyncio.run(tables.is_empty(url)):
            raise CannotStart(f"数据库 {name} 不是空的 / database {name} is not empty")
    for name, url in place.owners.items():
        asyncio.run(_shut(place, name))
        upgrade(name, url, made.databases[name].revision)
        asyncio.run(tables.load(url, source / _folder(name), made.databases[name]))
    survived = asyncio.run(_log_is_there(place, source, replication))
    recovered, keys = asyncio.run(catch_up(place))
    migrate(place.owners, place.kafka, made.mode, replication)
    return Restored(made, survived, recovered, keys, monotonic() - began)


async def _log_is_there(place: Place, source: Path, replication: int) -> bool:
    """Whether there was a log; where there was none, the backup's is put in its place."""
    await create_topics(place.kafka, replication)
    if await topics.size(place.kafka, CASE_EVENTS.name):
        return True
    for topic in topics.KEPT:
        await topics.load(place.kafka, topic, source / "log" / f"{topic}.gz")
    return False


async def catch_up(place: Place) -> tuple[int, reconcile.Keys]:
    """The tails out of the log and the erasures; then the services may connect. Repeatable. Raises `LogForked`."""
    recovered = 0
    for name in place.owners:
        await _shut(place, name)
    proves = read_public_keys(place.keys / PUBLIC_KEYS).proves
    async with open_log(place.kafka) as log:
        for name in SERVICES:
            conn = await asyncpg.connect(place.owners[name])
            try:
                recovered += await reconcile.import_tail(conn, f"/xunban/{name}", log, proves)
            finally:
                await conn.close()
    keys = await reconcile.repeat_erasures(place.owners["intake"], place.owners[KEYS])
    for name, (_, *roles) in DATABASES.items():
        await tables.open_to(place.owners[name], name, tuple(roles), allowed=True)
    return recovered, keys


def _folder(database: str) -> str:
    """The vault lies apart, so that it can be kept apart."""
    return "vault" if database == KEYS else f"databases/{database}"


async def _shut(place: Place, name: str) -> None:
    _, *roles = DATABASES[name]
    await tables.open_to(place.owners[name], name, tuple(roles), allowed=False)


def put_keys_back(source: Path, keys: Path) -> None:
    """The key files of the backup; raises CannotStart where others are in use here. Before any server is started."""
    saved = source / "secrets"
    for path in (path for path in saved.rglob("*") if path.is_file()):
        here = keys / path.relative_to(saved)
        if here.exists() and here.read_bytes() != path.read_bytes():
            raise CannotStart(f"此处已有别的密钥 / another key is in use here: {here.name}")
        here.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_private(here, path.read_bytes())


async def _ask(url: str, question: str) -> str:
    conn = await asyncpg.connect(url)
    try:
        return str(await conn.fetchval(question))
    finally:
        await conn.close()


def bring_back(stack: Stack, folder: Path, replication: int = 1) -> Restored:
    """Into the empty servers of `stack`, with databases, roles and principals made anew."""
    stack.create_databases()
    stack.admit_principals()
    return restore(Place(stack.owner_urls(), stack.broker, stack.instance.keys), folder, replication)
