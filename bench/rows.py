"""One line of the bench: what was measured, against what, and whether that is enough. Measures nothing."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True)
class Row:
    """A figure with its baseline from the same run and its target."""

    group: str
    zh: str
    en: str
    value: float
    unit: str
    baseline: float | None = None
    baseline_name: str = ""
    ratio: float | None = None
    target: str = ""
    met: bool | None = None
    """None: no target was set."""
    reached: float | None = None
    """How far the target is reached, 1.0 and more = met; for the plot."""
    note: str = ""
    rounds: tuple[float, ...] = field(default=())


def times_at_least(factor: float, **said: Any) -> Row:
    """The value must be so many times the baseline."""
    ratio = said["value"] / said["baseline"]
    return Row(**said, ratio=ratio, target=f"≥ {factor:g}×", met=ratio >= factor, reached=ratio / factor)


def times_at_most(factor: float, **said: Any) -> Row:
    """The value must not be more than so many times the baseline."""
    ratio = said["value"] / said["baseline"]
    return Row(**said, ratio=ratio, target=f"≤ {factor:g}×", met=ratio <= factor, reached=factor / ratio)


def at_least(limit: float, **said: Any) -> Row:
    """The value itself has a floor."""
    reached = said["value"] / limit
    return Row(**said, ratio=_ratio(said), target=f"≥ {limit:,.4g} {said['unit']}", met=reached >= 1, reached=reached)


def at_most(limit: float, **said: Any) -> Row:
    """The value itself has a ceiling."""
    reached = limit / said["value"] if said["value"] else 100.0
    return Row(**said, ratio=_ratio(said), target=f"≤ {limit:,.4g} {said['unit']}", met=reached >= 1, reached=reached)


def plain(**said: Any) -> Row:
    """A figure without a target."""
    return Row(**said, ratio=_ratio(said))


def _ratio(said: dict[str, Any]) -> float | None:
    return said["value"] / said["baseline"] if said.get("baseline") else None


def number(value: float) -> str:
    """Three digits that matter."""
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}" if abs(value) < 100 else f"{value:.0f}"


def show(rows: Sequence[Row], console: Console) -> None:
    """The table on the screen."""
    table = Table(title="基准 / bench", show_lines=False, pad_edge=False)
    for heading in ("指标 / figure", "值 / value", "对照 / baseline", "比 / ratio", "目标 / target", "达标 / met"):
        table.add_column(heading, overflow="fold", justify="left" if heading.startswith("指标") else "right")
    marks = {True: "[green]✓[/green]", False: "[red]✗[/red]", None: "–"}
    for row in rows:
        baseline = "" if row.baseline is None else f"{number(row.baseline)} {row.baseline_name}"
        ratio = "" if row.ratio is None else f"{row.ratio:.2f}×"
        value = f"{number(row.value)} {row.unit}"
        table.add_row(f"{row.zh}\n[dim]{row.en}[/dim]", value, baseline, ratio, row.target, marks[row.met])
    console.print(table)
    judged = [row for row in rows if row.met is not None]
    console.print(f"达标 / met: {sum(bool(row.met) for row in judged)} / {len(judged)}")
    for row in judged:
        if not row.met:
            console.print(f"[red]✗[/red] {row.zh} / {row.en}: {number(row.value)} {row.unit}, {row.target}. {row.note}")


def write(rows: Sequence[Row], about: dict[str, Any], path: Path) -> None:
    """The same figures as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({**about, "rows": [asdict(row) for row in rows]}, indent=2, ensure_ascii=False))
