"""Compares what the services answer with what their OpenAPI documents say, member by member."""

from __future__ import annotations

import importlib
import re
from collections import defaultdict
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

import httpx
import schemathesis
from schemathesis.checks import load_all_checks, not_a_server_error
from schemathesis.core.result import Err, Ok
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

Operation = APIOperation[Any, Any, Any, Any]
SERVICES = ("intake", "routing", "supervision", "notify")
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


def checks_of(status: int) -> list[Any]:
    """All of them; 503 is told and asks to come again, as a busy machine does: alone it is no error of the server."""
    return [one for one in CHECKS if status != 503 or one is not not_a_server_error]


def closed(part: Any) -> Any:
    """The same schemas without room for members that they do not name: what is answered and not told is a fault."""
    if isinstance(part, list):
        return [closed(one) for one in part]
    if not isinstance(part, dict):
        return part
    inner = {name: closed(one) for name, one in part.items()}
    is_object = inner.get("type") == "object" and isinstance(inner.get("properties"), dict)
    return {"additionalProperties": False, **inner} if is_object else inner


@dataclass
class Documents:
    """The documents of the four services, and which operations have answered how."""

    apis: Mapping[str, str]
    """Service → base URL."""
    known: dict[str, list[Operation]] = field(init=False)
    answered: dict[tuple[str, str], set[int]] = field(default_factory=lambda: defaultdict(set))

    def __post_init__(self) -> None:
        load_all_checks()
        self.known = {name: operations_of(name) for name in SERVICES}

    def operations(self, service: str) -> list[Operation]:
        """Every operation of a service."""
        return self.known[service]

    def compare(self, answer: httpx.Response) -> None:
        """Raises where an answer is not as its document says; what no document knows passes."""
        service = next((name for name, url in self.apis.items() if str(answer.url).startswith(url + "/")), None)
        if service is None:
            return
        for operation in self.operations(service):
            named = named_in(operation.path, answer.url.path)
            if operation.method.upper() == answer.request.method and named is not None:
                operation.Case(path_parameters=named).validate_response(answer, checks=checks_of(answer.status_code))
                self.answered[service, operation.label].add(answer.status_code)
                return


def strict_document(service: str) -> dict[str, Any]:
    """A service's document whose answers hold nothing else."""
    document: dict[str, Any] = deepcopy(importlib.import_module(f"services.{service}.main").app.openapi())
    schemas, bodies = document["components"]["schemas"], bodies_of(document)
    document["components"]["schemas"] = {name: one if name in bodies else closed(one) for name, one in schemas.items()}
    return document


def bodies_of(document: Mapping[str, Any]) -> set[str]:
    """Names of the schemas of requests; they say themselves what they refuse."""
    found = str([one.get("requestBody") for path in document["paths"].values() for one in path.values()])
    return set(re.findall(r"schemas/(\w+)", found))


def operations_of(service: str) -> list[Operation]:
    """Every operation of a service's document; raises what is wrong with the document itself."""
    schema = schemathesis.openapi.from_dict(strict_document(service))
    found = list(schema.get_all_operations())
    wrong = [one.err() for one in found if isinstance(one, Err)]
    if wrong:
        raise ExceptionGroup(service, wrong)
    return [one.ok() for one in found if isinstance(one, Ok)]


def named_in(template: str, path: str) -> dict[str, str] | None:
    """The path parameters of a path; None where it is none of the template's."""
    found = re.fullmatch(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", template), path)
    return found.groupdict() if found else None
