"""Rows of a CSV file, plain or gzip, or of a workbook, as text with their line. Judges no value."""

from __future__ import annotations

import codecs
import csv
import gzip
import re
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from importing.mapping import Mapping
from importing.sheets import NO_RESULT, OLD, SHEETS, FileUnreadable, old_sheet, sheet

DAMAGED = re.compile(rf"{NO_RESULT}|#(N/A|NAME\?|DIV/0!|GETTING_DATA|[A-Z]+!)|Err:\d{{3}}|#{{2,}}", re.IGNORECASE)
"""What a spreadsheet shows where there is nothing: errors of each make, a column that is too narrow, and here a formula
that nobody has worked out."""
LONGEST_LINE = 1_000_000
"""Signs; a file that unpacks to more in one line is none of ours."""
LINE, REASON = "error_line", "error_reason"
"""Columns that a file of errors has besides the original ones."""


@dataclass(frozen=True)
class Row:
    """One record: the line on which it begins (from 1), and column → text. `whole`: it has as many cells as columns."""

    line: int
    values: dict[str, str]
    whole: bool = True
    damaged: frozenset[str] = frozenset()
    """Columns whose cell looks filled and holds nothing that was stored: an error, or a formula without its result."""
    noted: bool = False
    """Right of the header of a sheet something is written that belongs to no column."""


def columns(file: Path, mapping: Mapping) -> list[str]:
    """The columns of the file, in its order, without those that a file of errors added."""
    for line, header in _records(file, mapping):
        used = {name for _, source in mapping.sources() for name in source.used}
        if double := sorted({name for name in header if header.count(name) > 1 and name in used}):
            raise FileUnreadable(f"{file}:{line} 列名重复 / columns stand twice: {', '.join(double)}")
        return [name for name in _told_apart(header) if name and name not in (LINE, REASON)]
    raise FileUnreadable(f"{file}: 没有表头 / there is no header, not on line {mapping.header}")


def _told_apart(header: Sequence[str]) -> list[str]:
    """The names of the columns; one that stands again is numbered, as nobody asks for it."""
    found: list[str] = []
    for name in header:
        number, own = 2, name
        while own and own in found:
            own, number = f"{name} ({number})", number + 1
        found.append(own)
    return found


def read(file: Path, mapping: Mapping) -> Iterator[Row]:
    """Every record after the header; empty lines are skipped."""
    records = _records(file, mapping)
    header = _told_apart(next(records)[1])
    width, placed = len(header), file.suffix.lower() in (*SHEETS, *OLD)
    for line, cells in records:
        if any(cells):
            padded = [*cells, *([""] * (width - len(cells)))]
            values = {name: cell for name, cell in zip(header, padded, strict=False) if name}
            damaged = frozenset(name for name, cell in values.items() if DAMAGED.fullmatch(cell.strip()))
            # In a sheet a cell stands where it stands; in a text one too many has moved all that follow it.
            noted = any(cells[width:])
            yield Row(line, values, len(cells) >= width and (placed or not noted), damaged, noted)


def _records(file: Path, mapping: Mapping) -> Iterator[tuple[int, list[str]]]:
    """The header, wherever the mapping says that it stands, and what follows it."""
    if file.suffix.lower() in (*SHEETS, *OLD):
        yield from (old_sheet if file.suffix.lower() in OLD else sheet)(file, mapping)
        return
    records, own = _csv(file, mapping), False
    for line, cells in records:
        # A file of refused rows begins with its header, whatever stood above it where the rows came from.
        own = own or (line == 1 and LINE in cells)
        if own or line >= mapping.header:
            yield line, cells


def _csv(file: Path, mapping: Mapping) -> Iterator[tuple[int, list[str]]]:
    line = 1
    try:
        with _text(file, mapping.encoding) as lines:
            reader = csv.reader(_bounded(lines), delimiter=mapping.delimiter, strict=True)
            for cells in reader:
                yield line, cells
                line = reader.line_num + 1
    except (OSError, EOFError, UnicodeDecodeError, LookupError, csv.Error, zlib.error) as error:
        raise FileUnreadable(f"{file}:{line} 无法读取 / cannot be read: {type(error).__name__}") from error


def _bounded(lines: TextIO) -> Iterator[str]:
    """Line by line, none longer than anybody writes. Raises `csv.Error`."""
    while line := lines.readline(LONGEST_LINE):
        if len(line) == LONGEST_LINE:
            raise csv.Error("line too long")
        yield line


@contextmanager
def _text(file: Path, encoding: str) -> Iterator[TextIO]:
    opened = gzip.open if file.suffix.lower() == ".gz" else open
    with opened(file, "rb") as raw:
        begins = raw.read(len(codecs.BOM_UTF8))
    # What says that it is UTF-8 is, whatever the mapping says of other files: the file of refused rows among it.
    encoding = "utf-8-sig" if begins == codecs.BOM_UTF8 else encoding
    with opened(file, "rt", encoding=encoding, newline="") as lines:
        yield lines
