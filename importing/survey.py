"""One look through a file before its first row is sent: what is worth saying once instead of row by row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from importing.cells import Reader, names
from importing.mapping import Mapping, Source
from importing.rows import Row, read
from libs.events.text import trimmed

MOST_TOLD = 20
"""Codes of one column."""


@dataclass
class Survey:
    """What the rows are like."""

    rows: int = 0
    unmapped: dict[str, Counter[str]] = field(default_factory=dict)
    """Columns → codes that their table does not have, and in how many rows."""
    noted: int = 0
    """Rows of a sheet with something right of the header."""

    def told(self) -> Iterator[str]:
        """In a line each, Chinese and English."""
        for columns, codes in self.unmapped.items():
            shown = ", ".join(f"“{code}” ×{count}" for code, count in codes.most_common(MOST_TOLD))
            more = f" … (+{len(codes) - MOST_TOLD})" if len(codes) > MOST_TOLD else ""
            yield f"代码表中没有的代码, 这些行将被拒绝 / codes without a table entry, refused: {columns}: {shown}{more}"
        if self.noted:
            yield f"表头右侧另有批注, 不导入 / notes right of the header are left behind: {self.noted} 行 / rows"


def survey(file: Path, mapping: Mapping) -> Survey:
    """Look through all rows; raises `FileUnreadable`."""
    found = Survey()
    coded = [
        (source, codes)
        for _, source in mapping.sources()
        if source.constant is None and source.default is None and (codes := mapping.codes(source)) is not None
    ]
    for row in read(file, mapping):
        found.rows += 1
        found.noted += row.noted
        for source, codes in coded:
            if row.whole and (code := _code(row, source, mapping)) and code not in codes:
                found.unmapped.setdefault(names(source), Counter())[code[:40]] += 1
    return found


def _code(row: Row, source: Source, mapping: Mapping) -> str:
    if any(name in row.damaged for name in source.used):
        return ""
    text = source.join.join(part for name in source.used if (part := trimmed(row.values[name])))
    return "" if Reader(row, mapping).is_nothing(text) else text
