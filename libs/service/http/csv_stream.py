"""CSV of any list, streamed from a server-side cursor in constant memory. What a list holds is its own business."""

from __future__ import annotations

import asyncio
import csv
import io
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from fastapi import Depends, Header, Query
from fastapi.responses import StreamingResponse
from starlette.types import Send

from libs.log.store.event_store import Pool
from libs.service.http.dependencies import Person
from libs.service.http.freshness import AsOf

ROWS_AT_ONCE = 250
BOM = "\ufeff"
"""Without it Excel reads UTF-8 as the code page of the machine."""
FORMULA = ("=", "+", "-", "@", "\t", "\r")
PATIENCE = "set local statement_timeout = '60s'; set local idle_in_transaction_session_timeout = '60s'"
"""A client may take its time; who stops reading for a minute is cut off."""

_side_by_side = asyncio.Semaphore(2)
"""Each stream holds a connection as long as its client reads; the others stay free for people."""


async def wants_csv(
    form: Annotated[
        Literal["json", "csv"] | None,
        Query(alias="format", description="csv: 整份列表, 不分页 / the whole list, not paged"),
    ] = None,
    accept: Annotated[str, Header()] = "",
) -> bool:
    """`format=csv`, or `Accept: text/csv` where no format is named."""
    return form == "csv" or (form is None and "text/csv" in accept)


AsCsv = Annotated[bool, Depends(wants_csv)]


@dataclass(frozen=True)
class Column:
    """One column: where its value stands in an item (`last_step.type`), and its Chinese heading."""

    name: str
    zh: str

    def value(self, item: Mapping[str, Any]) -> Any:
        """The value of an item; a missing part is empty."""
        found: Any = item
        for part in self.name.split("."):
            found = found.get(part) if found else None
        return found


@dataclass(frozen=True)
class Wanted:
    """What a CSV is made of: a statement with its values, and how a row of it becomes an item of the list."""

    statement: str
    values: Sequence[Any]
    item: Callable[[Any], Mapping[str, Any]]


class CsvAnswer(StreamingResponse):
    """Gives the cursor back also where the client goes away."""

    async def stream_response(self, send: Send) -> None:
        """Send what the cursor yields."""
        async with aclosing(self.body_iterator):  # type: ignore[type-var]
            await super().stream_response(send)


def csv_answer(
    pool: Pool, name: str, columns: Sequence[Column], wanted: Wanted, *, person: Person, fresh: AsOf
) -> CsvAnswer:
    """All rows of a statement as a CSV file; instants in the town's civil time. Nothing is read before it is sent."""
    zone = ZoneInfo(person.directory.rulebook.clock.tz)
    headers = {"Content-Disposition": f'attachment; filename="{name}.csv"', "Xunban-As-Of": fresh.at.isoformat()}
    return CsvAnswer(_parts(pool, columns, wanted, zone), media_type="text/csv; charset=utf-8", headers=headers)


async def _parts(pool: Pool, columns: Sequence[Column], wanted: Wanted, zone: ZoneInfo) -> AsyncIterator[bytes]:
    yield (BOM + lines([[f"{column.zh} {column.name}" for column in columns]])).encode()
    async with _side_by_side, pool.acquire() as conn, conn.transaction(readonly=True):
        await conn.execute(PATIENCE)
        cursor = await conn.cursor(wanted.statement, *wanted.values)
        while rows := await cursor.fetch(ROWS_AT_ONCE):
            items = [wanted.item(row) for row in rows]
            yield lines([[cell(column.value(item), zone) for column in columns] for item in items]).encode()


def lines(rows: Sequence[Sequence[Any]]) -> str:
    """RFC 4180."""
    out = io.StringIO()
    csv.writer(out).writerows(rows)
    return out.getvalue()


def cell(value: Any, zone: ZoneInfo) -> Any:
    """One value as a spreadsheet shows it; a text that it would take for a formula is quoted with an apostrophe."""
    match value:
        case bool():
            return "是" if value else "否"
        case datetime():
            return value.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S")
        case str():
            return f"'{value}" if value.startswith(FORMULA) else value
        case list() | tuple():
            return cell("、".join(str(part) for part in value), zone)
        case _:
            return value
