"""What an API says of itself beyond what FastAPI reads from its endpoints: who may call it, and every problem."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute
from pydantic import TypeAdapter

from libs.service.http import headers, problems
from libs.service.http.dependencies import get_call, get_key, get_person
from libs.service.http.shapes import Problem
from libs.tuned.openapi_headers import tell

BEARER = {
    "type": "http",
    "scheme": "bearer",
    "bearerFormat": "JWT",
    "description": "人员或系统的令牌 / the token of a person or a machine",
}
SECONDS = {"description": "秒 / seconds", "required": True, "schema": {"type": "string", "pattern": "^[0-9]+$"}}
TEXT = {"required": True, "schema": {"type": "string"}}
OF_STATUS: Mapping[int, Mapping[str, Any]] = {
    401: {"WWW-Authenticate": TEXT},
    405: {"Allow": TEXT},
    429: {"Retry-After": SECONDS},
    503: {"Retry-After": SECONDS},
}
"""Headers that come with a problem."""
SCHEMAS = "#/components/schemas/"
IGNORED = {"accept", "authorization", "content-type"}
"""Headers that are no parameters: media types and the security scheme say them (OpenAPI 3.1, Parameter Object)."""


class DescribedAPI(FastAPI):
    """An app whose OpenAPI document is whole."""

    def openapi(self) -> dict[str, Any]:
        """The document; made once."""
        if self.openapi_schema is None:
            self.openapi_schema = completed(super().openapi())
        return self.openapi_schema


def operation_id(route: APIRoute) -> str:
    """From method and path alone: `post_cases_case_id_dispatch`."""
    method = next(iter(route.methods or ()))
    return "_".join(re.findall(r"\w+", f"{method.lower()}{route.path}"))


def describe(routers: Iterable[APIRouter]) -> None:
    """Have every operation say who may call it, which headers are read by hand, and how it may be refused."""
    tell(routers, _told_of)


def _told_of(route: APIRoute, depends: Collection[Callable[..., Any]]) -> dict[str, Any]:
    parameters = [
        one
        for call, some in {get_person: headers.OF_PERSON, get_call: headers.OF_CALL, get_key: headers.OF_KEY}.items()
        if call in depends
        for one in some
    ]
    told: dict[str, Any] = {"parameters": parameters, "responses": {str(one): {} for one in _refusals(route, depends)}}
    return told | ({"security": [{"bearer": []}]} if get_person in depends else {})


def _refusals(route: APIRoute, depends: Collection[Callable[..., Any]]) -> list[int]:
    """Statuses that follow from what an endpoint reads; what its rules refuse stands at the endpoint."""
    known = {401: get_person in depends, 403: get_person in depends, 404: "{" in route.path, 405: True}
    body = "POST" in (route.methods or ())
    known |= {408: body, 413: body, 422: True, 503: route.path != "/healthz"}
    return [status for status, may in known.items() if may]


def completed(document: dict[str, Any]) -> dict[str, Any]:
    """FastAPI's document with the problems, the security scheme, and parameters that are sent or not, never null."""
    components = document.setdefault("components", {})
    components["securitySchemes"] = {"bearer": BEARER}
    used: set[int] = set()
    for operation in (one for path in document["paths"].values() for one in path.values()):
        operation["parameters"] = [
            _sent(one) for one in operation.get("parameters", []) if one["name"] not in IGNORED or one["in"] != "header"
        ]
        for status in operation["responses"]:
            if int(status) >= 400:
                used.add(int(status))
                operation["responses"][status] = {"$ref": f"#/components/responses/Problem{status}"}
    components["responses"] = {f"Problem{status}": _problem(status) for status in sorted(used)}
    problem = TypeAdapter(Problem).json_schema(ref_template=SCHEMAS + "{model}", mode="serialization")
    parts = problem.pop("$defs")
    components["schemas"] = {**components.get("schemas", {}), **parts, "Problem": problem}
    return document


def _problem(status: int) -> dict[str, Any]:
    told: dict[str, Any] = {
        "description": " / ".join(problems.TITLES[status]),
        "content": {"application/problem+json": {"schema": {"$ref": SCHEMAS + "Problem"}}},
    }
    return told | ({"headers": OF_STATUS[status]} if status in OF_STATUS else {})


def _sent(parameter: dict[str, Any]) -> dict[str, Any]:
    schema = dict(parameter["schema"])
    kinds = [one for one in schema.get("anyOf", ()) if one != {"type": "null"}]
    if len(kinds) == 1:
        del schema["anyOf"]
        schema |= kinds[0]
    return {**parameter, "schema": schema}
