"""`xunban golden`: writes the golden of a new event type, and its sum. What is there is never written over."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError

from libs.events.contracts.example import example
from libs.events.contracts.registry import TYPES
from operations.installation import ROOT

app = typer.Typer()
GOLDENS = ROOT / "tests" / "contract" / "goldens"
SUMS = "SHA256SUMS"


@app.command("golden")
def write_golden(
    ce_type: Annotated[str, typer.Argument(metavar="TYPE", help="supervision.case-closed.v1")],
    *,
    folder: Annotated[Path, typer.Option(help="何处 / where goldens are kept")] = GOLDENS,
) -> None:
    """为新事件类型写一份永不修改的样例 / write the golden of a new event type, whose bytes never change."""
    if (kind := TYPES.get(ce_type)) is None:
        raise typer.BadParameter(f"没有此事件类型 / no such event type: {ce_type}", param_hint="TYPE")
    path = folder / f"{ce_type}.json"
    if path.exists():
        typer.secho(f"已有, 不可改写 / there already, never edited: {path.name}", fg="red", err=True)
        raise typer.Exit(1)
    try:
        body = example(kind)
    except (TypeError, ValidationError) as fault:
        typer.secho(f"请手写 / to be written by hand: {fault}", fg="red", err=True)
        raise typer.Exit(1) from fault
    path.write_bytes(body)
    sums = folder / SUMS
    known = sums.read_text().splitlines() if sums.exists() else []
    lines = sorted([*known, f"{sha256(body).hexdigest()}  {path.name}"], key=lambda line: line.split()[1])
    sums.write_text("\n".join(lines) + "\n")
    typer.echo(body.decode())
