"""Query parameters that no endpoint knows: refused by name, for an unknown filter would be an unfiltered list."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute

from libs.service.http.problems import NAME


async def refuse_unknown(request: Request) -> None:
    """Raises `RequestValidationError` for a query parameter that this endpoint does not have."""
    route = request.scope.get("route")
    if not request.url.query or not isinstance(route, APIRoute):
        return
    known = _known(route)
    unknown = [_refused(name, known) for name in request.query_params if name not in known]
    if unknown:
        raise RequestValidationError(unknown)


def _refused(name: str, known: tuple[str, ...]) -> dict[str, Any]:
    said = (name,) if NAME.fullmatch(name) else ()
    return {"type": "unknown_filter", "loc": ("query", *said), "ctx": {"expected": ", ".join(known)}}


def _known(route: APIRoute) -> tuple[str, ...]:
    return tuple(sorted({field.alias for part in _parts(route.dependant) for field in part.query_params}))


def _parts(dependant: Any) -> Iterator[Any]:
    """What an endpoint depends on, at any distance."""
    yield dependant
    for inner in dependant.dependencies:
        yield from _parts(inner)
