"""The town as it runs: its start, its rest, whole cases over HTTP, and intake beside a bare handler."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import astuple, dataclass
from pathlib import Path
from statistics import median
from typing import Any

import asyncpg

from bench.rows import Row, at_most, plain, times_at_least
from bench.signing import ends_of_log, signature_row, signatures_since
from libs.events.ids import new_id
from operations.embedded import processes
from operations.embedded.stack import Stack
from operations.installation import ROOT
from trials.load.acts import LIFE, body_of
from trials.load.arrivals import Crowd
from trials.load.watching import Watch, postgres_seconds, python_seconds
from trials.load.web import Unreachable, Web

IDLE_SECONDS = 20
CASES = 60
CLERKS = 8
INTAKE_SECONDS, INTAKE_ROUNDS = 3.0, 3
ENGINE = {"cpu": 125.0, "wal": 132.0, "statements": 238.0}
"""A case of 8 commands in the usual BPMN engine behind its REST API: CPU ms, WAL kB, SQL statements."""
COUNTED_CASES = 10


@dataclass(frozen=True)
class Rest:
    """Cores used while nobody does anything."""

    python: float
    postgres: float


@dataclass(frozen=True)
class Spent:
    """Up to an instant, or between two: seconds, CPU seconds, bytes of WAL, statements; what was not looked at is 0."""

    seconds: float = 0
    cpu: float = 0
    wal: int = 0
    statements: int = 0

    def __add__(self, more: Spent) -> Spent:
        return Spent(*(one + other for one, other in zip(astuple(self), astuple(more), strict=True)))

    def __sub__(self, less: Spent) -> Spent:
        return Spent(*(one - other for one, other in zip(astuple(self), astuple(less), strict=True)))


async def at_rest(running: Stack, watch: Watch, seconds: float = IDLE_SECONDS) -> Rest:
    """Nothing comes in; what do the processes and the database do?"""
    await watch.caught_up(60)
    await asyncio.sleep(2)
    python, postgres, begun = python_seconds(running), postgres_seconds(running), time.perf_counter()
    await asyncio.sleep(seconds)
    took = time.perf_counter() - begun
    return Rest((python_seconds(running) - python) / took, (postgres_seconds(running) - postgres) / took)


def idle_row(rest: Rest) -> Row:
    """Everything outside the broker."""
    return at_most(
        2,
        group="idle",
        zh="空闲时占用 (Kafka 以外)",
        en="idle stack outside the broker",
        value=(rest.python + rest.postgres) * 100,
        unit="% of a core",
        note=f"Python {rest.python * 100:.1f} %, PostgreSQL {rest.postgres * 100:.1f} %",
    )


async def case_rows(running: Stack, watch: Watch, rest: Rest) -> list[Row]:
    """Whole cases, step by step: all cases take the first step, everybody hears of it, then the next."""
    admin = await asyncpg.connect(running.admin_url())
    crowd = Crowd.of(running)
    try:

        async def look() -> Spent:
            cpu = python_seconds(running) + postgres_seconds(running)
            return Spent(time.perf_counter(), cpu, await _wal(admin))

        await _live(crowd, watch, 5, look)  # the first ones pay for what is made once
        ends = await ends_of_log(running)
        spent, photos = await _live(crowd, watch, CASES, look)
        signatures = await signatures_since(running, ends) / CASES
        statements, photo_statements = await _statements(running, admin, crowd, watch)
    finally:
        crowd.close()
        await admin.close()
    idle = rest.python + rest.postgres
    net, photo_net = (one.cpu - one.seconds * idle for one in (spent, photos))
    said: dict[str, Any] = {"group": "case", "baseline_name": "BPMN engine"}
    return [
        plain(
            group="case",
            zh="完整案件, 8 个命令",
            en="whole case, 8 commands over HTTP",
            value=CASES / spent.seconds,
            unit="cases/s",
            note=f"{CLERKS} clerks; until every service has applied everything",
        ),
        at_most(
            ENGINE["cpu"] / 5,
            **said,
            zh="每件 CPU",
            en="CPU per case",
            value=net / CASES * 1000,
            unit="ms",
            baseline=ENGINE["cpu"],
            note=f"four APIs, four workers, PostgreSQL; {spent.cpu / CASES * 1000:.0f} ms with what they use at rest",
        ),
        at_most(
            40,
            **said,
            zh="每件 WAL",
            en="WAL per case",
            value=spent.wal / CASES / 1000,
            unit="kB",
            baseline=ENGINE["wal"],
        ),
        plain(
            **said,
            zh="每件 SQL 语句",
            en="SQL statements per case",
            value=statements,
            unit="",
            baseline=ENGINE["statements"],
        ),
        plain(
            group="case",
            zh="每件两张照片",
            en="two photos of a case",
            value=photo_net / CASES * 1000,
            unit="ms",
            note=f"drawn anew, sealed, an event each: {photos.wal / CASES / 1000:.0f} kB of WAL,"
            f" {photo_statements:.0f} statements; in none of the rows above",
        ),
        signature_row(running, signatures, net / CASES * 1000),
    ]


async def _wal(admin: Any) -> int:
    return int(await admin.fetchval("select pg_current_wal_insert_lsn() - '0/0'::pg_lsn"))


async def _statements(running: Stack, admin: Any, crowd: Crowd, watch: Watch) -> tuple[float, float]:
    """Statements per case and of its photos, as the server's log tells them, without those that it hears at rest."""
    log = running.instance.logs / "postgres.log"
    await admin.execute("alter system set log_statement = 'all'")
    await admin.execute("select pg_reload_conf()")

    async def look() -> Spent:
        return Spent(time.perf_counter(), statements=await asyncio.to_thread(_told, log))

    try:
        await asyncio.sleep(0.5)
        before = await look()
        await asyncio.sleep(3)
        at_rest = await look() - before
        busy = await _live(crowd, watch, COUNTED_CASES, look)
    finally:
        await admin.execute("alter system reset log_statement")
        await admin.execute("select pg_reload_conf()")
    each = at_rest.statements / at_rest.seconds
    of_acts, of_photos = ((one.statements - one.seconds * each) / COUNTED_CASES for one in busy)
    return of_acts, of_photos


def _told(log: Path) -> int:
    lines = log.read_bytes().splitlines()
    ours = [line for line in lines if b"LOG:  execute" in line or b"LOG:  statement" in line]
    return sum(b" postgres@" not in line for line in ours)


async def _live(crowd: Crowd, watch: Watch, cases: int, look: Callable[[], Awaitable[Spent]]) -> tuple[Spent, Spent]:
    """So many cases through all eight commands; what was spent on these, and apart from it on their photos."""
    ids = [""] * cases
    of_acts, of_photos = Spent(), Spent()
    before = await look()
    for act in LIFE:
        slots = asyncio.Semaphore(CLERKS)

        async def do(number: int, act: Any = act, slots: asyncio.Semaphore = slots) -> None:
            async with slots:
                web, token = crowd.webs[act.service], crowd.tokens[act.person]
                path = act.path.format(case=ids[number])
                answer = await web.post(path, token, body_of(act, number), new_id())
                assert answer.status < 300, (act.name, answer.status, answer.body)
                ids[number] = answer.document["case_id"]

        await asyncio.gather(*(do(number) for number in range(cases)))
        await watch.caught_up(120)
        after = await look()
        if act.is_photo:
            of_photos += after - before
        else:
            of_acts += after - before
        before = after
    return of_acts, of_photos


async def intake_row(running: Stack) -> Row:
    """Intake's API alone beside a bare handler on the same server: requests answered per second."""
    for name in running.names:
        if name != "intake-api":
            running.kill(name, signal.SIGKILL)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    env = running.env("bare") | {"DATABASE_URL": running.admin_url()}
    command = [sys.executable, "-m", "uvicorn", "bench.bare:app", "--port", str(port), "--no-access-log"]
    process = processes.spawn("bare", command, env, ROOT)
    bare = Web(f"http://127.0.0.1:{port}")
    ours = Web(running.api_url("intake"))
    token = running.token(person="zhou-min")
    try:
        await _up(bare)
        found = [
            (await _answered(ours, token, turn), await _answered(bare, token, turn)) for turn in range(INTAKE_ROUNDS)
        ]
    finally:
        ours.close()
        bare.close()
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    return times_at_least(
        0.5,
        group="intake",
        zh="受理 HTTP 请求",
        en="HTTP intake",
        value=median(one for one, _ in found),
        unit="requests/s",
        baseline=median(other for _, other in found),
        baseline_name="bare handler, two inserts",
        note="token, directory, idempotency, sealing, duplicates, chain",
        rounds=tuple(one for one, _ in found),
    )


async def _up(web: Web) -> None:
    for _ in range(200):
        try:
            await web.get("/openapi.json", "")
            return
        except Unreachable:
            await asyncio.sleep(0.1)
    raise AssertionError("the bare handler did not start")


async def _answered(web: Web, token: str, turn: int) -> float:
    loop = asyncio.get_running_loop()
    until = loop.time() + INTAKE_SECONDS
    done = 0

    async def clerk(desk: int) -> None:
        nonlocal done
        while loop.time() < until:
            body = body_of(LIFE[0], turn * 1_000_000 + desk * 100_000 + done)
            answer = await web.post("/appeals", token, body, new_id())
            assert answer.status == 201, answer.body
            done += 1

    begun = loop.time()
    await asyncio.gather(*(clerk(desk) for desk in range(CLERKS)))
    return done / (loop.time() - begun)


def start_rows(up: float, town: float, accepted: float) -> list[Row]:
    """How long somebody waits who has just typed `make up`."""
    return [
        plain(
            group="start",
            zh="从启动到受理第一件",
            en="start to first accepted case",
            value=up + town + accepted,
            unit="s",
            note=f"servers and eight processes {up:.1f} s, directory {town:.1f} s, first case {accepted:.2f} s",
        )
    ]


async def first_case(running: Stack) -> float:
    """Seconds of the first command of all."""
    crowd = Crowd.of(running)
    begun = time.perf_counter()
    answer = await crowd.webs["intake"].post("/appeals", crowd.tokens["zhou-min"], body_of(LIFE[0], 0), new_id())
    assert answer.status == 201, answer.body
    crowd.close()
    return time.perf_counter() - begun
