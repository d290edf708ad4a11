"""Cells of workbooks as text, row by row with their line: .xlsx, .xlsm, and the .xls of before. Judges no value."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime, time
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, ZipFile

import openpyxl
import xlrd
from openpyxl.utils.escape import unescape
from openpyxl.utils.exceptions import InvalidFileException
from xlrd.compdoc import CompDocError

from importing.mapping import Mapping
from libs.tuned.openpyxl_merged import merged_cells
from operations.installation import CannotStart

Lines = Iterator[tuple[int, list[str]]]
OLD = (".xls",)
SHEETS = (".xlsx", ".xlsm")
NO_RESULT = "="
EXACT = 10**15
"""A spreadsheet keeps fifteen digits of a number, and puts zeros for the rest."""
LARGE, MOST_PACKED = 64 * 1024 * 1024, 200
"""Bytes from which a part of a workbook is looked at, and how many times smaller honest XML is packed at most."""
WIDEST = 500
MOST_BLOCKS = 100_000
LONGEST_GAP = 10_000
"""Empty rows after which nothing is looked for."""
UNREADABLE = (OSError, ValueError, KeyError, EOFError, SyntaxError, BadZipFile, zlib.error, InvalidFileException)
OF_OLD = (xlrd.XLRDError, CompDocError, struct.error, IndexError, AssertionError, TypeError)
"""What the reader of old workbooks raises of bytes that are none."""


class TrueDate(str):
    """A cell that a sheet keeps as a date, in ISO 8601; `timed`: it shows a time of day."""

    __slots__ = ("timed",)
    timed: bool

    @staticmethod
    def of(value: datetime, shown_as: str) -> TrueDate:
        """At midnight the format of the cell decides whether a time is meant."""
        text = TrueDate(value.isoformat(sep=" "))
        text.timed = value.time() != time() or "h" in shown_as.lower()
        return text


class FileUnreadable(CannotStart):
    """The data file cannot be read; names the file and, where known, the line."""


def sheet(file: Path, mapping: Mapping) -> Lines:
    """The header of a workbook, wherever the mapping says that it stands, and what follows it."""
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


def _lines(file: Path, sheet: Any, formulas: Any, header: int) -> Lines:
    width = empty = 0
    shown = sheet.iter_rows(max_col=WIDEST + 1)
    both = zip(shown, formulas.iter_rows(values_only=True, max_col=WIDEST + 1), strict=False)
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
        return Blocks.of(merged_cells(sheet, MOST_BLOCKS), header)

    @staticmethod
    def of(merged: Iterable[tuple[int, int, int, int]], header: int) -> Blocks:
        """Of merged cells as left, top, right, bottom, from 1."""
        starts: dict[int, list[tuple[int, int]]] = {}
        for left, top, _, bottom in merged:
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


def _cell(cell: Any, written: Any) -> str:
    """The cell as text; what a number lost in the sheet shows in how it is written."""
    match value := cell.value:
        case None:
            # A formula over several cells is no text here either.
            return "" if written is None else NO_RESULT
        case bool():
            return str(value)
        case int() | float():
            return _number(value)
        case datetime():
            return TrueDate.of(value, cell.number_format)
        case str():
            return unescape(value)
        case _:
            return str(value)


def old_sheet(file: Path, mapping: Mapping) -> Lines:
    """The same of a workbook as spreadsheets wrote it before 2007."""
    try:
        with xlrd.open_workbook(str(file), formatting_info=True) as book:
            name = mapping.sheet
            if name and name not in book.sheet_names():
                raise FileUnreadable(f"{file} 没有工作表 / has no sheet '{name}'")
            found = book.sheet_by_name(name) if name else book.sheet_by_index(0)
            if found.ncols > WIDEST:
                raise FileUnreadable(f"{file} 超过 / more than {WIDEST} 列 columns")
            merged = ((left + 1, top + 1, right, bottom) for top, bottom, left, right in found.merged_cells)
            blocks, width = Blocks.of(merged, mapping.header), 0
            for index in range(mapping.header - 1, found.nrows):
                texts = _trimmed([_old_cell(cell, book) for cell in found.row(index)])
                width = width or len(texts)
                yield index + 1, blocks.filled(index + 1, [*texts, *([""] * (width - len(texts)))])
    except (*UNREADABLE, *OF_OLD) as error:
        raise FileUnreadable(f"{file} 无法读取 / cannot be read: {type(error).__name__}") from error


def _old_cell(cell: Any, book: Any) -> str:
    match cell.ctype:
        case xlrd.XL_CELL_DATE:
            shown_as = book.format_map[book.xf_list[cell.xf_index].format_key].format_str
            return TrueDate.of(xlrd.xldate_as_datetime(cell.value, book.datemode), shown_as)
        case xlrd.XL_CELL_NUMBER:
            return _number(cell.value)
        case xlrd.XL_CELL_BOOLEAN:
            return str(bool(cell.value))
        case xlrd.XL_CELL_ERROR:
            return str(xlrd.error_text_from_code.get(cell.value, "#N/A"))
        case _:
            return str(cell.value)


def _number(value: float) -> str:
    """A number as it was written; what its fifteen digits do not hold shows."""
    if abs(value) >= EXACT:
        return f"{value:.14E}"
    return str(int(value)) if float(value).is_integer() else str(value)
