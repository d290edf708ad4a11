"""The figures of a bench as one picture: how far each target is reached. Reads what rows.py wrote."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("Agg")
from matplotlib import pyplot as plt

GREEN, RED = "#2a7f4f", "#b3382c"


def draw(results: Path, picture: Path) -> None:
    """One bar per target, on a logarithmic scale; the line at 1 is the target."""
    told = json.loads(results.read_text())
    rows = [row for row in told["rows"] if row["reached"] is not None]
    figure, axes = plt.subplots(figsize=(17, 1.2 + 0.36 * len(rows)))
    places = list(range(len(rows)))[::-1]
    axes.barh(places, [row["reached"] for row in rows], color=[GREEN if row["met"] else RED for row in rows])
    axes.set_xscale("log")
    axes.axvline(1, color="black", linewidth=1)
    axes.set_yticks(places, [row["en"] for row in rows])
    for place, row in zip(places, rows, strict=True):
        axes.annotate(
            _words(row), (row["reached"], place), xytext=(4, 0), textcoords="offset points", va="center", fontsize=8
        )
    axes.set_xlim(right=max(row["reached"] for row in rows) * 40)
    axes.set_xlabel("target reached (1 = met, further right is better)")
    axes.set_title(f"make bench · {told['machine']} · {told['commit']}", fontsize=10)
    figure.tight_layout()
    picture.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(picture, dpi=110)
    plt.close(figure)


def _words(row: dict[str, Any]) -> str:
    value = f"{row['value']:,.0f} {row['unit']}" if row["value"] >= 100 else f"{row['value']:.3g} {row['unit']}"
    against = f" = {row['ratio']:.3g}× {row['baseline_name']}" if row["ratio"] is not None else ""
    return f"{value}{against} ({row['target']})"
