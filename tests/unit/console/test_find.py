"""Where the field for a number leads: to a case, or to the one of a receipt, however either was typed."""

from typing import Any

import pytest

from services.console.screens.case import find

SCREEN: Any = None


@pytest.mark.parametrize(
    ("typed", "leads_to"),
    [
        ("2780-0730-2859-8455", "/cases?receipt=2780-0730-2859-8455"),
        ("２７８０－０７３０—２８５９　８４５５", "/cases?receipt=2780-0730-2859+8455"),
        ("2780073028598455", "/cases?receipt=2780073028598455"),
        (" 0191F2A0-0000-7000-8000-00000000FFFF ", "/cases/0191f2a0-0000-7000-8000-00000000ffff"),
        ("", "/"),
    ],
)
async def test_a_number_is_found_however_it_was_typed(typed: str, leads_to: str) -> None:
    answer = await find(SCREEN, typed)
    assert answer.headers["location"] == leads_to
