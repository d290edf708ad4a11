"""The headers that callers may send, read by hand (libs/tuned/openapi_headers.py tells them)."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import AwareDatetime, BeforeValidator, Field, TypeAdapter, ValidationError

DATED = re.compile(r"\d{4}-\d\d-\d\d")


def _as_text(said: object) -> object:
    """A number is no instant, whatever it might count."""
    if isinstance(said, bool | int | float) or (isinstance(said, str) and not DATED.match(said)):
        raise ValueError("an instant begins with a date")
    return said


FIRST, LAST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
Instant = Annotated[AwareDatetime, BeforeValidator(_as_text), Field(ge=FIRST, lt=LAST)]
"""An instant that a caller states, in any offset, with which arithmetic cannot overflow."""
INSTANT: TypeAdapter[datetime] = TypeAdapter(Instant)
LONGEST_KEY = 200


def _header(name: str, said: str, *, required: bool = False, **schema: Any) -> dict[str, Any]:
    shape = {"type": "string", **schema, "title": name}
    return {"name": name.lower(), "in": "header", "required": required, "description": said, "schema": shape}


OF_PERSON = (
    _header("Xunban-Appointment", "以哪个岗位办理 / in which of his posts the caller acts"),
    _header("Xunban-Now", "业务时间, 仅手动时钟 / business time; with a manual clock only", format="date-time"),
)
OF_KEY = (
    _header(
        "Idempotency-Key",
        "同一键只办一次 / carried out once per key",
        required=True,
        minLength=1,
        maxLength=LONGEST_KEY,
    ),
)
OF_CALL = (
    *OF_KEY,
    _header("If-Match", "所见版本 (ETag) / the version that was seen"),
    _header("traceparent", "W3C Trace Context", maxLength=100),
)


def instant(request: Request, name: str) -> datetime | None:
    """The instant in a header; raises `RequestValidationError`."""
    said = request.headers.get(name)
    try:
        return None if said is None else INSTANT.validate_python(said)
    except ValidationError as error:
        raise RequestValidationError([{**one, "loc": ("header", name)} for one in error.errors()]) from error


def key(request: Request) -> str | None:
    """The Idempotency-Key; raises `RequestValidationError` where it is too long."""
    said = request.headers.get("idempotency-key")
    if said and len(said) > LONGEST_KEY:
        raise RequestValidationError([{"loc": ("header", "idempotency-key"), "type": "string_too_long"}])
    return said
