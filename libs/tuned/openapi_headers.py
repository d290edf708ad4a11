"""Headers that are read by hand, told in OpenAPI all the same; walks FastAPI's tree of dependencies.

Why: FastAPI's own way to declare a header validates each of them in every request. It earns a tenth of a request
(`make bench`, row `intake`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from fastapi import APIRouter
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute


def tell(routers: Iterable[APIRouter], headers: Mapping[Callable[..., Any], Iterable[dict[str, Any]]]) -> None:
    """Have every operation that depends on one of these say in OpenAPI which headers it reads."""
    for route in (route for router in routers for route in router.routes if isinstance(route, APIRoute)):
        depended = set(_dependencies(route.dependant))
        told = [one for call, some in headers.items() if call in depended for one in some]
        route.openapi_extra = {**(route.openapi_extra or {}), "parameters": told}


def _dependencies(dependant: Dependant) -> Iterator[Any]:
    for one in dependant.dependencies:
        yield one.call
        yield from _dependencies(one)
