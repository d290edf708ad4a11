"""The headers that callers may send, read by hand (libs/tuned/openapi_headers.py tells them)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import AwareDatetime, Field, TypeAdapter, ValidationError

Instant = Annotated[AwareDatetime, Field(ge=datetime(1970, 1, 1, tzinfo=UTC), lt=datetime(2200, 1, 1, tzinfo=UTC))]
"""An instant that a caller states, in any offset, with which arithmetic cannot overflow."""
INSTANT: TypeAdapter[datetime] = TypeAdapter(Instant)
LONGEST_KEY = 200


def _header(name: str, **schema: Any) -> dict[str, Any]:
    shape = {"anyOf": [{"type": "string", **schema}, {"type": "null"}], "title": name}
    return {"name": name.lower(), "in": "header", "required": False, "schema": shape}


OF_PERSON = (_header("Authorization"), _header("Xunban-Appointment"), _header("Xunban-Now", format="date-time"))
OF_CALL = (
    _header("Idempotency-Key", maxLength=LONGEST_KEY),
    _header("If-Match"),
    _header("traceparent", maxLength=100),
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
