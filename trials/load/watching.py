"""What a running instance is doing, seen from its databases and from /proc: backlog, freshness, processor time."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import httpx

from libs.directory.publish.files import read_files
from operations.embedded.stack import Stack
from operations.installation import ROOT, SERVICES
from trials.publish import stated

APPLIED = """
    select (select sum(seq) from log.lane_head)::bigint as recorded,
           (select sum(seq) from read.source_progress)::bigint as applied,
           (select coalesce(extract(epoch from clock_timestamp() - min(nullif(sent, 'epoch'))), 0) from read.watermark
             where lane < 64)::float8 as lag
"""
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Seen:
    """One look: events not yet applied per service, and the age of the newest heartbeat wholly applied, in seconds."""

    backlog: Mapping[str, int]
    lag: Mapping[str, float]

    @property
    def worst(self) -> int:
        """The backlog of whoever is furthest behind."""
        return max(self.backlog.values())


@dataclass(frozen=True)
class Watch:
    """A connection to each service's database, as the superuser: nothing of the services is asked."""

    conns: Mapping[str, asyncpg.Connection[Any]]
    _one_at_a_time: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def look(self) -> Seen:
        """Backlog and freshness now."""
        async with self._one_at_a_time:
            rows = {name: await conn.fetchrow(APPLIED) for name, conn in self.conns.items()}
        recorded = sum(row["recorded"] for row in rows.values())
        return Seen(
            {name: recorded - row["applied"] for name, row in rows.items()},
            {name: row["lag"] for name, row in rows.items()},
        )

    async def caught_up(self, seconds: float) -> float:
        """Wait until every service has applied everything; how long it took. Raises TimeoutError."""
        loop = asyncio.get_running_loop()
        begun, still = loop.time(), 0
        async with asyncio.timeout(seconds):
            while still < 2:
                still = still + 1 if (await self.look()).worst == 0 else 0
                await asyncio.sleep(0.05)
        return loop.time() - begun


@asynccontextmanager
async def watching(stack: Stack, services: Sequence[str] = SERVICES) -> AsyncIterator[Watch]:
    """Connect to the databases of these services."""
    conns = {name: await asyncpg.connect(stack.admin_url(name)) for name in services}
    try:
        yield Watch(conns)
    finally:
        for conn in conns.values():
            await conn.close()


async def open_town(stack: Stack, watch: Watch) -> None:
    """Found the demo town through routing's API, and wait until each service knows it."""
    token = stack.token(client="town-setup", scopes=("directory",))
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": "town"}
    async with httpx.AsyncClient(trust_env=False, timeout=30, headers=headers) as client:
        documents = stated(read_files(ROOT / "examples" / "town").raw)
        (await client.post(stack.api_url("routing") + "/directory/bootstrap", json=documents)).raise_for_status()
    await watch.caught_up(30)


def python_seconds(stack: Stack) -> float:
    """Processor seconds that the services' processes have used since they started."""
    names = [name for name in stack.names if (stack.instance.pids / name).exists()]
    return sum(_used(int((stack.instance.pids / name).read_text())) for name in names)


def postgres_seconds(stack: Stack) -> float:
    """Processor seconds of the database server, all its processes, those that have ended included."""
    postmaster = int((stack.dir / "pg" / "postmaster.pid").read_text().split()[0])
    return _used(postmaster, ended=True) + sum(_used(child) for child in _children(postmaster))


def _used(pid: int, *, ended: bool = False) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    except OSError:
        return 0.0
    return sum(int(ticks) for ticks in fields[11 : 15 if ended else 13]) / TICKS


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
