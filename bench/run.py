"""`make bench`: every figure in one run, beside its baseline; a table, a file, a picture.

`python -m bench.run [small] [group …]` measures some groups only, with a tenth of the cases where they are many.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import asyncpg
import uvloop
from rich.console import Console

from bench import appending, firing, importing, lists, plot, reading, town, visible
from bench.rows import Row, show, times_at_most, write
from libs.directory.publish.files import read_files
from libs.log.store.event_store import Pool
from libs.log.watermarks.heartbeat import Heartbeat
from operations.embedded.stack import Stack
from operations.installation import ROOT
from trials.clock_driver import Timeline
from trials.load.watching import open_town, watching
from trials.publish import found
from trials.town import civil

RESULTS = ROOT / ".local" / "results" / "bench.json"
PICTURE = ROOT / "docs" / "bench.png"
LOG_GROUPS = ("append", "relay", "rebuild", "verify", "timers", "visible")
TOWN_GROUPS = ("start", "idle", "case", "import", "intake")
GROUPS = (*LOG_GROUPS, *TOWN_GROUPS, "lists")
ROUNDS = 5
CASES = 2000
"""Per round; together ten thousand, which all fall due at one instant."""
WHOLE = ("counts", "a day ago", "reconciliation", "co-unit")
"""Lists that read all there is, all of a day or all that a unit co-handles; the others show a page and a number."""
BEHIND = """
    select (select sum(seq) from log.lane_head)
           > (select sum(seq) from read.source_progress where source = $1)
"""
MORNING = civil("2026-11-02 08:00")
console = Console(highlight=False, width=max(Console().width, 120))


class Bench:
    """What has been measured so far."""

    def __init__(self, groups: Collection[str], cases: int) -> None:
        self.groups = groups
        self.cases = cases
        self.rows: list[Row] = []
        self.begun = time.perf_counter()

    def tell(self, zh: str, en: str) -> None:
        """Progress."""
        console.print(f"[dim]{time.perf_counter() - self.begun:5.0f} s[/dim]  {zh} / {en}")

    def wants(self, *groups: str) -> bool:
        """Whether one of these was asked for."""
        return bool(set(groups) & set(self.groups))

    def add(self, *rows: Row) -> None:
        """Measured; what was not asked for is not kept."""
        self.rows += [row for row in rows if row.group in self.groups]


async def log_side(bench: Bench, running: Stack) -> None:
    """Appending, relaying, reading and firing; intake's part is played from here."""
    version = await _directory(running)
    ours = await appending.Appending.of(running, version)
    intake = Heartbeat("/xunban/intake", ours.pool, running.bootstrap, running.keys_of("intake"))
    await intake.publish(MORNING)
    catch_up: list[float] = []
    try:
        for turn in range(ROUNDS):
            bench.tell(f"追加, 第 {turn + 1}/{ROUNDS} 轮", "append")
            await ours.turn(bench.cases)
        bench.add(*ours.rows())
        for lanes in (range(22), range(22, 43), range(43, 64)):
            bench.tell(f"转发泳道 {lanes[0]}–{lanes[-1]}", "relay")
            catch_up.append(await reading.relayed(running, ours.pool, lanes))
        bench.add(reading.relay_row(catch_up, ours.rows()[0].value))
        if bench.wants("rebuild"):
            bench.tell("受理读完日志", "intake reads its log")
            await _read_by_intake(running)
            running.kill("intake-worker")
            bench.tell("重建读模型", "rebuild")
            bench.add(await reading.rebuild_row(running))
        if bench.wants("verify"):
            bench.tell("校验", "verify")
            bench.add(await reading.verify_row(running))
        if bench.wants("visible"):
            await _visible(bench, running, ours.pool, version)
        if bench.wants("timers"):
            await _timers(bench, running, intake)
    finally:
        await intake.close()
        await ours.close()


async def _directory(running: Stack) -> int:
    """Found the demo town at the first morning; answers its version. Supervision has read it and rests then."""
    async with Timeline.of(running) as line:
        await line.advance(MORNING)
        documents = read_files(ROOT / "examples" / "town").raw
        await found(line, documents)
    async with watching(running, ("routing", "supervision")) as watch:
        await watch.caught_up(30)
        version = await watch.conns["routing"].fetchval("select max(version) from read.directory_fact")
    running.kill("supervision-worker")
    return int(version)


async def _timers(bench: Bench, running: Stack, intake: Heartbeat) -> None:
    """Supervision hears of the cases, then time passes: first from here, then for its own worker."""
    bench.tell("督办设定时限", "supervision sets its clocks")
    await _started(running, "supervision-worker")
    conn = await asyncpg.connect(running.admin_url("supervision"))
    try:
        wanted = ROUNDS * bench.cases
        while await conn.fetchval("select count(*) from timers.timer") < wanted:  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.2)
        running.kill("supervision-worker")
        async with firing.supervision(running) as here:
            first = await conn.fetchval(firing.NEXT, MORNING) + firing.INSTANT
            bench.tell("到期步骤, 成批与逐个", "timers, in batches and one by one")
            bench.add(await firing.batch_row(here, first))
            await firing.in_batches(here, range(64), first)
            due = await conn.fetchval(firing.NEXT, first)
            number = await conn.fetchval(firing.DUE, due + firing.INSTANT)
            await _started(running, "supervision-worker")
            # What was fired from here nobody has published: a backlog that no worker at work would have.
            await _own_log_read(conn, "supervision")
            bench.tell(f"{number:,} 个时限同一刻到期", "due at one instant")
            await intake.publish(due + firing.INSTANT)
            async with Timeline.of(running) as line:
                begun = time.perf_counter()
                await line.advance(due + firing.INSTANT)
                bench.add(await firing.all_at_once(here, due + firing.INSTANT, number, begun))
        running.kill("supervision-worker")
    finally:
        await conn.close()


async def _visible(bench: Bench, running: Stack, pool: Pool, version: int) -> None:
    """Before anybody else writes: later intake would have the timers' events to read as well."""
    bench.tell("追加到可见", "append to visible")
    await _read_by_intake(running)
    bench.add(*await visible.rows(running, pool, version))
    running.kill("intake-worker")


async def _read_by_intake(running: Stack) -> None:
    """Intake's own worker, as patient as in a town, until it has applied what intake has recorded."""
    await _started(running, "intake-worker", {"RELAY_IDLE_MS": "200"})
    conn = await asyncpg.connect(running.admin_url("intake"))
    try:
        await _own_log_read(conn, "intake")
    finally:
        await conn.close()


async def _started(running: Stack, name: str, env: Mapping[str, str] | None = None) -> None:
    """Start one process, until it serves."""
    running.start_process(name, env)
    await asyncio.to_thread(running.wait_ready, name)


async def _own_log_read(conn: asyncpg.Connection[Any], service: str) -> None:
    """Until the service's worker has published and read back what the service has recorded."""
    while await conn.fetchval(BEHIND, f"/xunban/{service}"):  # noqa: ASYNC110 - another process
        await asyncio.sleep(0.2)


async def town_side(bench: Bench, running: Stack, up: float) -> None:
    """Everything that the town does with all its processes."""
    async with watching(running) as watch:
        begun = time.perf_counter()
        await open_town(running, watch)
        directory = time.perf_counter() - begun
        bench.add(*town.start_rows(up, directory, await town.first_case(running)))
        bench.tell("空闲", "at rest")
        rest = await town.at_rest(running, watch)
        bench.add(town.idle_row(rest))
        if bench.wants("case"):
            bench.tell("完整案件", "whole cases")
            bench.add(*await town.case_rows(running, watch, rest))
        if bench.wants("import"):
            bench.tell("批量导入", "bulk import")
            bench.add(*await importing.import_rows(running, watch))
    if bench.wants("intake"):
        bench.tell("受理 HTTP", "HTTP intake")
        bench.add(await town.intake_row(running))


async def list_side(bench: Bench) -> None:
    """The lists of a small and a large city, without their CSV."""
    bench.tell("清单, 一万件与三十万件", "lists at ten thousand and three hundred thousand")
    found = (await lists.measure(tuple(lists.ASKED), requests=30, rounds=25, csv=False))["lists"]
    asked = {name: figures for name, figures in found.items() if figures["loaded"]}
    whole = {name: asked.pop(name) for name in list(asked) if any(one in name for one in WHOLE)}
    bench.add(
        *_list_rows(asked, "分页清单", "page lists"),
        *_list_rows(whole, "全量清单", "whole lists"),
    )


def _list_rows(asked: Mapping[str, Any], zh: str, en: str) -> list[Row]:
    """The list that grows most, and the slowest beside `/healthz`."""
    grown = max(asked, key=lambda name: asked[name]["ratio"])
    slow = max(asked, key=lambda name: asked[name]["loaded"]["ratio"])
    return [
        times_at_most(
            2,
            group="lists",
            zh=f"{zh} p50, 三十万件比一万件 (最差者)",
            en=f"{en} at 300,000 cases against 10,000, the worst",
            value=asked[grown]["large"]["p50"],
            unit="ms",
            baseline=asked[grown]["small"]["p50"],
            baseline_name="at 10,000",
            note=grown,
        ),
        times_at_most(
            3,
            group="lists",
            zh=f"{zh} p99, 同一负载下比 /healthz (最差者)",
            en=f"{en} p99 against /healthz under one load, the worst",
            value=asked[slow]["loaded"]["p99"],
            unit="ms",
            baseline=asked[slow]["loaded"]["healthz_p99"],
            baseline_name="/healthz p99",
            note=f"{slow}; 300,000 cases",
        ),
    ]


def main(asked: Collection[str]) -> None:
    """Measure, show, write, draw."""
    groups = [group for group in asked if group != "small"] or GROUPS
    bench = Bench(groups, CASES // 10 if "small" in asked else CASES)
    if bench.wants(*LOG_GROUPS):
        bench.tell("启动服务器", "starting the servers")
        with Stack("test-bench-log", services=("routing", "supervision")) as running:
            uvloop.run(log_side(bench, running))
    if bench.wants(*TOWN_GROUPS):
        bench.tell("启动镇", "starting the town")
        begun = time.perf_counter()
        with Stack("test-bench-town", "real") as running:
            uvloop.run(town_side(bench, running, time.perf_counter() - begun))
    if bench.wants("lists"):
        uvloop.run(list_side(bench))
    seconds = time.perf_counter() - bench.begun
    show(bench.rows, console)
    whole = not asked
    results = RESULTS if whole else RESULTS.with_name("bench-part.json")
    write(bench.rows, {"commit": _commit(), "machine": _machine(), "seconds": round(seconds)}, results)
    if whole:
        plot.draw(results, PICTURE)
    console.print(f"{seconds:.0f} 秒 / s: {results.relative_to(ROOT)}")


def _commit() -> str:
    told = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return told.stdout.strip()


def _machine() -> str:
    memory = int(Path("/proc/meminfo").read_text().split()[1]) // 1024**2
    return f"{os.cpu_count()} cores, {memory} GB, Python {sys.version.split()[0]}"


if __name__ == "__main__":
    main(sys.argv[1:])
