"""One town whose processes are killed while people work: how they die, come back, and how the outcome is judged."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from dataclasses import dataclass, field

import asyncpg
import httpx

from operations.embedded.processes import NotReady
from operations.embedded.programs import LOCAL, wait_ready
from operations.embedded.stack import Stack
from operations.installation import SERVICES
from trials.clock_driver import Timeline
from trials.faults.checker import Report, check
from trials.faults.clients import PATIENCE, Clients
from trials.faults.waiting import eventually


@dataclass(frozen=True)
class Site:
    """A running instance, its clock, and its clients."""

    stack: Stack
    line: Timeline
    clients: Clients
    armed: set[str] = field(default_factory=set)
    """Processes that die at a crash point once they pass it."""
    added: set[str] = field(default_factory=set)
    """Second workers and APIs."""
    told: set[str] = field(default_factory=set)
    """Faults that were raised already: a log that was damaged once is damaged for ever."""

    async def arm(self, name: str, point: str, passing: int = 1) -> subprocess.Popen[bytes]:
        """Restart a process so that it dies at a crash point; ready as far as it gets."""
        await self.kill(name, signal.SIGTERM)
        return self.start_armed(name, point, passing)

    def start_armed(self, name: str, point: str, passing: int) -> subprocess.Popen[bytes]:
        """Start one that has ended so that it dies at a crash point; returns at once."""
        self.armed.add(name)
        return self.stack.start_process(name, {"EVENTS_CRASH_AT": f"{point}:{passing}"})

    async def dies_at(self, name: str, *points: str, passing: int = 1) -> None:
        """The process dies at one crash point after the other and is started again as it was."""
        await self.kill(name, signal.SIGTERM)
        for point in points:
            await self.killed(self.start_armed(name, point, passing), f"{name} dies at {point}")
        await self.restart(name)

    async def killed(self, process: subprocess.Popen[bytes], what: str) -> None:
        """Wait until it has ended by SIGKILL."""
        await eventually(lambda: process.poll() is not None, what, 240)
        if process.returncode != -signal.SIGKILL:
            raise NotReady(f"{what}: ended with {process.returncode}")

    async def restart(self, name: str) -> None:
        """Start it without any crash point and wait until it serves."""
        self.armed.discard(name)
        self.stack.start_process(name)
        await asyncio.to_thread(self.stack.wait_ready, name)

    async def heal(self) -> None:
        """Whatever is dead, asleep, armed or was added comes back as it was: a failure leaves the next its chance."""
        await self._servers_serve()
        for second in [name for name in self.added if self.is_alive(name)]:
            await self.kill(second)
        self.clients.elsewhere.clear()
        for name in self.stack.names:
            if self.is_alive(name):
                await self.kill(name, signal.SIGKILL if name in self.armed else signal.SIGCONT)
        dead = [name for name in self.stack.names if not self.is_alive(name)]
        for name in dead:
            self.stack.start_process(name)
        for name in dead:
            await asyncio.to_thread(self.stack.wait_ready, name)
        self.armed.clear()

    async def _servers_serve(self) -> None:
        if broker := self.stack.broker_pid():
            os.kill(broker, signal.SIGCONT)
        else:
            await asyncio.to_thread(self.stack.start_broker)
        try:
            await (await asyncpg.connect(self.stack.admin_url())).close()
        except OSError:
            await asyncio.to_thread(self.stack.start_postgres)

    def is_alive(self, name: str) -> bool:
        """Whether the newest process of this name has not ended."""
        return self.stack.process(name).poll() is None

    async def kill(self, name: str, number: signal.Signals = signal.SIGKILL) -> None:
        """A signal; waits for the end where it ends the process."""
        await asyncio.to_thread(self.stack.kill, name, number)

    # Second workers ------------------------------------------------------------------------------------------------

    def start_second(self, service: str) -> str:
        """Start another worker of a service; its name."""
        name = f"{service}-worker-2"
        self.added.add(name)
        self.stack.start_process(name, {"WORKER_PORT": str(self._second_port(service))})
        return name

    async def start_second_api(self, service: str) -> str:
        """Start another API of a service at an address of its own, to which the clients go too; its name.

        It is the port of a second worker: one of both at a time.
        """
        name, port = f"{service}-api-2", self._second_port(service)
        self.added.add(name)
        self.stack.start_process(name, {"API_PORT": str(port)})
        url, log = f"http://127.0.0.1:{port}", self.stack.instance.logs / f"{name}.log"
        await asyncio.to_thread(wait_ready, name, self.stack.process(name), url, log, 120)
        self.clients.elsewhere[service] = url
        return name

    async def share_is(self, name: str, lanes: int, seconds: float = 120) -> None:
        """Wait until a worker owns so many lanes. Raises `NotReady`, at once where it has ended."""

        async def owned() -> bool:
            if not self.is_alive(name):
                raise NotReady(f"{name} has ended")
            return await asyncio.to_thread(self._lanes, name) == lanes

        await eventually(owned, f"{name} owns {lanes} lanes", seconds)

    def _lanes(self, name: str) -> int | None:
        service, _, kind = name.partition("-")
        port = self._second_port(service) if kind == "worker-2" else self.stack.ports.worker(service)
        try:
            return int(LOCAL.get(f"http://127.0.0.1:{port}/readyz").json()["lanes"])
        except httpx.TransportError:
            return None

    def _second_port(self, service: str) -> int:
        return self.stack.ports.controller + 1 + SERVICES.index(service)

    # Judging -------------------------------------------------------------------------------------------------------

    async def judged(self, *, rebuild: bool = False) -> Report:
        """Everybody at rest: nothing lost, reordered, doubled or misjudged; with `rebuild` read models as made anew."""
        await self.line.settle(PATIENCE)
        if self.line.now is None:
            raise LookupError("the clock was never set")
        report = await check(self.stack, self.clients.answers, self.line.now, rebuild=rebuild)
        if fresh := set(report.faults) - self.told:
            self.told.update(fresh)
            raise AssertionError(sorted(fresh))
        return report
