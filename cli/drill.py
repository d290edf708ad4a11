"""`xunban drill`: the restore drill, and what it found as a table."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from trials.drill import Drilled, drill

app = typer.Typer()


@app.command("drill")
def restore_drill(
    cases: Annotated[int, typer.Option(help="备份前、中、后各办几件 / cases before, during and after the backup")] = 8,
    instance: Annotated[str, typer.Option(help="演练实例 / instance of the drill")] = "drill",
) -> None:
    """恢复演练: 备份、全毁、恢复、核对 / restore drill: work, back up, destroy, restore, look every promise up."""
    console = Console(width=max(Console().width, 130))
    with TemporaryDirectory() as folder:
        found = drill(instance, Path(folder) / "backup", cases, console.print)
    show_drill(console, found)
    raise typer.Exit(1 if found.faults else 0)


def show_drill(console: Console, found: Drilled) -> None:
    """Per loss: what came back, what is gone, and how long it took."""
    worked = found.worked
    table = Table(
        "损失 / lost",
        "日志 / log",
        "由日志补回 / recovered",
        "备份前丢失 / promised before, lost",
        "备份后丢失 RPO / promised after, lost",
        "恢复 s / restore",
        "可用 RTO s / ready",
        title=f"恢复演练 / restore drill: {worked.cases} 件 cases, 备份 backup {worked.backup_seconds:.1f} s",
    )
    for one in found.disasters:
        log = "仍在 survived" if one.restored.log_survived else "取自备份 from the backup"
        recovered, seconds = f"{one.restored.recovered:,}", f"{one.restored.seconds:.1f}"
        after = f"{one.lost_after:,} / {len(worked.after):,}"
        before = f"{one.lost_before:,} / {len(worked.before):,}"
        table.add_row(f"{one.what.zh}\n{one.what.en}", log, recovered, before, after, seconds, f"{one.ready_after:.1f}")
    console.print(table)
    console.print(f"备份距灾难 / age of the backup at the disaster: {worked.age:.1f} s")
    for fault in found.faults:
        console.print(f"[red]{fault}[/red]")
    if not found.faults:
        console.print("[green]日志完整, 读模型一致 / the log is whole, the read models equal their rebuild[/green]")
