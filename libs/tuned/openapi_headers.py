"""What is read by hand, told in OpenAPI all the same; walks FastAPI's tree of dependencies.

Why: FastAPI's own way to declare a header, or who is calling, validates it in every request. It earns a tenth of a
request (`make bench`, row `intake`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any

from fastapi import APIRouter
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute


def tell(
    routers: Iterable[APIRouter], about: Callable[[APIRoute, Collection[Callable[..., Any]]], Mapping[str, Any]]
) -> None:
    """Add to every operation what `about` says of it, given everything that it depends on."""
    for route in (route for router in routers for route in router.routes if isinstance(route, APIRoute)):
        told = about(route, set(_dependencies(route.dependant)))
        route.openapi_extra = {**(route.openapi_extra or {}), **told}


def _dependencies(dependant: Dependant) -> Iterator[Any]:
    for one in dependant.dependencies:
        yield one.call
        yield from _dependencies(one)
