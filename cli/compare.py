"""`xunban compare`: rebuilds each service's read model from the log and says which rows of the live one differ."""

import asyncio
from enum import StrEnum
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from libs.audit.reading import NoLog
from operations.compare import compared, replaced
from operations.installation import SERVICES
from operations.rebuild import Comparison, LogUnsound

app = typer.Typer()
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
    raise typer.Exit(1 if any(one.differences for one in found) else 0)


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
        "服务 / service", "事件 / events", "行 / rows", "不同 / differing", title="读模型比对 / read models compared"
    )
    for one in found:
        table.add_row(one.service, f"{one.events:,}", f"{sum(one.rows.values()):,}", f"{len(one.differences):,}")
    console.print(table)
    for one in found:
        for row in one.differences:
            what = ", ".join(row.columns) or ("仅在线上 / live only" if row.live else "仅在重建 / rebuilt only")
            console.print(f"[red]{one.service} {row.table} {row.key}[/red]: {what}")
    if not any(one.differences for one in found):
        console.print("[green]重建与线上逐行一致 / the rebuilt read models equal the live ones row for row[/green]")
