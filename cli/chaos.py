"""`xunban chaos`: faults at random under load, then what was promised is compared with what there is."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from time import monotonic
from typing import Annotated, Any

import httpx
import typer
from rich.console import Console
from rich.table import Table

from operations.embedded.stack import Stack
from operations.installation import ROOT
from trials.clock_driver import Timeline, Unexpected
from trials.faults.checker import Report, check
from trials.faults.clients import PAUSE, Clients
from trials.faults.deadlines import (
    PATIENCE,
    Fired,
    fired_through_a_death,
    registered_at_once,
)
from trials.faults.mix import START, Mix
from trials.faults.site import Site
from trials.publish import apply_directory

app = typer.Typer()
RESULTS = ROOT / ".local" / "results"
LONGEST = 30.0
"""Seconds after supervision's return in which every deadline must be recorded."""
KINDS = {
    "lost": "丢失 lost",
    "out of order": "乱序 reordered",
    "phantom": "多出 phantom",
    "changed": "改动 changed",
    "acknowledged and lost": "已答复而丢失 acknowledged and lost",
    "acknowledged at another position": "已答复而移位 acknowledged, at another place",
    "verify": "审计 verify",
    "read model": "读模型与重建不同 read model not as rebuilt",
    "sent twice": "重复告知 message sent twice",
    "file or event missing": "告知与记录不符 message without record",
    "verdict missing": "漏判 verdict missing",
    "verdict false": "误判 verdict false",
    "verdict twice": "重判 verdict twice",
    "stuck": "到期未记 deadline stuck",
    "client": "答复异常 answer not as promised",
    "died": "进程自行退出 process ended by itself",
}


@dataclass
class Run:
    """One run: what was drawn, what was done, what was found."""

    seed: int
    seconds: float
    console: Console
    complaints: list[str] = field(default_factory=list)
    fired: list[Fired] = field(default_factory=list)
    began: float = field(default_factory=monotonic)

    def tell(self, what: str, more: str = "") -> None:
        """One line of progress."""
        self.console.print(f"[dim]{monotonic() - self.began:6.1f} s[/dim]  {what}  [dim]{more}[/dim]")


@app.command()
def chaos(
    seconds: Annotated[float, typer.Option(help="故障持续秒数 / seconds of faults", min=1)] = 120,
    seed: Annotated[int | None, typer.Option(help="随机种子 / seed, to draw a run again")] = None,
    deadlines: Annotated[int, typer.Option(help="同一时刻到期数 / deadlines of one instant", min=0)] = 3000,
    desks: Annotated[int, typer.Option(help="并行席位 / clients at work", min=1)] = 3,
    instance: Annotated[str, typer.Option(help="实例名 / name of the instance")] = "chaos",
) -> None:
    """带负载随机注入故障并核对 / do harm at random under load, then compare."""
    console = Console(highlight=False)
    run = Run(secrets.randbelow(10**6) if seed is None else seed, seconds, console)
    console.print(f"种子 / seed [bold]{run.seed}[/bold] · xunban chaos --seed {run.seed} --seconds {seconds:.0f}")
    with Stack(instance, "manual") as stack:
        mix, report = asyncio.run(_harmed(stack, run, deadlines, desks))
    figures = figures_of(run, mix, report)
    show(figures, report.faults, console)
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / "chaos.json").write_text(json.dumps(figures, ensure_ascii=False, indent=2))
    raise typer.Exit(1 if figures["findings"] else 0)


async def _harmed(stack: Stack, run: Run, deadlines: int, desks: int) -> tuple[Mix, Report]:
    async with Timeline.of(stack) as line:
        await line.advance(START)
        await apply_directory(line, ROOT / "examples" / "town")
        site = Site(stack, line, Clients(line, patience=run.seconds + PATIENCE))
        if deadlines:
            await _deadlines(site, run, deadlines)
        mix = Mix(site, run.seed, run.seconds, run.tell)
        await _under_load(site, run, mix, desks)
        run.tell("静置与核对 / coming to rest, then comparing")
        # What was due while services did not hear of time is recorded now, and everything up to here is judged.
        now = (line.now or START) + timedelta(days=3)
        await line.advance(now)
        await line.settle(PATIENCE)
        found = await check(stack, site.clients.answers, now, strangers=mix.stranger.written)
        run.complaints += [f"died: {name}" for name in mix.died]
        run.complaints += [f"stuck: {one.seconds:.1f} s" for one in run.fired if one.seconds > LONGEST]
        faults = (*found.faults, *run.complaints)
        return mix, Report(found.events, found.duplicates, found.acknowledged, faults)


async def _deadlines(site: Site, run: Run, count: int) -> None:
    """Two instants at which each of very many cases has a step: a warning, then a breach."""
    run.tell(f"{count:,} 件同时立案 / cases registered at one instant")
    await registered_at_once(site, count)
    for after in (0.3, 1.0):
        fired = await fired_through_a_death(site, after)
        run.fired.append(fired)
        run.tell(
            f"{fired.due:,} 件到期, 督办被杀 / due, supervision killed",
            f"{fired.left:,} 未记 left; {fired.seconds:.1f} s 后全部记下 after its return all were recorded",
        )


async def _under_load(site: Site, run: Run, mix: Mix, desks: int) -> None:
    harm = asyncio.create_task(mix.run())

    async def desk() -> None:
        while not harm.done():
            try:
                await site.clients.whole_case()
            except (Unexpected, httpx.HTTPError) as why:
                run.complaints.append(f"client: {type(why).__name__} {why}")
            await asyncio.sleep(PAUSE)

    await asyncio.gather(*(desk() for _ in range(desks)))
    await harm


def figures_of(run: Run, mix: Mix, report: Report) -> dict[str, Any]:
    """Everything that is shown, as it is written down."""
    kinds = Counter(fault.partition(":")[0] for fault in report.faults)
    return {
        "seed": run.seed,
        "seconds": run.seconds,
        "faults": dict(sorted(mix.done.items())),
        "deadlines": [{"due": one.due, "left": one.left, "seconds": round(one.seconds, 1)} for one in run.fired],
        "commands_acknowledged": report.acknowledged,
        "events": report.events,
        "identical_duplicates": report.duplicates,
        "records_of_a_stranger": len(mix.stranger.written),
        "found": {kind: kinds[kind] for kind in KINDS},
        "findings": sum(kinds.values()),
    }


def show(figures: dict[str, Any], faults: Sequence[str], console: Console) -> None:
    """What was done, what was compared, what was found."""
    table = Table(title=f"故障与核对 / chaos, seed {figures['seed']}", show_header=False)
    for kind, times in figures["faults"].items():
        table.add_row(f"注入 / injected: {kind}", f"{times:,}")
    for one in figures["deadlines"]:
        table.add_row("同时到期, 死亡时未记 / due at once, left at death", f"{one['due']:,} · {one['left']:,}")
        table.add_row("恢复后全部记下 / all recorded after the return", f"{one['seconds']} s")
    table.add_section()
    table.add_row("已答复的命令 / commands acknowledged", f"{figures['commands_acknowledged']:,}")
    table.add_row("日志事件 / events in the log", f"{figures['events']:,}")
    table.add_row("相同的重复记录 / identical duplicates", f"{figures['identical_duplicates']:,}")
    table.add_row("外人写入的记录 / records of a stranger", f"{figures['records_of_a_stranger']:,}")
    table.add_section()
    for kind, times in figures["found"].items():
        table.add_row(KINDS[kind], f"[red]{times:,}[/red]" if times else "0")
    console.print(table)
    for fault in faults[:40]:
        console.print(f"[red]{fault}[/red]")
    if not faults:
        console.print("[green]未发现问题 / nothing was lost, reordered, doubled or misjudged[/green]")
