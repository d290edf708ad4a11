"""One town whose processes are killed while people work: how they die, come back, and how the outcome is judged."""

from __future__ import annotations

import asyncio
import signal
import subprocess
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import httpx
import orjson

from deploy.embedded.instance import SERVICES
from deploy.embedded.processes import NotReady
from deploy.embedded.programs import LOCAL
from deploy.embedded.stack import Stack
from deploy.faults.checker import Report, check
from deploy.faults.clients import Clients
from deploy.faults.waiting import eventually
from deploy.timeline import Timeline


@dataclass(frozen=True)
class Site:
    """A running instance, its clock, and its clients."""

    stack: Stack
    line: Timeline
    clients: Clients

    async def arm(self, name: str, point: str, passing: int = 1) -> subprocess.Popen[bytes]:
        """Restart a process so that it dies at a crash point; ready as far as it gets."""
        await asyncio.to_thread(self.stack.kill, name, signal.SIGTERM)
        return self.stack.start_process(name, {"EVENTS_CRASH_AT": f"{point}:{passing}"})

    async def dies_at(self, name: str, point: str, passing: int = 1) -> None:
        """The process dies at a crash point and is started again as it was."""
        armed = await self.arm(name, point, passing)
        await self.killed(armed, f"{name} dies at {point}")
        await self.restart(name)

    async def killed(self, process: subprocess.Popen[bytes], what: str) -> None:
        """Wait until it has ended by SIGKILL."""
        await eventually(lambda: process.poll() is not None, what, 120)
        if process.returncode != -signal.SIGKILL:
            raise NotReady(f"{what}: ended with {process.returncode}")

    async def restart(self, name: str) -> None:
        """Start it without any crash point and wait until it serves."""
        self.stack.start_process(name)
        await asyncio.to_thread(self.stack.wait_ready, name)

    async def kill(self, name: str, number: signal.Signals = signal.SIGKILL) -> None:
        """A signal; waits for the end where it ends the process."""
        await asyncio.to_thread(self.stack.kill, name, number)

    # Second workers ------------------------------------------------------------------------------------------------

    def start_second(self, service: str) -> str:
        """Start another worker of a service; its name."""
        name = f"{service}-worker-2"
        self.stack.start_process(name, {"WORKER_PORT": str(self._second_port(service))})
        return name

    async def share_is(self, name: str, lanes: int) -> None:
        """Wait until a worker owns so many lanes."""

        async def owned() -> bool:
            return await asyncio.to_thread(self._lanes, name) == lanes

        await eventually(owned, f"{name} owns {lanes} lanes", 60)

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
        await self.line.settle()
        if self.line.now is None:
            raise LookupError("the clock was never set")
        report = await check(self.stack, self.clients.answers, self.line.now, rebuild=rebuild)
        if report.faults:
            raise AssertionError(report.faults)
        return report


def several(found: Sequence[bytes], *names: str) -> list[tuple[str, ...]]:
    """Which values of these body fields occur more than once."""
    count: dict[tuple[str, ...], int] = defaultdict(int)
    for body in found:
        count[tuple(str(orjson.loads(body).get(name)) for name in names)] += 1
    return [values for values, times in count.items() if times > 1]
