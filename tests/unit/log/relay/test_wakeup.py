"""When an API rings for its workers, and what becomes of it where there is no database."""

from __future__ import annotations

from typing import Any

import pytest

from libs.log.relay import wakeup
from libs.log.relay.wakeup import Wakeup


class Tower:
    """A pool that counts what it is asked to carry."""

    def __init__(self, trouble: Exception | None = None) -> None:
        self.rung = 0
        self.trouble = trouble

    async def execute(self, _: str) -> None:
        self.rung += 1
        if self.trouble:
            raise self.trouble


async def test_of_several_commands_at_once_the_first_rings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wakeup, "monotonic", lambda: 100.0)
    tower: Any = Tower()
    of_an_api = Wakeup(tower)
    for _ in range(3):
        await of_an_api.notify()
    assert tower.rung == 1


async def test_a_later_command_rings_again(monkeypatch: pytest.MonkeyPatch) -> None:
    tower: Any = Tower()
    of_an_api = Wakeup(tower)
    for instant in (100.0, 100.0 + wakeup.QUIET_SECONDS):
        monkeypatch.setattr(wakeup, "monotonic", lambda instant=instant: instant)
        await of_an_api.notify()
    assert tower.rung == 2


async def test_a_command_that_was_answered_is_not_troubled_by_a_database_that_has_gone_since() -> None:
    tower: Any = Tower(ConnectionResetError())
    await Wakeup(tower).notify()
    assert tower.rung == 1
