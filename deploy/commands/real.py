"""`xunban real FOLDER`: real cases of somebody else's city through the public APIs, judged by the file's own flag."""

from __future__ import annotations

import asyncio
import json
from contextlib import ExitStack
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from time import monotonic
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from deploy import boston
from deploy.directory_apply import apply_directory
from deploy.embedded.instance import ROOT
from deploy.embedded.stack import Stack
from deploy.timeline import Timeline

app = typer.Typer()
INSTANCE = "real"
EXAMPLE = ROOT / "examples" / "boston"
RESULTS = ROOT / ".local" / "results"
PAGE = 200


@app.command()
def real(
    folder: Annotated[Path, typer.Argument(help="数据目录 / folder of the data")] = Path("../shared/data"),
    cases: Annotated[int, typer.Option(help="案件数 / how many cases", min=1)] = 500,
) -> None:
    """用真实数据走完整流程 / drive real cases through the public APIs."""
    if not (folder / boston.FILE).exists():
        typer.echo(f"缺少数据: 请用 DATA=目录 指明含 {boston.FILE} 的目录 / give DATA=folder that holds {boston.FILE}")
        raise typer.Exit(2)
    records = boston.read(folder, cases)
    started = monotonic()
    with ExitStack() as held:
        console = Console()
        console.print(f"启动实例 {INSTANCE} / starting the instance {INSTANCE}")
        stack = held.enter_context(Stack(INSTANCE, "manual"))
        figures = asyncio.run(drive(stack, records))
    figures["seconds_with_start"] = round(monotonic() - started, 1)
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / "real.json").write_text(json.dumps(figures, ensure_ascii=False, indent=2, default=str))
    show(figures)
    raise typer.Exit(0 if figures["equal"] else 1)


async def drive(stack: Stack, records: list[boston.Record]) -> dict[str, Any]:
    """Run the timeline; answers the figures of the run."""
    until = boston.stated_instant(records)
    steps = list(boston.steps(records, boston.Staff.of(EXAMPLE), until))
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
    comparison = boston.compare(records, breached)
    events = sum(seq for clock in clocks.values() for seq in clock["heads"].values())
    return {
        "cases": len(records),
        "judged_at": until.isoformat(),
        "commands": line.commands,
        "events": events,
        "seconds": round(seconds, 1),
        "events_per_second": round(events / seconds, 1),
        "equal": not comparison.only_ours and not comparison.only_file,
        **{name: list(value) for name, value in asdict(comparison).items()},
    }


async def _verdicts(line: Timeline, at: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    query: dict[str, Any] = {"clock": "overall", "at": at, "limit": PAGE}
    while True:
        page = await line.get("supervision", "/verdicts", person=boston.SUPERVISOR, **query)
        rows += page["items"]
        if page["next_cursor"] is None:
            return rows
        query["cursor"] = page["next_cursor"]


def show(figures: dict[str, Any]) -> None:
    """The verdicts beside the file's flag, as people read them."""
    console = Console()
    table = Table(title="总时限判定与原始数据标记对照 / overall clock against the file's flag")
    for heading in ("", "文件 OVERDUE", "文件 ONTIME", "文件无标记 / no flag"):
        table.add_column(heading, justify="right")
    unflagged = [late for _, late in figures["without_flag"]]
    late = (len(figures["agree_overdue"]), len(figures["only_ours"]), sum(unflagged))
    intime = (len(figures["only_file"]), len(figures["agree_ontime"]), len(unflagged) - sum(unflagged))
    table.add_row("本系统超期 / breached", *map(str, late))
    table.add_row("本系统未超期 / not breached", *map(str, intime))
    console.print(table)
    for title, rows in (
        ("文件无标记, 仅由本系统判定 / no flag in the file", figures["without_flag"]),
        ("期末未结 / still open", figures["still_open"]),
    ):
        listed = ", ".join(f"{number} {'超期 late' if breached else '未超期 in time'}" for number, breached in rows)
        console.print(f"{title} ({len(rows)}), 判定时刻 / judged at {figures['judged_at']}: {listed or '—'}")
    console.print(
        f"{figures['cases']} 件 / cases, {figures['commands']} 条命令 / commands, {figures['events']} 个事件 / events, "
        f"{figures['seconds']} 秒 / s, {figures['events_per_second']} 事件/秒 / events/s"
    )
    equal = figures["equal"]
    verdict = "一致 / equal" if equal else f"不一致 / differ: {figures['only_ours']} {figures['only_file']}"
    console.print(f"超期集合 / set of breaches: {verdict}", style="green" if equal else "red")


def _progress() -> Progress:
    return Progress(TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
