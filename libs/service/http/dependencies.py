"""What every request brings along: the runtime, who is calling, and what stands around a command."""

from __future__ import annotations

import hmac
import re
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Annotated

import orjson
from fastapi import Depends, Request
from fastapi.exceptions import RequestValidationError

from libs.directory.facts.view import View
from libs.events.decider import Actor
from libs.events.errors import Forbidden, Malformed
from libs.events.ids import PersonId
from libs.log.write.command import CommandContext
from libs.log.write.idempotency import IdempotencyKey
from libs.log.write.prefetch import Prefetched
from libs.service.callers import actor
from libs.service.http import headers, problems
from libs.service.runtime import Runtime


class NoIdempotencyKey(Malformed):
    """Every POST carries an Idempotency-Key."""

    code = "E-IDEM-MISSING"
    zh = "请求头缺少 Idempotency-Key"
    en = "the header Idempotency-Key is missing"


class ClockNotYours(Forbidden):
    """Xunban-Now was given without the scope `clock`."""

    code = "E-SCOPE"
    zh = "没有设定业务时间的权限"
    en = "the token lacks the scope `clock`"


class ClockNotSettable(Malformed):
    """Xunban-Now was given to a log that runs in real time, or lies before the log's clock."""

    code = "E-CLOCK"
    zh = "Xunban-Now 只能用于手动时钟, 且不得早于当前业务时间"
    en = "Xunban-Now needs a manual log and must not lie before its clock"


NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
"""The escape of U+0000; the same letters behind an escaped backslash are a text about it."""


@dataclass(frozen=True)
class Person:
    """Who calls, in which appointment, at which business time, seen by which directory."""

    actor: Actor
    directory: View
    now: datetime
    given: datetime | None
    prefetched: Prefetched | None = field(default=None, compare=False)
    """What was seen in the same round trip: for a command all that its decision needs."""


async def get_runtime(request: Request) -> Runtime:
    """The process's runtime."""
    running: Runtime = request.app.state.runtime
    return running


RuntimeDep = Annotated[Runtime, Depends(get_runtime)]


async def get_person(request: Request, running: RuntimeDep) -> Person:
    """The caller; raises `TokenInvalid`, `NoAppointment`, `AppointmentUnclear` or a refusal of `Xunban-Now`."""
    xunban_now = headers.instant(request, "xunban-now")
    caller = running.tokens.caller(request.headers.get("authorization"))
    async with running.pool.acquire() as conn:
        directory, seen = await running.prefetch(conn, PersonId(caller.subject), *_asked(request))
    now = seen.now
    if xunban_now is not None:
        if not running.manual or xunban_now < now:
            raise ClockNotSettable()
        if "clock" not in caller.scopes:
            raise ClockNotYours()
        now = xunban_now
    acting = actor(directory, caller, request.headers.get("xunban-appointment"), now)
    return Person(acting, directory, now, xunban_now, seen)


def _asked(request: Request) -> tuple[str | None, str | None]:
    """Case and Idempotency-Key that a command names; neither where it is none."""
    key = request.headers.get("idempotency-key") if request.method == "POST" else None
    case_id = str(request.path_params.get("case_id", ""))
    return (case_id if key and problems.CASE_ID.fullmatch(case_id) else None), key


CallerDep = Annotated[Person, Depends(get_person)]


def refuse_nul(body: bytes) -> None:
    """Raise `RequestValidationError` where a text holds U+0000, naming its place: no database of ours can store it.

    Once in the log it would halt every read model that writes it to a column.
    """
    if NUL.search(body) is None:
        return
    try:
        where = _nul_in(orjson.loads(body))
    except ValueError:
        return  # Unreadable for another reason, which its reader tells.
    raise RequestValidationError([{"type": "nul", "loc": ("body", *where)}])


def _nul_in(said: object) -> tuple[str | int, ...]:
    """Where in a document the first such text stands."""
    ahead: list[tuple[tuple[str | int, ...], object]] = [((), said)]
    while ahead:
        where, value = ahead.pop()
        if isinstance(value, str) and "\0" in value:
            return where
        if isinstance(value, dict):
            ahead += [((*where, name), inner) for name, inner in value.items() if "\0" not in name]
        elif isinstance(value, list):
            ahead += [((*where, place), inner) for place, inner in enumerate(value)]
    return ()


async def get_key(request: Request) -> str:
    """The Idempotency-Key; raises `NoIdempotencyKey`, or `RequestValidationError` where it is too long."""
    key = headers.key(request)
    if not key:
        raise NoIdempotencyKey()
    return key


async def get_call(request: Request, running: RuntimeDep, person: CallerDep) -> CommandContext:
    """What stands around a command; raises what `get_key` or `refuse_nul` does."""
    key = await get_key(request)
    # A picture may hold these six letters.
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        refuse_nul(await request.body())
    what = f"{request.method}|{request.scope['path']}|{person.given}|{person.actor.appointment}|"
    said = what.encode() + await request.body()
    digest = hmac.new(running.idempotency_key, said, sha256).digest()
    once = IdempotencyKey(person.actor.person, key, digest)
    if_match, traceparent = request.headers.get("if-match"), request.headers.get("traceparent")
    return CommandContext(person.actor, once, person.given, if_match, traceparent, person.prefetched)


CommandDep = Annotated[CommandContext, Depends(get_call)]
