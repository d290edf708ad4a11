"""PostgreSQL crashed and cut off, and disks that are full under PostgreSQL and under Kafka."""

import asyncio
import resource
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import asyncpg
import httpx
import pytest

from libs.events.ids import new_id
from operations.installation import SERVICES
from trials.faults.clients import APPEAL
from trials.faults.mix import TERMINATE
from trials.faults.site import Site
from trials.faults.waiting import eventually

LONG = "下水道异味" * 800
MEBIBYTE = 1 << 20


async def test_postgresql_is_killed_and_cut_off_while_people_work(site: Site) -> None:
    before = len(site.clients.answers)
    async with site.clients.at_work():
        for service in SERVICES:
            conn = await asyncpg.connect(site.stack.admin_url(service))
            assert await conn.fetchval(TERMINATE) > 0
            await conn.close()
        await asyncio.to_thread(site.stack.kill_postgres)
        await asyncio.to_thread(site.stack.start_postgres)
        until = len(site.clients.answers) + 5
        await eventually(lambda: len(site.clients.answers) > until, "people are answered again")

    assert (await site.judged()).acknowledged > before + 5
    assert [name for name in site.stack.names if site.stack.process(name).poll() is not None] == []


@pytest.mark.parametrize(
    ("database", "table", "room"), [("intake", "log.event", MEBIBYTE), ("keys", "case_key", 0)], ids=["events", "keys"]
)
async def test_a_full_disk_refuses_the_command_and_loses_none_of_those_before(
    site: Site, database: str, table: str, room: int
) -> None:
    """The table lies on a disk of its own for a while."""
    key, refused = "", httpx.Response(200)
    async with on_a_small_disk(site, database, table, room) as disk:
        while refused.is_success:
            key = new_id()
            refused = await site.clients.once("intake", "/appeals", {**APPEAL, "content": LONG}, "zhou-min", key)
        assert (refused.status_code, refused.headers["Retry-After"]) == (503, "1")
        enlarge(disk)
        await site.clients.post("intake", "/appeals", {**APPEAL, "content": LONG}, "zhou-min", key)
    await site.judged()


async def test_a_broker_whose_disk_is_full_stops_and_goes_on_where_it_was(site: Site) -> None:
    """A write that its system refuses is what a full disk is to Kafka: it ends itself rather than lose anything."""
    broker = site.stack.broker_pid()
    assert broker is not None
    resource.prlimit(broker, resource.RLIMIT_FSIZE, (1, resource.RLIM_INFINITY))
    opened = await site.clients.appealed(content=LONG)
    await eventually(lambda: site.stack.broker_pid() is None, "Kafka ends itself")
    opened = await site.clients.appealed(content=LONG)

    await asyncio.to_thread(site.stack.start_broker)

    await site.clients.visible("notify", opened["position"])
    await site.judged()


@asynccontextmanager
async def on_a_small_disk(site: Site, database: str, table: str, room: int) -> AsyncIterator[Path]:
    """Move a table to a file system with little more room than it needs, and back."""
    conn = await asyncpg.connect(site.stack.admin_url(database))
    size = await conn.fetchval("select pg_table_size($1::text::regclass)", table)
    with small_disk(site, size + room) as disk:
        await conn.execute(f"create tablespace small location '{disk}'")
        await conn.execute(f"alter table {table} set tablespace small")
        try:
            yield disk
        finally:
            enlarge(disk)
            await conn.execute(f"alter table {table} set tablespace pg_default")
            await conn.execute("drop tablespace small")
            await conn.close()


@contextmanager
def small_disk(site: Site, size: int) -> Iterator[Path]:
    """A file system in memory, which PostgreSQL's user may write to."""
    folder, owner = site.stack.dir / "small", (site.stack.dir / "pg").stat().st_uid
    folder.mkdir()
    options = f"size={size},mode=700,uid={owner}"
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip("only root may mount a small file system here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)
        folder.rmdir()


def enlarge(disk: Path) -> None:
    subprocess.run(["mount", "-o", f"remount,size={256 * MEBIBYTE}", disk], check=True)
