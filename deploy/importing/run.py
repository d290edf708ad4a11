"""One run of an import: rows side by side, a tally, and the file of what could not be sent. Knows no terminal."""

from __future__ import annotations

import asyncio
import csv
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

from deploy.importing.delivery import Sender, deliver, done_before
from deploy.importing.entries import Entry, RowUnusable, entry_of
from deploy.importing.mapping import Mapping
from deploy.importing.rows import LINE, REASON, Row


@dataclass
class Tally:
    """What became of the rows."""

    imported: int = 0
    already: int = 0
    refused: int = 0

    @property
    def rows(self) -> int:
        """All that were looked at."""
        return self.imported + self.already + self.refused


@dataclass
class ErrorFile:
    """`FILE.errors.csv`: the original columns, line and reason; can be corrected and imported like the file itself.

    Written beside its name and put there at the end, so an interrupted run leaves the last whole one.
    """

    path: Path
    columns: Sequence[str]
    encoding: str
    delimiter: str
    _out: TextIO | None = None

    def add(self, row: Row, reason: str) -> None:
        """One row that could not be sent."""
        if self._out is None:
            self._out = self._draft.open("w", encoding=self.encoding, newline="")
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
        shared = iter(rows)
        async with asyncio.TaskGroup() as hands:
            for _ in range(self.sender.parallel):
                hands.create_task(self._hand(shared, started))
        self.errors.finish()
        return self.tally

    async def _hand(self, rows: Iterator[Row], started: float) -> None:
        for row in rows:
            try:
                answer = await deliver(self._entry(row), self.sender.post)
            except RowUnusable as why:
                self.errors.add(row, str(why))
                self.tally.refused += 1
            else:
                before = done_before(answer, started)
                self.tally.already += before
                self.tally.imported += not before
            self.progress(self.tally)

    def _entry(self, row: Row) -> Entry:
        """The entry of a row; what can be known before it is sent is refused before, so no case is half there."""
        entry = entry_of(row, self.mapping)
        first = self._lines.setdefault(entry.external_id, row.line)
        if first != row.line:
            raise RowUnusable(f"编号与第 {first} 行相同 / the same external id as line {first}")
        code = entry.registration and entry.registration["class_code"]
        if code and self.classes is not None and code not in self.classes:
            raise RowUnusable("事项不在目录中 / the class of matter is not in the catalogue")
        return entry
