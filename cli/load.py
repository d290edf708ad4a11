"""`xunban load`: operators, departments and supervisors at a given rate, on a town of their own that is thrown away."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer
import uvloop
from rich.console import Console
from rich.table import Table

from operations.embedded.stack import Stack
from operations.installation import ROOT
from trials.load.acts import LIFE
from trials.load.checking import Kept
from trials.load.run import PERCENTILES, Phase, Wanted
from trials.load.run import load as run_load

app = typer.Typer()
INSTANCE = "test-load"
RESULTS = ROOT / ".local" / "results" / "load.json"
SPARK = " ▁▂▃▄▅▆▇█"
POINTS = 60
ZH = {act.name: act.zh for act in LIFE} | {
    "all": "全部",
    "overdue": "超期看板",
    "work": "部门待办",
    "due soon": "即将到期",
    "queue": "待派遣",
    "counts": "统计",
}


@app.command()
def load(
    rate: Annotated[
        list[float] | None, typer.Option(help="每秒到达数, 可重复 / arrivals a second, may be repeated", min=0.1)
    ] = None,
    seconds: Annotated[float, typer.Option(help="每档秒数 / seconds of each rate", min=1)] = 60,
    *,
    search: Annotated[bool, typer.Option(help="寻找可持续的最高速率 / find the highest rate that holds")] = True,
    burst: Annotated[bool, typer.Option(help="十倍突发 / a burst of ten times the rate")] = True,
    burst_seconds: Annotated[float, typer.Option(help="突发秒数 / seconds of the burst", min=1)] = 60,
) -> None:
    """施加负载并核对日志 / load a town of its own, then compare every answer with the log; exit code 1 on a loss.

    Open loop: arrivals come at their instants, however slow the answers are, and waiting counts from then on.
    """
    console = Console(highlight=False)
    console.print(f"启动实例 {INSTANCE}: PostgreSQL, Kafka, 八个进程 / starting servers and eight processes …")
    wanted = Wanted(tuple(rate or (50.0, 200.0)), seconds, search, burst, burst_seconds)
    with Stack(INSTANCE, "real") as stack:
        phases, best, kept = uvloop.run(run_load(stack, wanted, lambda phase: show(console, phase)))
    summary(console, best, kept)
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text(json.dumps(document(phases, best, kept), indent=2, ensure_ascii=False))
    console.print(f"{RESULTS.relative_to(ROOT)}")
    raise typer.Exit(0 if kept.sound else 1)


def show(console: Console, phase: Phase) -> None:
    """One phase: who waited how long, and how far behind the services were."""
    title = f"{phase.name}: {phase.rate:g}/s × {phase.seconds:g} s"
    console.rule(f"[bold]{title}[/bold]", align="left")
    if phase.name != "search":
        table = Table("操作 / act", "次 / count", *(f"p{one} ms" for one in PERCENTILES), pad_edge=False)
        for name, histogram in sorted(phase.tally.latency.items(), key=lambda item: item[0] != "all"):
            cells = [f"{phase.tally.milliseconds(name, one):,.0f}" for one in PERCENTILES]
            table.add_row(f"{ZH.get(name, '')} {name}", f"{histogram.get_total_count():,}", *cells)
        console.print(table)
    fates = ", ".join(f"{fate} {number}" for fate, number in sorted(phase.tally.fates.items()))
    console.print(
        f"  {'[green]保持 / holds[/green]' if phase.holds else '[yellow]未保持 / does not hold[/yellow]'}: "
        f"p99 {phase.p99:,.0f} ms, 服务 / served {phase.served / phase.took:.0f}/s, "
        f"最后应答后 / after the last answer {phase.drained:.1f} s 追平 / caught up"
    )
    console.print(f"  {fates}")
    backlog = [one["backlog"] for one in phase.over_time]
    lag = [one["lag"] for one in phase.over_time]
    console.print(f"  积压 / backlog  {spark(backlog)}  ≤ {phase.worst_backlog:,} 事件 / events")
    console.print(f"  新鲜度 / lag    {spark(lag)}  ≤ {phase.worst_lag:.1f} s")


def spark(values: list[float]) -> str:
    """A curve in one line."""
    step = max(1, -(-len(values) // POINTS))
    shown = [max(values[start : start + step]) for start in range(0, len(values), step)]
    top = max(shown, default=0) or 1
    return "".join(SPARK[round(value / top * (len(SPARK) - 1))] for value in shown)


def summary(console: Console, best: Phase | None, kept: Kept) -> None:
    """What it comes to."""
    console.rule()
    if best:
        console.print(
            f"可持续的最高速率 / highest rate that held: [bold]{best.rate:g}/s[/bold], p99 {best.p99:,.0f} ms"
        )
    mark = "[green]✓[/green]" if kept.sound else "[red]✗[/red]"
    console.print(
        f"{mark} 已应答事件 / acknowledged events {kept.acknowledged:,}: 丢失 / lost {kept.lost}, "
        f"重复 / twice {kept.twice}, 校验发现 / findings {kept.findings}"
    )


def document(phases: list[Phase], best: Phase | None, kept: Kept) -> dict[str, Any]:
    """The same figures for the file."""
    return {
        "phases": [phase.document() for phase in phases],
        "highest_rate_that_held": best.rate if best else None,
        "acknowledged": kept.acknowledged,
        "lost": kept.lost,
        "twice": kept.twice,
        "findings": kept.findings,
    }
