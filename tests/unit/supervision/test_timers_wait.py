"""A lane with a case that this code cannot judge waits; it does not end the worker, and so all other lanes."""

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


@pytest.mark.parametrize("why", [UnknownEvent("supervision.deadline-set.v9"), KeyError("mistake")])
async def test_a_case_that_this_code_cannot_judge_keeps_only_its_own_lane_waiting(
    monkeypatch: pytest.MonkeyPatch, why: Exception
) -> None:
    async def not_judged(*_: object) -> None:
        raise why

    monkeypatch.setattr(recording, "load", not_judged)
    running: Any = SimpleNamespace(pool=SimpleNamespace(acquire=nowhere))

    assert not await recording.carry_out(running, [{"lane": 7, "case_id": "case"}], lambda *_: [])
