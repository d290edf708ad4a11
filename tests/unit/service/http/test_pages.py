"""Page cursors and positions as callers hand them back. No server."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.service.http.cases import CursorMalformed, decode_cursor, encode_cursor
from libs.service.http.freshness import PositionMalformed, parse_position

CASE = "0191f2a0-0000-7000-8000-000000000001"


@given(st.integers(-(2**53), 2**53), st.text(st.characters(exclude_categories=["Cs"])))
def test_a_cursor_comes_back_as_the_sort_key_it_was_made_of(number: int, text: str) -> None:
    assert decode_cursor(encode_cursor(number, text, CASE), int, str, UUID) == [number, text, UUID(CASE)]


def test_the_first_page_has_no_cursor() -> None:
    assert decode_cursor(None, UUID) is None


@given(st.text(max_size=60))
def test_whatever_else_comes_is_refused_and_never_an_accident(cursor: str) -> None:
    with pytest.raises(CursorMalformed):
        decode_cursor(cursor, UUID, int)


@pytest.mark.parametrize("key", [(), (CASE,), (CASE, "x"), ("x", 1), (None, 1), ([CASE], 1), (CASE, 1, 2)], ids=str)
def test_a_cursor_of_another_list_is_refused(key: tuple[object, ...]) -> None:
    with pytest.raises(CursorMalformed):
        decode_cursor(encode_cursor(*key), UUID, int)


def test_a_position_names_source_lane_and_number() -> None:
    assert parse_position("supervision.63.12345678901234567") == ("/xunban/supervision", 63, 12345678901234567)


@pytest.mark.parametrize(
    "position",
    [
        *("", "intake", "intake.", "intake.1", "intake.1.", "intake..1", "intake.-1.1", "intake.1.-1", "intake.1.1.1"),
        *("intake.1.1e3", "intake. 1.1", "intake.1000.1", "intake.1.1234567890123456789", "intake.1.١", "intake.²2.1"),
    ],
)
def test_a_position_that_no_command_answered_is_refused(position: str) -> None:
    with pytest.raises(PositionMalformed):
        parse_position(position)
