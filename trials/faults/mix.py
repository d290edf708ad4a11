"""A random mix of faults, drawn from a seed: what is harmed, for how long, and how it is healed. Judges nothing."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random  # noqa: TID251 - seeded: a run can be drawn again
from time import monotonic

import asyncpg
import httpx
from aiokafka.errors import KafkaError

from libs.audit.reading import NoLog
from operations.embedded.processes import NotReady
from operations.installation import SERVICES, CannotStart
from trials.faults.site import Site
from trials.faults.stranger import Stranger
from trials.faults.waiting import eventually
from trials.town import civil

POINTS = {
    "api": ("api.after_commit",),
    "worker": ("relay.after_send", "relay.after_ack", "reader.before_commit", "reader.after_commit"),
    "supervision-worker": ("timer.before_commit",),
    "notify-worker": ("sender.after_channel",),
}
TERMINATE = """
    select count(pg_terminate_backend(pid)) from pg_stat_activity
     where datname = current_database() and pid <> pg_backend_pid()
"""
START = civil("2026-11-02 09:00")
Harm = Callable[[], Awaitable[str]]


@dataclass
class Mix:
    """Three hands that do harm at the same time: to processes, to servers and clocks, and to the log itself.

    The first two heal what they did; what the third wrote stays.
    """

    site: Site
    seed: int
    seconds: float
    told: Callable[[str, str], None]
    done: Counter[str] = field(default_factory=Counter)
    died: list[str] = field(default_factory=list)
    """Processes that ended though nobody had killed them."""

    def __post_init__(self) -> None:
        self._until = monotonic() + self.seconds
        self.stranger = Stranger(self.site.stack.broker, Random(f"{self.seed}/stranger"))  # noqa: S311

    async def run(self) -> None:
        """Do harm until the time is over; everything runs again when this returns."""
        processes = Random(f"{self.seed}/processes")  # noqa: S311 - not a secret
        servers = Random(f"{self.seed}/servers")  # noqa: S311
        async with asyncio.TaskGroup() as hands:
            hands.create_task(self._hand(processes, self._process_harms(processes)))
            hands.create_task(self._hand(servers, self._server_harms(servers)))
            hands.create_task(self._hand(self.stranger.drawn, {"stranger in the log": self._written}))
        for name in self.site.stack.names:
            await self._alive(name)

    async def _hand(self, drawn: Random, harms: dict[str, Harm]) -> None:
        while monotonic() < self._until:
            kind = drawn.choice(list(harms))
            what = await harms[kind]()
            self.done[kind] += 1
            self.told(kind, what)
            await asyncio.sleep(drawn.uniform(0.2, 2))

    async def _written(self) -> str:
        """While the broker is away nobody writes."""
        try:
            async with asyncio.timeout(15):
                return await self.stranger.writes()
        except (KafkaError, NoLog, TimeoutError) as why:
            return type(why).__name__

    # Processes

    def _process_harms(self, drawn: Random) -> dict[str, Harm]:
        return {
            "kill -9": lambda: self._killed(drawn),
            "crash point": lambda: self._crashed(drawn),
            "SIGSTOP": lambda: self._slept(drawn),
            "second worker": lambda: self._shared(drawn),
        }

    async def _killed(self, drawn: Random) -> str:
        name, away = drawn.choice(self.site.stack.names), drawn.uniform(0, 3)
        await self._gone(name)
        await asyncio.sleep(away)
        await self._start(name)
        return f"{name} {away:.1f} s"

    async def _crashed(self, drawn: Random) -> str:
        name = drawn.choice(self.site.stack.names)
        point = drawn.choice((*POINTS[name.partition("-")[2]], *POINTS.get(name, ())))
        passing, reached = drawn.randrange(1, 4), ""
        await self._gone(name)
        armed = self.site.start_armed(name, point, passing)
        with contextlib.suppress(NotReady):
            await eventually(lambda: armed.poll() is not None, name, drawn.uniform(5, 20))
        if armed.returncode != -signal.SIGKILL:
            reached = " (not reached)"
            await self._killed_if_there(name)
        await self._start(name)
        return f"{name} {point}:{passing}{reached}"

    async def _slept(self, drawn: Random) -> str:
        """Up to twice the session time-out of the group."""
        name, away = drawn.choice(self.site.stack.names), drawn.uniform(1, 12)
        await self._alive(name)
        await self.site.kill(name, signal.SIGSTOP)
        await asyncio.sleep(away)
        await self.site.kill(name, signal.SIGCONT)
        return f"{name} {away:.1f} s"

    async def _shared(self, drawn: Random) -> str:
        """Another worker of a service joins; one of both is killed."""
        service, first = drawn.choice(SERVICES), drawn.random() < 0.5
        name, second = f"{service}-worker", f"{service}-worker-2"
        self.site.start_second(service)
        try:
            await self.site.share_is(second, 32, 60)
        except NotReady:
            await self._killed_if_there(second)
            return f"{service}, the second did not come up"
        if first:
            await self._gone(name)
            await asyncio.sleep(drawn.uniform(0, 8))
            await self._start(name)
        await self._gone(second)
        return f"{service}, {'first' if first else 'second'} killed"

    async def _gone(self, name: str) -> None:
        await self._alive(name, again=False)
        await self._killed_if_there(name)

    async def _killed_if_there(self, name: str) -> None:
        """While a server is away a worker may not have come up."""
        with contextlib.suppress(ProcessLookupError):
            await self.site.kill(name)

    async def _alive(self, name: str, *, again: bool = True) -> None:
        """A process that ended by itself is noted, and started again as its supervisor would."""
        ended = self.site.stack.process(name).poll()
        if ended is not None:
            self.died.append(f"{name} ({ended})")
        if ended is not None and again:
            await self._start(name)

    async def _start(self, name: str) -> None:
        """Until it serves: while a server is away a process may not come up, and is started again."""
        while True:
            try:
                await self.site.restart(name)
                return
            except (NotReady, CannotStart):
                await self._killed_if_there(name)
                await asyncio.sleep(0.5)

    # Servers

    def _server_harms(self, drawn: Random) -> dict[str, Harm]:
        return {
            "Kafka kill -9": lambda: self._broker_killed(drawn),
            "Kafka SIGSTOP": lambda: self._broker_slept(drawn),
            "pg_terminate_backend": lambda: self._cut(drawn),
            "PostgreSQL kill -9": lambda: self._database_killed(drawn),
            "clock": lambda: self._time_passes(drawn),
        }

    async def _broker_killed(self, drawn: Random) -> str:
        away = drawn.uniform(1, max(2, self.seconds / 10))
        await asyncio.to_thread(self.site.stack.kill_broker)
        await asyncio.sleep(away)
        await asyncio.to_thread(self.site.stack.start_broker)
        return f"{away:.1f} s"

    async def _broker_slept(self, drawn: Random) -> str:
        away = drawn.uniform(1, 12)
        if broker := self.site.stack.broker_pid():
            os.kill(broker, signal.SIGSTOP)
            await asyncio.sleep(away)
            os.kill(broker, signal.SIGCONT)
        return f"{away:.1f} s"

    async def _cut(self, drawn: Random) -> str:
        database = drawn.choice((*SERVICES, "keys"))
        conn = await asyncpg.connect(self.site.stack.admin_url(database))
        cut = await conn.fetchval(TERMINATE)
        await conn.close()
        return f"{database}: {cut}"

    async def _database_killed(self, drawn: Random) -> str:
        away = drawn.uniform(0, 3)
        await asyncio.to_thread(self.site.stack.kill_postgres)
        await asyncio.sleep(away)
        await asyncio.to_thread(self.site.stack.start_postgres)
        return f"{away:.1f} s"

    async def _time_passes(self, drawn: Random) -> str:
        """The town's clock goes on where a service hears of it; sometimes it is told an earlier time."""
        line, by = self.site.line, timedelta(minutes=drawn.choice((-60, 20, 90, 240)))
        to = (line.now or START) + by
        headers = {"Authorization": f"Bearer {line.clock_token}"}
        for url in line.workers.values():
            with contextlib.suppress(httpx.TransportError):
                await line.client.post(f"{url}/clock/advance", headers=headers, json={"to": to.isoformat()}, timeout=5)
        line.now = max(line.now or START, to)
        return f"{by.total_seconds() / 60:+.0f} min"
