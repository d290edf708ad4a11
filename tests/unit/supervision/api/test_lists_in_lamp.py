"""A list that is asked for one lamp looks for the clocks that show it."""

from datetime import datetime
from types import SimpleNamespace

import pytest

from libs.case.lamp import lamp
from services.supervision.api.clock_query import IN_LAMP
from tests.unit.directory.town import local

YELLOW = local("2026-11-06 10:40")
DUE = local("2026-11-10 00:00")
LONG_RED = local("2026-11-17 00:00")


@pytest.mark.parametrize(
    "at",
    [
        local("2026-11-06 10:39"),
        YELLOW,
        local("2026-11-09 12:00"),
        DUE,
        local("2026-11-10 00:01"),
        LONG_RED,
        local("2026-11-17 00:01"),
    ],
)
def test_a_list_looks_for_the_lamp_that_its_clocks_show(at: datetime) -> None:
    turns = {"due_at": DUE, "yellow_at": YELLOW, "long_red_at": LONG_RED}
    clock = {"c": SimpleNamespace(**turns), "at": at}
    found = [name for name, text in IN_LAMP.items() if eval(text.format(at="at"), {}, clock)]  # noqa: S307 - our own text
    assert found == [lamp(at, **turns)]
