"""Lists as CSV: what a spreadsheet is given to see."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from libs.service.http.csv_stream import Column, cell, lines, wants_csv

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
