"""`xunban schemas`: writes the generated schemas, or says where the committed ones differ. Decides nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from libs.events import contracts
from libs.events.contracts.generate import documents

app = typer.Typer(help="事件契约 / event contracts")
FOLDER = Path(contracts.__file__).with_name("schemas")


@app.command("schemas")
def write_schemas(
    *,
    check: Annotated[
        bool, typer.Option("--check", help="只比较, 不写入 / compare only; exit 1 on a difference")
    ] = False,
) -> None:
    """由契约生成 JSON Schema 与 AsyncAPI / generate JSON Schemas and AsyncAPI from the contracts."""
    wanted = documents()
    changed = differences(wanted)
    for name in changed:
        typer.echo(name)
    if check:
        raise typer.Exit(1 if changed else 0)
    FOLDER.mkdir(exist_ok=True)
    for name in changed:
        if name in wanted:
            (FOLDER / name).write_text(wanted[name], encoding="utf-8")
        else:
            (FOLDER / name).unlink()


def differences(wanted: dict[str, str]) -> list[str]:
    """Names of files that are missing, stale or no longer wanted."""
    found = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.*")}
    return sorted(name for name in wanted.keys() | found.keys() if wanted.get(name) != found.get(name))
