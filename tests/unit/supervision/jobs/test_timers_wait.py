"""A case that this code cannot judge waits alone; it does not end the worker, nor keep the others of its lane."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import pytest

from libs.events.errors import NotFound, UnknownEvent
from libs.log.read import waiting
from libs.log.read.waiting import Look
from services.supervision.jobs import append_steps
from services.supervision.jobs.append_steps import Decided, Found, LoadedCase

ROWS = [{"lane": 7, "case_id": "odd"}, {"lane": 7, "case_id": "plain"}]


@asynccontextmanager
async def nowhere(conn: Any = None) -> AsyncIterator[Any]:
    yield conn


RUNNING: Any = SimpleNamespace(pool=SimpleNamespace(acquire=lambda: nowhere(SimpleNamespace(transaction=nowhere))))


@pytest.fixture
def recorded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Case ids, in the order in which they were recorded or made to wait; nothing is read or written."""
    ids: list[str] = []

    async def find(_: object, case_ids: list[str]) -> list[Found]:
        return [Found(case_id, (), None) for case_id in case_ids]

    async def record(_: object, decided: list[Decided]) -> None:
        ids.extend(one.case_id for one in decided)

    async def locked(*_: object) -> None:
        pass

    async def put_look(_: object, case_id: str, look: Look, why: str) -> None:
        ids.append(f"{case_id} waits for {look.name}: {why}")

    monkeypatch.setattr(waiting, "put_look", put_look)
    for name, stands_in in {"find": find, "record": record, "lock_lane": locked, "watched": lambda one: one}.items():
        monkeypatch.setattr(append_steps, name, stands_in)
    return ids


@pytest.mark.parametrize("why", [UnknownEvent("supervision.deadline-set.v9"), KeyError("mistake"), NotFound()])
async def test_a_case_that_this_code_cannot_judge_waits_alone(recorded: list[str], why: Exception) -> None:
    def decide(_: int, one: LoadedCase) -> Decided:
        if one.case_id == "odd":
            raise why
        return Decided(one.case_id, 1, None, None)

    waits, steps = f"odd waits for steps: {type(why).__name__}", Look("steps")
    assert await append_steps.carry_out(RUNNING, ROWS, steps, decide)
    assert recorded == ["plain", waits]
    assert not await append_steps.carry_out(RUNNING, ROWS[:1], steps, decide), (
        "else it would be looked at again at once"
    )
