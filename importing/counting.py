"""How many records a file holds, counted without the reader that reads them: what it passes over shows."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator
from pathlib import Path
from xml.etree.ElementTree import Element, iterparse
from zipfile import ZipFile

import xlrd

from importing.mapping import Mapping
from importing.rows import LINE
from importing.sheets import OLD, SHEETS

PIECE = 1 << 16
MARK = b"\xef\xbb\xbf"
MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
FILLING = (f"{MAIN}v", f"{MAIN}f", f"{MAIN}t")


def records(file: Path, mapping: Mapping) -> int:
    """Records after the header, empty ones left out; the file is one whose header the reader has read."""
    if file.suffix.lower() in SHEETS:
        return sum(line > mapping.header for line in _filled_rows(file, mapping))
    if file.suffix.lower() in OLD:
        return _records_of_old(file, mapping)
    return _records_of_text(file, mapping)


def _records_of_old(file: Path, mapping: Mapping) -> int:
    """Rows of an old workbook in which a cell has a content; merged ones and formats make none."""
    with xlrd.open_workbook(str(file)) as book:
        sheet = book.sheet_by_name(mapping.sheet) if mapping.sheet else book.sheet_by_index(0)
        rows = range(mapping.header, sheet.nrows)
        return sum(any(value != "" for value in sheet.row_values(number)) for number in rows)


def _records_of_text(file: Path, mapping: Mapping) -> int:
    """Line ends outside of quotation marks, and whether anything stands between them."""
    seen_header = filled = quoted = closed = False
    opens, line, begun, count, since, first = True, 1, 1, 0, mapping.header, ""
    for sign in _parts(file, mapping):
        if line == 1:
            first += sign
        if sign == "\n":
            # A file of refused rows begins with its header, whatever stood above it before.
            since = 1 if line == 1 and LINE in first else since
            line += 1
        if quoted:
            quoted, closed = sign != '"', sign == '"'
            filled |= quoted
        elif sign == '"' and (opens or closed):
            # Two of them are one that is meant.
            filled |= closed
            quoted, opens, closed = True, False, False
        elif sign == "\n":
            count += seen_header and filled
            seen_header |= begun >= since
            opens, closed, filled, begun = True, False, False, line
        else:
            opens, closed = sign == mapping.delimiter, False
            filled |= not opens
    return count + (seen_header and filled)


def _parts(file: Path, mapping: Mapping) -> Iterator[str]:
    """Quotation marks, delimiters and line ends one by one, and what stands between them in one piece."""
    between = f'"\n{re.escape(mapping.delimiter)}'
    parts = re.compile(f"[{between}]|[^{between}]+")
    opened = gzip.open if file.suffix.lower() == ".gz" else open
    with opened(file, "rb") as raw:
        marked = raw.read(len(MARK)) == MARK
    with opened(file, "rt", encoding="utf-8-sig" if marked else mapping.encoding, newline=None) as text:
        while piece := text.read(PIECE):
            yield from parts.findall(piece)


def _filled_rows(file: Path, mapping: Mapping) -> Iterator[int]:
    """Numbers of the rows of the sheet in which a cell shows something, from its XML."""
    with ZipFile(file) as book:
        empty = set(_empty_texts(book))
        with book.open(_part_of(book, mapping.sheet)) as sheet:
            number = 0
            for _, element in iterparse(sheet):  # noqa: S314 - the reader has read it before
                if element.tag == f"{MAIN}row":
                    number = int(element.get("r") or number + 1)
                    if any(_shows(cell, empty) for cell in element.iter(f"{MAIN}c")):
                        yield number
                    element.clear()


def _shows(cell: Element, empty: set[str]) -> bool:
    said = {part.tag: part.text or "" for part in cell.iter() if part.tag in FILLING}
    if cell.get("t") == "s":
        return bool(said) and said.get(f"{MAIN}v", "") not in empty
    return f"{MAIN}f" in said or any(said.values())


def _empty_texts(book: ZipFile) -> Iterator[str]:
    """Numbers of the shared texts that hold none."""
    if "xl/sharedStrings.xml" not in book.namelist():
        return
    with book.open("xl/sharedStrings.xml") as texts:
        number = 0
        for _, element in iterparse(texts):  # noqa: S314
            if element.tag == f"{MAIN}si":
                if not any(part.text for part in element.iter(f"{MAIN}t")):
                    yield str(number)
                number += 1
                element.clear()


def _part_of(book: ZipFile, name: str | None) -> str:
    """The file inside of the workbook that holds the sheet; its first one where none is named."""
    with book.open("xl/workbook.xml") as listed:
        sheets = [element for _, element in iterparse(listed) if element.tag == f"{MAIN}sheet"]  # noqa: S314
    chosen = next(one for one in sheets if name in (None, one.get("name")))
    with book.open("xl/_rels/workbook.xml.rels") as parts:
        targets = {element.get("Id"): element.get("Target", "") for _, element in iterparse(parts)}  # noqa: S314
    target = targets[chosen.get(RELATION)]
    return target.lstrip("/") if target.startswith("/") else f"xl/{re.sub(r'^[.]/', '', target)}"
