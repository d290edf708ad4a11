"""Which cells of a sheet are merged, read from its part of the workbook.

Why: openpyxl reads a sheet either as a stream, without its merged cells, or whole, in fifty times its size of memory; a
stranger's workbook is read as a stream. It earns the values of merged cells in every row at the price of one more pass.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from xml.etree.ElementTree import iterparse

from openpyxl.utils import range_boundaries

MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


def merged_cells(sheet: Any, most: int) -> Iterator[tuple[int, int, int, int]]:
    """First column, first row, last column, last row of each block, from 1; no more than `most` are looked at."""
    found, rows = 0, None
    with sheet._get_source() as source:
        for event, element in iterparse(source, ("start", "end")):  # noqa: S314
            if event == "start":
                rows = element if element.tag == f"{MAIN}sheetData" else rows
            elif element.tag == f"{MAIN}row" and rows is not None:
                rows.clear()  # Nothing is kept of what was passed.
            elif element.tag == f"{MAIN}mergeCell" and found < most:
                found += 1
                left, top, right, bottom = range_boundaries(element.attrib["ref"])
                if left and top and right and bottom:
                    yield left, top, right, bottom
