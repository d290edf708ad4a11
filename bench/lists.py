"""How the lists grow with a city: first page and number at 10,000 and at 300,000 open cases, in one run; a whole CSV.

And what they cost under a load, beside the cheapest answer there is: the p99 of each list and of `/healthz` together.

`python -m bench.lists [routing] [supervision]`. Rows are generated in a server of its own, the answers come from the
real APIs; the table goes to `.local/results/lists.json` too.
"""

from __future__ import annotations

import asyncio
import json
import socket
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import asyncpg
import httpx

from bench import board_lists, department_lists
from operations.embedded.stack import Stack
from operations.installation import ROOT
from trials.clock_driver import Timeline
from trials.publish import apply_directory
from trials.town import civil

SMALL, LARGE = 10_000, 300_000
REQUESTS = 100
CLIENTS, ROUNDS = 4, 75
"""The load: so many clients at once, each asking for the list and for `/healthz` in turn, so many times."""
RESULTS = ROOT / ".local" / "results" / "lists.json"
SUPERVISOR = "han-feng"
FILL: Mapping[str, Callable[[Stack, int], Awaitable[None]]] = {
    "routing": department_lists.fill,
    "supervision": board_lists.fill,
}
ASKED: Mapping[str, Mapping[str, tuple[str, str]]] = {
    "routing": department_lists.ASKED,
    "supervision": board_lists.ASKED,
}
WHOLE: Mapping[str, str] = {"routing": "/work?format=csv", "supervision": "/due-soon?within=400d&format=csv"}
"""The longest list of each service, as CSV."""


async def cities(running: Stack, service: str) -> tuple[list[str], int]:
    """A service over a small city and over a large one: two databases of one server; and the large one's pid."""
    await FILL[service](running, SMALL)
    admin = await asyncpg.connect(running.admin_url())
    try:
        await admin.execute(f'create database "small_{service}" template "{service}"')
    finally:
        await admin.close()
    await FILL[service](running, LARGE)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    patient = {"STALE_AFTER_SECONDS": "100000"}
    small = running.database_url(service).rpartition("/")[0] + f"/small_{service}"
    running.start_process(f"{service}-api-2", {**patient, "DATABASE_URL": small, "API_PORT": port})
    process = running.start_process(f"{service}-api", patient)
    urls = [f"http://127.0.0.1:{port}", running.api_url(service)]
    for url in urls:
        await ready(url)
    return urls, process.pid


async def ready(url: str) -> None:
    """Returns once the API answers; raises `TimeoutError`."""
    async with asyncio.timeout(120), httpx.AsyncClient(trust_env=False) as client:
        while True:
            try:
                if (await client.get(f"{url}/readyz")).status_code == 200:
                    return
            except httpx.TransportError:
                pass
            await asyncio.sleep(0.2)


async def measured(urls: Sequence[str], path: str, headers: Mapping[str, str], requests: int) -> dict[str, Any]:
    """Each city asked in turn, so that whatever else the machine does touches both alike. Milliseconds."""
    times: list[list[float]] = [[] for _ in urls]
    counts: list[Any] = [None for _ in urls]
    async with httpx.AsyncClient(trust_env=False, headers=headers, timeout=30) as client:
        for turn in range(requests + 5):
            for city, url in enumerate(urls):
                begun = time.perf_counter()
                answer = await client.get(url + path)
                if turn >= 5:
                    times[city].append((time.perf_counter() - begun) * 1000)
                answer.raise_for_status()
                counts[city] = number(answer.json())
    sizes = [
        {"p50": round(median(one), 2), "p99": round(quantiles(one, n=100)[98], 2), "count": count}
        for one, count in zip(times, counts, strict=True)
    ]
    return {"small": sizes[0], "large": sizes[1], "ratio": round(sizes[1]["p50"] / sizes[0]["p50"], 2)}


async def loaded(url: str, path: str, headers: Mapping[str, str], rounds: int) -> dict[str, float]:
    """The large city under a load: p99 of the list and of `/healthz` in the same seconds, and their ratio."""
    times: dict[str, list[float]] = {"/healthz": [], path: []}

    async def client() -> None:
        async with httpx.AsyncClient(trust_env=False, headers=headers, timeout=30) as asking:
            for turn in range(rounds * 2):
                asked = ("/healthz", path)[turn % 2]
                begun = time.perf_counter()
                (await asking.get(url + asked)).raise_for_status()
                times[asked].append((time.perf_counter() - begun) * 1000)

    await asyncio.gather(*(client() for _ in range(CLIENTS)))
    healthz, listed = (quantiles(times[asked], n=100)[98] for asked in ("/healthz", path))
    return {"healthz_p99": round(healthz, 2), "p99": round(listed, 2), "ratio": round(listed / healthz, 2)}


def number(answer: Mapping[str, Any]) -> int | None:
    """How many the answer says there are."""
    found = answer.get("count", answer.get("total"))
    return found.get("open") if isinstance(found, dict) else found


async def whole(url: str, headers: Mapping[str, str], pid: int) -> dict[str, Any]:
    """A whole list as CSV: rows, seconds, megabytes, and by how much the process grew at most."""
    before, lines, size, begun = memory(pid), 0, 0, time.perf_counter()
    async with (
        httpx.AsyncClient(trust_env=False, headers=headers, timeout=300) as client,
        client.stream("GET", url) as answer,
    ):
        answer.raise_for_status()
        async for chunk in answer.aiter_raw():
            lines += chunk.count(b"\r\n")
            size += len(chunk)
    seconds = time.perf_counter() - begun
    return {
        "rows": lines - 1,
        "seconds": round(seconds, 1),
        "megabytes": round(size / 1e6, 1),
        "grown_megabytes": round((memory(pid) - before) / 1e6, 1),
    }


def memory(pid: int) -> int:
    """The most that a process has held so far, in bytes."""
    status = Path(f"/proc/{pid}/status").read_text()
    peak = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(peak.split()[1]) * 1024


async def main(services: Sequence[str]) -> None:
    """Print a table per service; write all of them to one file."""
    found = await measure(services)
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text(json.dumps(found, indent=2))


async def measure(
    services: Sequence[str], *, requests: int = REQUESTS, rounds: int = ROUNDS, csv: bool = True
) -> dict[str, Any]:
    """Every list of these services; with `csv` the longest one of each as a whole."""
    found: dict[str, Any] = {"small": SMALL, "large": LARGE, "requests": requests, "lists": {}, "csv": {}}
    with Stack("test-lists", services=("intake", "routing", "supervision")) as running:
        async with Timeline.of(running) as line:
            await line.advance(civil("2026-11-02 08:00"))
            await apply_directory(line, ROOT / "examples" / "town")
            await line.settle()
            for name in running.names:
                running.kill(name)
            for service in services:
                urls, pid = await cities(running, service)
                heading(service)
                for name, (person, path) in ASKED[service].items():
                    headers = line._headers(person, None, None)
                    figures = await measured(urls, path, headers, requests)
                    asks = path != "/healthz"
                    figures["loaded"] = await loaded(urls[1], path, headers, rounds) if asks else None
                    found["lists"][f"{service}: {name}"] = figures
                    show(name, figures)
                if csv:
                    headers = line._headers(SUPERVISOR, None, None)
                    found["csv"][service] = await whole(urls[1] + WHOLE[service], headers, pid)
                    print(f"csv {found['csv'][service]}")
    return found


def heading(service: str) -> None:
    """The first line of a table."""
    print(
        f"{service + ', ms':24}{SMALL:>10} p50{'p99':>8}{'count':>9}{LARGE:>10} p50{'p99':>8}{'count':>9}{'ratio':>7}"
        f"{'load: p99':>12}{'healthz':>9}{'ratio':>7}"
    )


def show(name: str, figures: Mapping[str, Any]) -> None:
    """One line: both cities and the ratio of their medians."""
    sizes = (figures["small"], figures["large"])
    cells = "".join(f"{one['p50']:14.1f}{one['p99']:8.1f}{one['count'] or '':>9}" for one in sizes)
    load = figures["loaded"]
    under = f"{load['p99']:12.1f}{load['healthz_p99']:9.1f}{load['ratio']:7.2f}" if load else ""
    print(f"{name:24}{cells}{figures['ratio']:7.2f}{under}", flush=True)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:] or list(ASKED)))
