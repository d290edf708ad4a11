"""Boston's cases through import and timeline on an instance of their own: figures, and the table people read."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from time import monotonic
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from operations.embedded.stack import Stack
from operations.installation import ROOT
from trials.cities.boston import timeline
from trials.clock_driver import Timeline
from trials.publish import apply_directory

EXAMPLE = ROOT / "examples" / "boston"
JUDGING = ("intake", "routing", "supervision")
PAGE = 200


def run(folder: Path, cases: int, instance: str, console: Console, *, messages: bool) -> dict[str, Any]:
    """The figures of a run on a fresh instance.

    Notify decides nothing here and writes half of all events, so it runs only where `messages` asks for it.
    """
    records = timeline.read(folder, cases)
    console.print(f"波士顿 / Boston: 启动实例 / starting {instance}")
    started = monotonic()
    services = (*JUDGING, "notify") if messages else JUDGING
    with Stack(instance, "manual", services=services) as stack:
        figures = asyncio.run(drive(stack, records))
    return {"services": list(services), **figures, "seconds_with_start": round(monotonic() - started, 1)}


async def drive(stack: Stack, records: list[timeline.Record]) -> dict[str, Any]:
    """Run the timeline; answers the figures of the run."""
    until = timeline.stated_instant(records)
    steps = list(timeline.steps(records, timeline.Staff.of(EXAMPLE), until))
    begun = monotonic()
    async with Timeline.of(stack) as line:
        await line.advance(min(step.at for step in steps) - timedelta(days=1))
        await apply_directory(line, EXAMPLE)
        with _progress() as bar:
            task = bar.add_task("案件步骤 / steps", total=len(steps))
            await line.run(steps, timedelta(hours=1), until, lambda done: bar.advance(task, done))
        seconds = monotonic() - begun
        clocks = await line.clocks()
        verdicts = await _verdicts(line, until.isoformat())
    breached = frozenset(row["case_id"] for row in verdicts if row["verdict"] == "OVERDUE" and row["confirmed"])
    comparison = timeline.compare(records, breached)
    events = sum(seq for clock in clocks.values() for seq in clock["heads"].values())
    return {
        "cases": len(records),
        "judged_at": until.isoformat(),
        "commands": line.commands,
        "events": events,
        "seconds": round(seconds, 1),
        "events_per_second": round(events / seconds, 1),
        "equal": not comparison.only_ours and not comparison.only_file,
        "without_target": sum(record.target is None for record in records),
        **{name: list(value) for name, value in asdict(comparison).items()},
    }


async def _verdicts(line: Timeline, at: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    query: dict[str, Any] = {"clock": "overall", "at": at, "limit": PAGE}
    while True:
        page = await line.get("supervision", "/verdicts", person=timeline.SUPERVISOR, **query)
        rows += page["items"]
        if page["next_cursor"] is None:
            return rows
        query["cursor"] = page["next_cursor"]


def show(figures: dict[str, Any], console: Console) -> None:
    """The verdicts beside the file's flag, as people read them."""
    table = Table(title="波士顿: 总时限判定与原始数据标记对照 / Boston: overall clock against the file's flag")
    for heading in ("", "文件 OVERDUE", "文件 ONTIME", "文件无标记 / no flag"):
        table.add_column(heading, justify="right")
    unflagged = [late for _, late in figures["without_flag"]]
    late = (len(figures["agree_overdue"]), len(figures["only_ours"]), sum(unflagged))
    intime = (len(figures["only_file"]), len(figures["agree_ontime"]), len(unflagged) - sum(unflagged))
    table.add_row("本系统超期 / breached", *map(str, late))
    table.add_row("本系统未超期 / not breached", *map(str, intime))
    console.print(table)
    _show_defects(figures, console)
    console.print(
        f"{figures['cases']} 件 / cases, {figures['commands']} 条命令 / commands, {figures['events']} 个事件 / events, "
        f"{figures['seconds']} 秒 / s, {figures['events_per_second']} 事件/秒 / events/s; "
        f"服务 / services: {', '.join(figures['services'])}"
    )
    equal = figures["equal"]
    verdict = "一致 / equal" if equal else f"不一致 / differ: {figures['only_ours']} {figures['only_file']}"
    console.print(f"超期集合 / set of breaches: {verdict}", style="green" if equal else "red")


def _show_defects(figures: dict[str, Any], console: Console) -> None:
    """What the file does not say, and what that does to the comparison."""
    table = Table(title="原始数据的缺陷 / defects of the file")
    for heading in ("缺陷 / defect", "件 / cases", "影响 / effect"):
        table.add_column(heading)
    listed = ", ".join(
        f"{number} {'超期 late' if late else '未超期 in time'}" for number, late in figures["without_flag"]
    )
    unflagged = f"仅由本系统判定 / judged by us alone: {listed or '—'}"
    table.add_row("无标记 / no flag", str(len(figures["without_flag"])), unflagged)
    table.add_row("无期限 / no target", str(figures["without_target"]), "不计时, 文件均标 ONTIME / no clock runs")
    still = len(figures["still_open"])
    breached = sum(late for _, late in figures["still_open"])
    judged = f"其中超期 / late: {breached}; 判定时刻 / judged at {figures['judged_at']}"
    table.add_row("期末未结 / never closed", str(still), judged)
    console.print(table)


def _progress() -> Progress:
    return Progress(TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
