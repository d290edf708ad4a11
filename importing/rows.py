"""Rows of a CSV file, plain or gzip, or of a workbook, as text with their line. Judges no value."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, TextIO

import openpyxl
from openpyxl.utils.exceptions import InvalidFileException

from importing.mapping import Mapping
from operations.installation import CannotStart

LINE, REASON = "error_line", "error_reason"
"""Columns that a file of errors has besides the original ones."""


@dataclass(frozen=True)
class Row:
    """One record: the line on which it begins (from 1), and column → text. `whole`: it has as many cells as columns."""

    line: int
    values: dict[str, str]
    whole: bool = True


class FileUnreadable(CannotStart):
    """The data file cannot be read; names the file and, where known, the line."""


def columns(file: Path, mapping: Mapping) -> list[str]:
    """The columns of the file, in its order, without those that a file of errors added."""
    for _, header in _records(file, mapping):
        if double := sorted({name for name in header if header.count(name) > 1 and name}):
            raise FileUnreadable(f"{file}:1 列名重复 / columns stand twice: {', '.join(double)}")
        return [name for name in header if name and name not in (LINE, REASON)]
    raise FileUnreadable(f"{file}: 文件为空 / the file is empty")


def read(file: Path, mapping: Mapping) -> Iterator[Row]:
    """Every record after the header; empty lines are skipped."""
    records = _records(file, mapping)
    _, header = next(records)
    for line, cells in records:
        if any(cells):
            padded = [*cells, *([""] * (len(header) - len(cells)))]
            values = {name: cell for name, cell in zip(header, padded, strict=False) if name}
            yield Row(line, values, len(cells) == len(header))


def _records(file: Path, mapping: Mapping) -> Iterator[tuple[int, list[str]]]:
    return _sheet(file, mapping.sheet) if file.suffix.lower() in (".xlsx", ".xlsm") else _csv(file, mapping)


def _csv(file: Path, mapping: Mapping) -> Iterator[tuple[int, list[str]]]:
    line = 1
    try:
        with _text(file, mapping.encoding) as lines:
            reader = csv.reader(lines, delimiter=mapping.delimiter, strict=True)
            for cells in reader:
                yield line, cells
                line = reader.line_num + 1
    except (OSError, EOFError, UnicodeDecodeError, LookupError, csv.Error) as error:
        raise FileUnreadable(f"{file}:{line} 无法读取 / cannot be read: {type(error).__name__}") from error


@contextmanager
def _text(file: Path, encoding: str) -> Iterator[TextIO]:
    if file.suffix.lower() == ".gz":
        with gzip.open(file, "rt", encoding=encoding, newline="") as lines:
            yield lines
    else:
        with file.open(encoding=encoding, newline="") as lines:
            yield lines


def _sheet(file: Path, name: str | None) -> Iterator[tuple[int, list[str]]]:
    try:
        book = openpyxl.load_workbook(file, read_only=True, data_only=True)
    except (OSError, ValueError, KeyError, InvalidFileException) as error:
        raise FileUnreadable(f"{file} 无法读取 / cannot be read: {type(error).__name__}") from error
    try:
        sheet = book[name] if name else book.worksheets[0]
        width = 0
        for line, cells in enumerate(sheet.iter_rows(values_only=True), start=1):
            texts = [_cell(cell) for cell in cells]
            # A sheet is as wide as its widest row, and rows end with their last filled cell.
            width = width or len(_trimmed(texts))
            yield line, [*_trimmed(texts), *([""] * (width - len(_trimmed(texts))))]
    except KeyError as error:
        raise FileUnreadable(f"{file} 没有工作表 / has no sheet '{name}'") from error
    finally:
        book.close()


def _trimmed(texts: Sequence[str]) -> list[str]:
    filled = [index for index, text in enumerate(texts) if text]
    return list(texts[: filled[-1] + 1]) if filled else []


def _cell(value: Any) -> str:
    match value:
        case None:
            return ""
        case datetime():
            return value.isoformat(sep=" ")
        case float() if value.is_integer():
            return str(int(value))
        case _:
            return str(value)
