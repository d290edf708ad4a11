"""`xunban compare`: rebuilds each service's read model from the log and says which rows of the live one differ."""

import asyncio
from enum import StrEnum
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from libs.audit.reading import NoLog
from libs.directory.rules.naming import Bilingual
from operations.compare import compared, replaced
from operations.installation import SERVICES
from operations.rebuild import Comparison, LogUnsound

app = typer.Typer()
DIFFERS = {
    "CONTENT": Bilingual("内容不是当初写入的", "not the bytes that were appended"),
    "GAP": Bilingual("缺少一行", "a row is missing"),
    "COLUMN": Bilingual("某列与事件不符", "a column says something else than the event"),
    "HEAD": Bilingual("末尾与分道记录不符", "the lane's end is another"),
    "LOG": Bilingual("日志在此处是另一事件", "the log has another event there"),
}
"""What is wrong with an event table (libs/log/store/reconciler.py)."""
Service = StrEnum("Service", ["intake", "routing", "supervision", "notify"])


@app.command("compare")
def compare_services(
    instance: Annotated[str, typer.Option(help="实例 / instance")] = "town",
    service: Annotated[list[Service] | None, typer.Option(help="服务,可重复 / service, may be repeated")] = None,
) -> None:
    """由日志重建读模型并逐行比对, 不同则退出码为 1 / rebuild read models from the log and compare, row for row.

    On existing servers: <SERVICE>_OWNER_DATABASE_URL, KEYS_DATABASE_URL and KAFKA_BOOTSTRAP_SERVERS.
    """
    try:
        found = asyncio.run(compared(instance, service or SERVICES))
    except (NoLog, LogUnsound, OSError) as error:
        typer.secho(f"无法比对 / cannot compare: {error}", fg="red", err=True)
        raise typer.Exit(2) from error
    show(Console(), found)
    raise typer.Exit(1 if any(one.differences or one.own for one in found) else 0)


@app.command("rebuild")
def rebuild_services(
    service: Annotated[list[Service], typer.Option(help="服务,可重复 / service, may be repeated")],
    instance: Annotated[str, typer.Option(help="实例 / instance")] = "town",
) -> None:
    """由日志重建读模型并替换线上的 / rebuild read models from the log and put them in the place of the live ones."""
    try:
        rows = asyncio.run(replaced(instance, service))
    except (NoLog, LogUnsound, OSError) as error:
        typer.secho(f"未重建 / not rebuilt: {error}", fg="red", err=True)
        raise typer.Exit(2) from error
    for name, count in rows.items():
        print(f"{name}: {count:,} 行已重建 / rows rebuilt")


def show(console: Console, found: list[Comparison]) -> None:
    """One line per service, then the rows that differ."""
    table = Table(
        "服务 / service",
        "事件 / events",
        "行 / rows",
        "不同 / differing",
        "事件表不同的分道 / lanes whose event table differs",
        title="读模型与事件表比对 / read models and event tables compared",
    )
    for one in found:
        counts = one.events, sum(one.rows.values()), len(one.differences), len(one.own)
        table.add_row(one.service, *(f"{count:,}" for count in counts))
    console.print(table)
    for one in found:
        for row in one.differences:
            what = ", ".join(row.columns) or ("仅在线上 / live only" if row.live else "仅在重建 / rebuilt only")
            console.print(f"[red]{one.service} {row.table} {row.key}[/red]: {what}")
        for lane in one.own:
            place, wrong = f"分道 / lane {lane.lane}, 序号 / seq {lane.seq}", DIFFERS[lane.what]
            console.print(f"[red]{one.service} {place}[/red]: {wrong.zh} / {wrong.en}")
    if not any(one.differences or one.own for one in found):
        console.print("[green]重建与线上逐行一致 / the rebuilt read models equal the live ones row for row[/green]")
        console.print("[green]事件表与日志一致 / the event tables are what was appended and what the log says[/green]")
