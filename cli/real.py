"""`xunban real FOLDER`: real cases of other people's cities through the public APIs, judged by what their files say."""

from __future__ import annotations

import json
from pathlib import Path
from time import monotonic
from typing import Annotated, Any

import typer
from rich.console import Console

from operations.installation import ROOT
from trials.cities.boston import run as boston
from trials.cities.boston import timeline
from trials.cities.haikou import orders as haikou_orders
from trials.cities.haikou import run as haikou

app = typer.Typer()
RESULTS = ROOT / ".local" / "results"


@app.command()
def real(
    folder: Annotated[Path, typer.Argument(help="数据目录 / folder of the data")] = Path("../shared/data"),
    cases: Annotated[int, typer.Option(help="波士顿案件数 / Boston cases", min=1)] = 3000,
    orders: Annotated[int, typer.Option(help="海口工单数 / Haikou orders", min=1)] = 2000,
    messages: Annotated[bool, typer.Option(help="同时运行告知服务 / run notify as well")] = False,
    instance: Annotated[str, typer.Option(help="实例名 / name of the instances")] = "real",
) -> None:
    """用真实数据走完整流程 / drive real cases through the public APIs."""
    if missing := [name for name in (timeline.FILE, haikou_orders.FILE) if not (folder / name).exists()]:
        typer.echo(f"缺少数据: 请用 DATA=目录 指明含 {missing[0]} 的目录 / give DATA=folder that holds {missing[0]}")
        raise typer.Exit(2)
    console = Console(highlight=False)
    started = monotonic()
    figures: dict[str, Any] = {"boston": boston.run(folder, cases, instance, console, messages=messages)}
    boston.show(figures["boston"], console)
    figures["haikou"] = haikou.run(folder, orders, f"{instance}-haikou", console)
    haikou.show(figures["haikou"], console)
    figures["seconds"] = round(monotonic() - started, 1)
    console.print(f"合计 / in total: {figures['seconds']} 秒 / s")
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / "real.json").write_text(json.dumps(figures, ensure_ascii=False, indent=2, default=str))
    raise typer.Exit(0 if figures["boston"]["equal"] and figures["haikou"]["complete"] else 1)
