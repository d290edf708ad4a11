"""A text in which nobody would see anything is none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.events.text import folded, is_seen, trimmed


@pytest.mark.parametrize(
    "nothing", ["", " ", "\t\n", "\u3000", "\u200b", "\ufeff", "\u00a0\u2060", "\u3164", "\u2800", "\u0301"]
)
def test_what_cannot_be_seen_is_no_text(nothing: str) -> None:
    assert trimmed(nothing) == ""


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("\u3000路灯不亮\u200b\n", "路灯不亮"),
        ("  第一行\n第二行  ", "第一行\n第二行"),
        ("\ufeff1", "1"),
        ("?", "?"),
        ("a\u0301 ", "a\u0301"),
        ("👨\u200d👩", "👨\u200d👩"),
    ],
)
def test_what_can_be_seen_stays_as_it_was_written(written: str, kept: str) -> None:
    assert trimmed(written) == kept


@given(st.text(max_size=30))
def test_trimming_loses_nothing_that_can_be_seen_and_a_second_time_changes_nothing(text: str) -> None:
    once = trimmed(text)
    assert trimmed(once) == once
    assert [sign for sign in once if is_seen(sign)] == [sign for sign in text if is_seen(sign)]


def test_full_width_digits_are_digits() -> None:
    assert folded("１２３４－５６７８") == "1234-5678"
