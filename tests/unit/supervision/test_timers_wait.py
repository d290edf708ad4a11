"""A lane whose cases hold an event of a newer release waits; it does not end the worker, and so all other lanes."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import pytest

from libs.events.errors import UnknownEvent
from services.supervision import recording


@asynccontextmanager
async def nowhere() -> AsyncIterator[None]:
    yield None


async def test_a_case_that_knows_more_than_this_code_keeps_only_its_own_lane_waiting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def newer(*_: object) -> None:
        raise UnknownEvent("supervision.deadline-set.v9")

    monkeypatch.setattr(recording, "load", newer)
    running: Any = SimpleNamespace(pool=SimpleNamespace(acquire=nowhere))

    assert not await recording.carry_out(running, [{"lane": 7, "case_id": "case"}], lambda *_: [])
