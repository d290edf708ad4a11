"""What every service does with a case over HTTP: one command, one answer, a page of a list."""

from __future__ import annotations

import base64
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

import orjson
from fastapi import Path, Query
from fastapi.responses import JSONResponse
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from libs.case.access import sight
from libs.case.facts import Facts
from libs.case.state import Case
from libs.events.errors import Malformed, NotFound
from libs.events.text import as_number, trimmed
from libs.log.store.event_store import Connection
from libs.log.write.command import CommandContext, etag
from libs.log.write.idempotency import Outcome
from libs.log.write.prefetch import Prefetched
from libs.service.http.answers import DocumentAnswer
from libs.service.http.dependencies import Person
from libs.service.http.freshness import AsOf, as_of
from libs.service.runtime import Runtime

CASE_ID = r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"
CaseRef = Annotated[str, Path(pattern=CASE_ID, description="案件编号 / case id")]
MinPosition = Annotated[
    str | None, Query(max_length=64, description="至少包含此位置的数据 / an answer that includes this position")
]


Folded = Annotated[str, BeforeValidator(lambda said: as_number(said) if isinstance(said, str) else said)]
"""A number as people type it: full-width digits are digits, every dash is a hyphen."""


def saying(check: Callable[[str], object]) -> AfterValidator:
    """A field whose text `check` reads: what it refuses is said of the field, with its own code and words."""

    def checked(said: str) -> str:
        try:
            check(said)
        except Malformed as why:
            raise PydanticCustomError("refused", "refused", {"refusal": why.document()}) from why
        return said

    return AfterValidator(checked)


class Body(BaseModel):
    """Request bodies refuse what they do not know; what nobody could see was not said.

    Texts come without what cannot be seen at their ends. Nothing left is as if the field had not been sent where it may
    be missing, and too short where it may not.
    """

    model_config = ConfigDict(extra="forbid")

    @field_validator("*", mode="before")
    @classmethod
    def _seen(cls, value: object, info: ValidationInfo) -> object:
        if not isinstance(value, str) or info.field_name is None:
            return value
        text, field = trimmed(value), cls.model_fields[info.field_name]
        return text if text or field.is_required() or field.default is not None else None


class CursorMalformed(Malformed):
    """A page cursor that no list of ours has answered."""

    code = "E-CURSOR"
    zh = "cursor 不是本系统返回的分页标记"
    en = "cursor is not one that a list answered"


async def carry_out(
    running: Runtime,
    case_id: str,
    call: CommandContext,
    build: Callable[[datetime], Any],
    *,
    opens: bool = False,
    whole: bool = False,
    check: Callable[[Connection], Awaitable[object]] | None = None,
    note: Mapping[str, Any] | None = None,
) -> Outcome:
    """One command on one case; `build` makes it with the business time of the act.

    `check` may refuse before anything is decided, but never the repetition of a request that was answered already. What
    it writes stands only with what was decided where both are one `whole`.
    """

    async def facts(conn: Connection, seen: Prefetched) -> Facts:
        if check is None:
            return await running.facts_in(conn, seen)
        await check(conn)
        # What was checked may have come true only after that look.
        return await running.facts(conn, case_id)

    return await running.handler.handle(case_id, build, facts, call, opens=opens, whole=whole, note=note)


@dataclass(frozen=True)
class Shown:
    """A case that the caller may see, how fresh it is, and the version that `If-Match` is compared with."""

    case: Case
    fresh: AsOf
    version: int
    """How many events this service itself has recorded of it."""
    tag: str

    def answer(self, more: Mapping[str, Any]) -> JSONResponse:
        """What every service says of a case, and what this one adds."""
        own = {"version": self.version}
        document = case_document(self.case) | own | dict(more) | self.fresh.document()
        return DocumentAnswer(document, headers={"ETag": self.tag})


async def show_case(
    running: Runtime, conn: Connection, person: Person, case_id: str, *, sources: Sequence[str]
) -> Shown:
    """The case; raises `NotFound` where there is none or the caller may not see it, `Stale`."""
    case = await running.case(conn, case_id)
    if case is None or not sight(person.actor, person.directory, person.now).sees(case):
        raise NotFound()
    fresh = await as_of(conn, sources, running.settings.stale_after_seconds, case.lane)
    version = await conn.fetchval("select version from log.stream_head where stream = $1", f"case-{case_id}")
    return Shown(case, fresh, version or 0, etag(version or 0, case))


def case_document(case: Case) -> dict[str, Any]:
    """The case in words that every service shares; nothing personal in it."""
    return {
        "case_id": case.case_id,
        "state": case.state,
        "found": case.found,
        "channel": case.channel,
        "kind": case.kind,
        "class_code": case.class_code,
        "urgency": case.urgency,
        "grid": case.grid,
        "unit": case.unit,
        "handler": case.handler,
        "round": case.round,
        "dual_hat": case.dual_hat,
        "supervision_level": case.supervision_level,
        "close_kind": case.close_kind,
        "received_at": case.received_at,
        "imported_at": case.imported_at,
        "imported_from": case.imported_from,
        "last_event_id": case.last_event_id,
        "last_event_type": case.last_type,
        "last_recorded_at": case.last_recorded_at,
        "erased": list(case.erased),
    }


def encode_cursor(*key: Any) -> str:
    """An opaque page cursor: the sort key of the last row."""
    return base64.urlsafe_b64encode(orjson.dumps(key)).decode().rstrip("=")


def decode_cursor(cursor: str | None, *kinds: Callable[[Any], Any]) -> list[Any] | None:
    """The sort key inside a page cursor, each part read as its kind; None at the start. Raises `CursorMalformed`."""
    if cursor is None:
        return None
    try:
        key = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        return [kind(part) for kind, part in zip(kinds, key, strict=True)]
    except (TypeError, ValueError, AttributeError) as error:
        raise CursorMalformed() from error
