"""Lists as CSV: what a spreadsheet is given to see."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from starlette.types import Message

from libs.service.http import csv_stream
from libs.service.http.csv_stream import Column, CsvAnswer, cell, lines, wants_csv

SHANGHAI = ZoneInfo("Asia/Shanghai")


@pytest.mark.parametrize("text", ["=1+1", "+86", "-2", "@SUM(A1)", "\t=1", "\r=1"])
def test_a_text_that_a_spreadsheet_would_calculate_is_quoted(text: str) -> None:
    assert cell(text, SHANGHAI) == f"'{text}"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (-3600, -3600),
        (None, None),
        (True, "是"),
        (False, "否"),
        ("县住建局", "县住建局"),
        (["G03", "G04"], "G03、G04"),
        (datetime.fromisoformat("2026-11-09T16:00:00Z"), "2026-11-10 00:00:00"),
    ],
)
def test_values_are_shown_as_people_read_them(value: Any, shown: Any) -> None:
    assert cell(value, SHANGHAI) == shown


def test_a_column_may_stand_inside_another_member() -> None:
    step = Column("last_step.type", "最近节点")

    assert step.value({"last_step": {"type": "routing.case-dispatched.v1"}}) == "routing.case-dispatched.v1"
    assert step.value({"last_step": None}) is None


def test_commas_quotes_and_line_ends_stay_in_their_cell() -> None:
    assert lines([['说 "好", 然后\n走了', 1, None]]) == '"说 ""好"", 然后\n走了",1,\r\n'


async def test_csv_is_answered_where_it_is_asked_for() -> None:
    assert await wants_csv("csv", "application/json")
    assert await wants_csv(None, "text/csv;q=0.9")
    assert not await wants_csv("json", "text/csv")
    assert not await wants_csv(None, "*/*")


# Turns ---------------------------------------------------------------------------------------------------------------


SCOPE = {"type": "http", "method": "GET", "path": "/cases", "asgi": {"version": "3.0", "spec_version": "2.4"}}


async def rows() -> AsyncIterator[bytes]:
    for _ in range(3):
        yield b"row\r\n"


class Reader:
    """A client who reads one list; he stops in the middle until he is let go on."""

    def __init__(self, caller: str) -> None:
        self.answer = CsvAnswer(rows(), media_type="text/csv")
        self.answer.caller = caller
        self.begun, self.goes_on = asyncio.Event(), asyncio.Event()
        self.got: list[Message] = []

    @property
    def status(self) -> int:
        return int(self.got[0]["status"])

    @property
    def whole(self) -> bool:
        return not self.got[-1].get("more_body", True)

    async def read(self) -> None:
        await self.answer(SCOPE, self.listen, self.take)

    async def listen(self) -> Message:
        await asyncio.Event().wait()
        return {"type": "http.disconnect"}

    async def take(self, message: Message) -> None:
        self.got.append(message)
        self.begun.set()
        if message["type"] == "http.response.body" and self.status == 200:
            await self.goes_on.wait()


@asynccontextmanager
async def reading(*readers: Reader) -> AsyncIterator[list[asyncio.Task[None]]]:
    tasks = []
    for reader in readers:
        tasks.append(asyncio.create_task(reader.read()))
        await reader.begun.wait()
    yield tasks
    for reader in readers:
        reader.goes_on.set()
    await asyncio.gather(*tasks)


@pytest.fixture(autouse=True)
def short_times(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_stream, "WAIT_SECONDS", 0.05)
    monkeypatch.setattr(csv_stream, "STREAM_SECONDS", 0.5)


async def test_whoever_finds_two_slow_readers_is_told_to_come_again_soon() -> None:
    first, second, third = Reader("wu-qian"), Reader("he-jun"), Reader("han-feng")
    async with reading(first, second):
        await third.read()
        assert third.status == 503
        assert (b"retry-after", b"1") in third.got[0]["headers"]
    later = Reader("han-feng")
    later.goes_on.set()
    await later.read()
    assert [(one.status, one.whole) for one in (first, second, later)] == [(200, True)] * 3


async def test_one_caller_has_one_turn_and_leaves_the_other_to_others() -> None:
    slow, again, other = Reader("wu-qian"), Reader("wu-qian"), Reader("he-jun")
    other.goes_on.set()
    async with reading(slow):
        await again.read()
        await other.read()
    assert (again.status, other.status, other.whole) == (503, 200, True)


async def test_a_turn_that_comes_in_time_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_stream, "WAIT_SECONDS", 5)
    first, again = Reader("wu-qian"), Reader("wu-qian")
    again.goes_on.set()
    async with reading(first):
        waiting = asyncio.create_task(again.read())
    await waiting
    assert (again.status, again.whole) == (200, True)


async def test_a_reader_who_takes_too_long_is_cut_off_and_sees_it() -> None:
    slow = Reader("wu-qian")
    await slow.read()
    assert (slow.status, slow.whole) == (200, False)
    assert not csv_stream.TURNS.callers
