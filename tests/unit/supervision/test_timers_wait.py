"""A lane whose cases hold an event of a newer release waits; it does not end the worker, and so all other lanes."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import pytest

from libs.events.errors import UnknownEvent
from services.supervision import timers
from tests.unit.directory.calendars import china
from tests.unit.directory.town import TOWN


@asynccontextmanager
async def nowhere() -> AsyncIterator[None]:
    yield None


async def test_a_case_that_knows_more_than_this_code_keeps_only_its_own_lane_waiting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def newer(*_: object) -> None:
        raise UnknownEvent("supervision.deadline-set.v9")

    monkeypatch.setattr(timers, "load", newer)
    running: Any = SimpleNamespace(pool=SimpleNamespace(acquire=nowhere))

    assert not await timers.Look(running, TOWN.latest).lane(7, china("2026-11-09 09:00"), ["case"])
