"""Trouble with one case is told and waits; what is under way for others goes on."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from libs.events.errors import StreamConflict, Unavailable, UnknownEvent
from services.notify.channels.channel import FileChannel
from services.notify.channels.configured import lines_of
from services.notify.jobs.sender import Sender


@pytest.mark.parametrize(
    "why", [UnknownEvent("notify.message-due.v9"), StreamConflict(), Unavailable(), KeyError("mistake")]
)
async def test_a_case_that_cannot_be_worked_on_now_ends_no_channel(tmp_path: Any, why: Exception) -> None:
    async def worked_on() -> None:
        raise why

    running: Any = SimpleNamespace()
    (line,) = lines_of({"file": FileChannel(tmp_path)})

    assert not await Sender(running, line)._carried_out(asyncio.Semaphore(1), worked_on())
