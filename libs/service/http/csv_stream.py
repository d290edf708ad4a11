"""CSV of any list, streamed from a server-side cursor in constant memory. What a list holds is its own business."""

from __future__ import annotations

import asyncio
import csv
import io
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

import structlog
from fastapi import Depends, Header, Query
from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from libs.events.errors import Unavailable
from libs.log.store.event_store import Pool
from libs.service.http.dependencies import Person
from libs.service.http.freshness import AsOf
from libs.service.http.problems import problem

log = structlog.get_logger()

ROWS_AT_ONCE = 250
BOM = "\ufeff"
"""Without it Excel reads UTF-8 as the code page of the machine."""
FORMULA = ("=", "+", "-", "@", "\t", "\r")
PATIENCE = "set local statement_timeout = '60s'; set local idle_in_transaction_session_timeout = '60s'"
"""A client may take its time; who stops reading for a minute is cut off."""

SIDE_BY_SIDE = 2
WAIT_SECONDS = 3.0
"""Longest wait for a turn; who is told to come again loses nothing."""
STREAM_SECONDS = 120.0
"""Longest time of one file: whoever reads slower would hold a connection of everybody's."""


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


@dataclass
class Turns:
    """Two streams side by side, one of each caller: each holds a connection as long as its client reads."""

    callers: set[str] = field(default_factory=set)
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    @asynccontextmanager
    async def taken(self, caller: str) -> AsyncIterator[None]:
        """Raises `TimeoutError` where it does not come soon."""
        async with asyncio.timeout(WAIT_SECONDS), self.changed:
            await self.changed.wait_for(lambda: len(self.callers) < SIDE_BY_SIDE and caller not in self.callers)
            self.callers.add(caller)
        try:
            yield
        finally:
            self.callers.discard(caller)
            async with self.changed:
                self.changed.notify_all()


TURNS = Turns()


class Busy(Unavailable):
    """Others are being sent whole lists, or this caller is already."""

    code = "E-BUSY"
    zh = "正在导出其他文件, 请稍后重试"
    en = "other lists are being sent; try again soon"


class CsvAnswer(StreamingResponse):
    """Waits for its turn, ends in time, and gives the cursor back also where the client goes away."""

    caller = ""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """503 where no turn comes soon; a file that takes too long breaks off, which its reader sees."""
        try:
            async with TURNS.taken(self.caller):
                await self._sent(scope, receive, send)
        except TimeoutError:
            await problem(503, Busy().document())(scope, receive, send)

    async def _sent(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            async with asyncio.timeout(STREAM_SECONDS):
                await super().__call__(scope, receive, send)
        except TimeoutError:
            log.warning("csv_cut_off", route=getattr(scope.get("route"), "path", "-"))

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
    answer = CsvAnswer(_parts(pool, columns, wanted, zone), media_type="text/csv; charset=utf-8", headers=headers)
    answer.caller = person.actor.person
    return answer


async def _parts(pool: Pool, columns: Sequence[Column], wanted: Wanted, zone: ZoneInfo) -> AsyncIterator[bytes]:
    yield (BOM + lines([[f"{column.zh} {column.name}" for column in columns]])).encode()
    async with pool.acquire() as conn, conn.transaction(readonly=True):
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
