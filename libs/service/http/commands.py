"""The endpoint of a command, made from its body: one command on one case, and its answer."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from libs.events.decider import Actor
from libs.events.lanes import lane_of
from libs.log.store.event_store import Connection
from libs.log.write.command import CommandContext
from libs.service.http.answers import answer
from libs.service.http.cases import Body, CaseRef, MinPosition, carry_out
from libs.service.http.dependencies import CommandDep, RuntimeDep
from libs.service.http.freshness import as_of, wait_for_position
from libs.service.http.shapes import Done, told
from libs.service.runtime import Runtime

OF_CASE = "/cases/{case_id}/"
Build = Callable[[datetime, Actor], object]
"""(business time, who acts) → the command."""


class CommandBody(Body):
    """A request body that knows its command."""

    @abstractmethod
    def command(self, at: datetime, by: Actor) -> object:
        """What is decided on."""


def post_command(
    router: APIRouter, path: str, said: type[CommandBody] | Build, *, summary: str, complete: Sequence[str] = ()
) -> None:
    """`POST` to a path below `/cases/{case_id}/` carries out one command on the case.

    `said` is the class of the body, or, where the caller has nothing to say, the command itself. `complete` is for a
    final power: `Stale` while the read model is not complete enough over these sources (architecture.md §6).
    """

    async def carried(
        running: Runtime, case_id: str, call: CommandContext, build: Build, position: str | None
    ) -> JSONResponse:
        if position:
            # Not known here yet is not unknown: whoever names what he has seen waits until it has come.
            await wait_for_position(running, position)
            call = replace(call, prefetched=None)
        check = partial(_check_complete, running, complete, case_id) if complete else None
        outcome = await carry_out(running, case_id, call, lambda at: build(at, call.actor), check=check)
        return answer(outcome)

    async def with_body(
        case_id: CaseRef, body: CommandBody, running: RuntimeDep, call: CommandDep, min_position: MinPosition = None
    ) -> JSONResponse:
        return await carried(running, case_id, call, body.command, min_position)

    async def without_body(
        case_id: CaseRef, running: RuntimeDep, call: CommandDep, min_position: MinPosition = None
    ) -> JSONResponse:
        return await carried(running, case_id, call, said, min_position)

    if isinstance(said, type) and issubclass(said, CommandBody):
        # FastAPI reads from here what is sent; a variable is no type to a type checker.
        with_body.__annotations__["body"] = said
        endpoint: Callable[..., object] = with_body
    else:
        endpoint = without_body
    name = path.removeprefix(OF_CASE).translate(str.maketrans("/-", "__"))
    answers = told(Done, may=(409,))
    router.add_api_route(path, endpoint, methods=["POST"], summary=summary, name=name, responses=answers)


async def _check_complete(running: Runtime, sources: Sequence[str], case_id: str, conn: Connection) -> None:
    await as_of(conn, sources, running.settings.stale_after_seconds, lane_of(case_id))
