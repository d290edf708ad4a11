"""Rows of a CSV file, plain or gzip, or of a workbook, as text with their line. Judges no value."""

from __future__ import annotations

import codecs
import csv
import gzip
import re
import zlib
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, TextIO
from zipfile import BadZipFile, ZipFile

import openpyxl
from openpyxl.utils.escape import unescape
from openpyxl.utils.exceptions import InvalidFileException

from importing.mapping import Mapping
from libs.tuned.openpyxl_merged import merged_cells
from operations.installation import CannotStart

NO_RESULT = "="
DAMAGED = re.compile(rf"{NO_RESULT}|#(N/A|NAME\?|DIV/0!|GETTING_DATA|[A-Z]+!)|Err:\d{{3}}|#{{2,}}", re.IGNORECASE)
"""What a spreadsheet shows where there is nothing: errors of each make, a column that is too narrow, and here a formula
that nobody has worked out."""
LARGE, MOST_PACKED = 64 * 1024 * 1024, 200
"""Bytes from which a part of a workbook is looked at, and how many times smaller honest XML is packed at most."""
LONGEST_LINE = 1_000_000
"""Signs; a file that unpacks to more in one line is none of ours."""
EXACT = 10**15
"""A spreadsheet keeps fifteen digits of a number, and puts zeros for the rest."""
WIDEST = 500
MOST_BLOCKS = 100_000
LONGEST_GAP = 10_000
"""Empty rows after which nothing is looked for."""
UNREADABLE = (OSError, ValueError, KeyError, EOFError, SyntaxError, BadZipFile, zlib.error, InvalidFileException)
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


class FileUnreadable(CannotStart):
    """The data file cannot be read; names the file and, where known, the line."""


def columns(file: Path, mapping: Mapping) -> list[str]:
    """The columns of the file, in its order, without those that a file of errors added."""
    for line, header in _records(file, mapping):
        if double := sorted({name for name in header if header.count(name) > 1 and name}):
            raise FileUnreadable(f"{file}:{line} 列名重复 / columns stand twice: {', '.join(double)}")
        return [name for name in header if name and name not in (LINE, REASON)]
    raise FileUnreadable(f"{file}: 没有表头 / there is no header, not on line {mapping.header}")


def read(file: Path, mapping: Mapping) -> Iterator[Row]:
    """Every record after the header; empty lines are skipped."""
    records = _records(file, mapping)
    _, header = next(records)
    for line, cells in records:
        if any(cells):
            padded = [*cells, *([""] * (len(header) - len(cells)))]
            values = {name: cell for name, cell in zip(header, padded, strict=False) if name}
            damaged = frozenset(name for name, cell in values.items() if DAMAGED.fullmatch(cell.strip()))
            yield Row(line, values, len(cells) == len(header), damaged)


def _records(file: Path, mapping: Mapping) -> Iterator[tuple[int, list[str]]]:
    """The header, wherever the mapping says that it stands, and what follows it."""
    if file.suffix.lower() in (".xlsx", ".xlsm"):
        yield from _sheet(file, mapping)
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


def _sheet(file: Path, mapping: Mapping) -> Iterator[tuple[int, list[str]]]:
    name = mapping.sheet
    try:
        with closing(_book(file, results=True)) as book, closing(_book(file, results=False)) as formulas:
            if name and name not in book.sheetnames:
                raise FileUnreadable(f"{file} 没有工作表 / has no sheet '{name}'")
            of = name or book.sheetnames[0]
            blocks = Blocks.below(book[of], mapping.header)
            for line, texts in _lines(file, book[of], formulas[of], mapping.header):
                yield line, blocks.filled(line, texts)
    except UNREADABLE as error:
        raise FileUnreadable(f"{file} 无法读取 / cannot be read: {type(error).__name__}") from error


def _book(file: Path, *, results: bool) -> Any:
    with ZipFile(file) as parts:
        if any(one.file_size > max(LARGE, MOST_PACKED * one.compress_size) for one in parts.infolist()):
            raise BadZipFile
    return openpyxl.load_workbook(file, read_only=True, data_only=results)


def _lines(file: Path, sheet: Any, formulas: Any, header: int) -> Iterator[tuple[int, list[str]]]:
    width = empty = 0
    both = zip(*(part.iter_rows(values_only=True, max_col=WIDEST + 1) for part in (sheet, formulas)), strict=False)
    for line, (cells, written) in enumerate(both, start=1):
        if line < header:
            continue
        texts = _trimmed([_cell(cell, said) for cell, said in zip(cells, written, strict=False)])
        if len(texts) > WIDEST:
            raise FileUnreadable(f"{file}:{line} 超过 / more than {WIDEST} 列 columns")
        empty = 0 if texts else empty + 1
        if empty > LONGEST_GAP:
            return  # A lonely cell at the end of the sheet is no row of it.
        # A sheet is as wide as its widest row, and rows end with their last filled cell.
        width = width or len(texts)
        yield line, [*texts, *([""] * (width - len(texts)))]


@dataclass
class Blocks:
    """Cells that are merged over several rows: what stands in the first one is meant in each of them."""

    starts: dict[int, list[tuple[int, int]]]
    """First row → (index of the column, last row) of the blocks that begin there."""
    _open: dict[int, tuple[int, str]] = field(default_factory=dict)
    """Index of a column → last row and text of the block that lies over it now."""

    @staticmethod
    def below(sheet: Any, header: int) -> Blocks:
        """The blocks of a sheet under its header, as many as anybody merges."""
        starts: dict[int, list[tuple[int, int]]] = {}
        for left, top, _, bottom in merged_cells(sheet, MOST_BLOCKS):
            if bottom > top > header:
                starts.setdefault(top, []).append((left - 1, bottom))
        return Blocks(starts)

    def filled(self, line: int, texts: list[str]) -> list[str]:
        """The row with the text of every block that lies over it; an empty one stays empty."""
        for column, last in self.starts.pop(line, ()):
            self._open[column] = (last, texts[column] if column < len(texts) else "")
        self._open = {column: one for column, one in self._open.items() if one[0] >= line}
        for column, (_, text) in self._open.items() if any(texts) else ():
            if text and column < len(texts) and not texts[column]:
                texts[column] = text
        return texts


def _trimmed(texts: Sequence[str]) -> list[str]:
    filled = [index for index, text in enumerate(texts) if text]
    return list(texts[: filled[-1] + 1]) if filled else []


def _cell(value: Any, written: Any) -> str:
    """The cell as text; what a number lost in the sheet shows in how it is written."""
    match value:
        case None:
            # A formula over several cells is no text here either.
            return "" if written is None else NO_RESULT
        case int() | float() if abs(value) >= EXACT:
            return f"{value:.14E}"
        case datetime():
            return value.isoformat(sep=" ")
        case float() if value.is_integer():
            return str(int(value))
        case str():
            return unescape(value)
        case _:
            return str(value)
