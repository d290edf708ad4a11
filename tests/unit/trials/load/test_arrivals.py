"""What becomes of a command under load; the servers are not here, their answers are."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

import orjson

from cli.load import spark
from trials.load.acts import LIFE, PEOPLE, body_of
from trials.load.arrivals import Crowd
from trials.load.web import Answer

DONE = Answer(201, {}, orjson.dumps({"case_id": "c-1", "events": ["e-1", "e-2"]}))
BUSY = Answer(503, {"retry-after": "0"}, b"{}")
NOT_YET = Answer(404, {}, b'{"code": "E-NOT-FOUND"}')


@dataclass
class Desk:
    """A service that answers what it is told to, and remembers the keys it was asked under."""

    answers: list[Answer]
    keys: list[str] = field(default_factory=list)

    async def post(self, _path: str, _token: str, _body: Any, key: str) -> Answer:
        self.keys.append(key)
        return self.answers.pop(0)

    async def get(self, _path: str, _token: str) -> Answer:
        return Answer(200, {}, b"{}")


def crowd(desk: Desk) -> Crowd:
    services: Any = dict.fromkeys(("intake", "routing", "supervision"), desk)
    return Crowd(services, dict.fromkeys(PEOPLE, "token"))


async def test_an_answered_command_is_remembered_and_its_case_waits_for_the_next_step() -> None:
    town = crowd(Desk([DONE]))
    tally = await town.come(rate=1000, seconds=0.001)
    assert town.acknowledged == {"e-1": "c-1", "e-2": "c-1"}
    assert [(one.case, one.step) for one in town.waiting[1]] == [("c-1", 1)]
    assert tally.fates == {"done": 1}


async def test_a_command_that_was_refused_for_the_load_comes_again_under_its_own_key() -> None:
    desk = Desk([BUSY, DONE])
    town = crowd(desk)
    tally = await town.come(rate=20, seconds=0.1)
    assert desk.keys[0] == desk.keys[1]
    assert tally.fates == {"busy 503": 1, "done": 1}


async def test_a_step_that_the_next_service_has_not_heard_of_is_decided_anew() -> None:
    desk = Desk([DONE, NOT_YET])
    town = crowd(desk)
    await town.come(rate=1000, seconds=0.001)
    ready = town.waiting[1].pop()
    await town._act(ready, asyncio.get_running_loop().time())
    (again,) = town.waiting[1]
    assert again.key != ready.key
    assert town.tally.fates["not yet heard of"] == 1


async def test_every_fifth_arrival_asks_for_a_list() -> None:
    town = crowd(Desk([DONE] * 4))
    tally = await town.come(rate=1000, seconds=0.005)
    assert tally.fates == {"done": 4, "read": 1}


async def test_waiting_counts_from_the_instant_that_somebody_meant_to_come() -> None:
    town = crowd(Desk([DONE]))
    await town._act(town._take(), asyncio.get_running_loop().time() - 60)
    assert town.tally.milliseconds("appeal", 50) >= 60_000


def test_a_case_lives_through_eight_commands_and_two_photos_and_no_two_appeals_say_the_same() -> None:
    assert [act.name for act in LIFE if act.is_photo] == ["photo of the work", "photo on the spot"]
    assert [act.name for act in LIFE if not act.is_photo] == [
        "appeal",
        "register",
        "dispatch",
        "accept",
        "feedback",
        "review",
        "verify",
        "close",
    ]
    assert body_of(LIFE[0], 1) != body_of(LIFE[0], 2)


def test_a_curve_fits_in_one_line() -> None:
    assert spark([0, 1, 2, 8]) == " ▁▂█"
    assert len(spark([float(value) for value in range(1000)])) == 59
