"""One run of an import: rows side by side, a tally, and the file of what could not be sent. Knows no terminal."""

from __future__ import annotations

import asyncio
import csv
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TextIO

from importing.cells import RowUnusable
from importing.delivery import (
    Sender,
    came_in,
    deliver,
    done_before,
    reason,
)
from importing.entries import Entry
from importing.mapping import Mapping
from importing.orders import Rows, gathered, order_of
from importing.rows import LINE, REASON, Row

AT_ONCE = 100
"""Cases in a request."""


@dataclass
class Tally:
    """What became of the rows."""

    imported: int = 0
    already: int = 0
    refused: int = 0
    orders: int = 0
    """Of how many orders the imported rows tell."""
    kept: Counter[str] = field(default_factory=Counter)
    """Facts that no command here carries yet, and that stay in the events: name → how many."""

    @property
    def rows(self) -> int:
        """All that were looked at."""
        return self.imported + self.already + self.refused


@dataclass
class ErrorFile:
    """`FILE.errors.csv`: the original columns, line and reason; can be corrected and imported like the file itself.

    UTF-8 with a mark that says so: reasons are Chinese, and whatever opens it shows them. Written beside its name and
    put there at the end, so an interrupted run leaves the last whole one.
    """

    path: Path
    columns: Sequence[str]
    delimiter: str
    _out: TextIO | None = None

    def add(self, row: Row, reason: str) -> None:
        """One row that could not be sent."""
        if self._out is None:
            self._out = self._draft.open("w", encoding="utf-8-sig", newline="")
            csv.writer(self._out, delimiter=self.delimiter).writerow([*self.columns, LINE, REASON])
        cells = (row.values.get(name, "") for name in self.columns)
        csv.writer(self._out, delimiter=self.delimiter).writerow([*cells, row.line, reason])

    def finish(self) -> None:
        """Put the file in its place; without an error there is none."""
        if self._out is None:
            self.path.unlink(missing_ok=True)
            return
        self._out.close()
        self._draft.replace(self.path)

    @property
    def _draft(self) -> Path:
        return self.path.with_name(f"{self.path.name}.draft")


@dataclass
class Run:
    """Rows are taken one by one by as many hands as may work side by side; nobody reads ahead of them."""

    mapping: Mapping
    sender: Sender
    errors: ErrorFile
    classes: frozenset[str] | None = None
    """Codes of the catalogue in force; None where nobody could be asked."""
    progress: Callable[[Tally], None] = lambda _: None
    tally: Tally = field(default_factory=Tally)
    _lines: dict[str, int] = field(default_factory=dict)

    async def take(self, rows: Iterable[Row]) -> Tally:
        """Send every row; raises `ImportStopped` where no more can be sent."""
        started = await self.sender.now()
        ready = self._ready(rows)
        async with asyncio.TaskGroup() as hands:
            for _ in range(self.sender.parallel):
                hands.create_task(self._hand(ready, started))
        self.errors.finish()
        return self.tally

    def _ready(self, rows: Iterable[Row]) -> Iterator[tuple[Rows, Entry]]:
        """What can be sent; the rest is refused here, so that no case is half there."""
        for some in gathered(rows, self.mapping):
            try:
                yield some, self._entry(some)
            except RowUnusable as why:
                self._refuse(some, str(why))

    async def _hand(self, ready: Iterator[tuple[Rows, Entry]], started: float) -> None:
        while batch := list(islice(ready, AT_ONCE)):
            answers = await deliver([entry for _, entry in batch], self.sender.post)
            for (rows, entry), answer in zip(batch, answers, strict=True):
                if not came_in(answer):
                    self._refuse(rows, reason(answer))
                elif done_before(answer, started):
                    self.tally.already += len(rows)
                else:
                    self.tally.imported += len(rows)
                    self.tally.orders += 1
                    self.tally.kept += entry.kept
            self.progress(self.tally)

    def _refuse(self, rows: Rows, why: str) -> None:
        for row in rows:
            self.errors.add(row, why)
        self.tally.refused += len(rows)

    def _entry(self, rows: Rows) -> Entry:
        """The entry of an order; raises `RowUnusable` where it is known beforehand that intake would refuse it."""
        entry = order_of(rows, self.mapping)
        first = self._lines.setdefault(entry.external_id, entry.line)
        if first != entry.line:
            raise RowUnusable(f"编号与第 {first} 行相同 / the same external id as line {first}")
        code = entry.registration and entry.registration["class_code"]
        if code and self.classes is not None and code not in self.classes:
            raise RowUnusable("事项不在目录中 / the class of matter is not in the catalogue")
        return entry
