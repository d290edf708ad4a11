"""What the APIs say of themselves: an answer, every refusal, who may call, for each operation of the four services."""

from __future__ import annotations

import importlib
import json
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from pydantic import TypeAdapter, ValidationError

from libs.case.state import Case
from libs.directory.findings import DocumentsRefused, refused
from libs.events.errors import NotFound, Rejected
from libs.service.http.problems import misshapen, problem_document, status_of
from libs.service.http.shapes import Problem
from services.intake.domain.duplicates import MatterUnclear

SERVICES = ("intake", "routing", "supervision", "notify")
OPEN = {"/healthz", "/readyz", "/receipts/status", "/receipts/withdraw", "/receipts/restore"}
"""Asked by whoever watches the process, and by the holder of a receipt with its secret."""
WITHOUT_KEY = {"/receipts/status", "/import"}
"""It only reads; of an import each item's case id is its key."""


@cache
def document_of(service: str) -> dict[str, Any]:
    document: dict[str, Any] = importlib.import_module(f"services.{service}.main").app.openapi()
    return document


def operations() -> Iterator[tuple[str, str, str, dict[str, Any]]]:
    for service in SERVICES:
        for path, methods in document_of(service)["paths"].items():
            for method, operation in methods.items():
                yield service, method, path, operation


EACH = [pytest.param(*one, id=f"{one[0]} {one[1]} {one[2]}") for one in operations()]


@pytest.mark.parametrize(("service", "method", "path", "operation"), EACH)
def test_an_operation_says_what_it_answers(service: str, method: str, path: str, operation: dict[str, Any]) -> None:
    answers = [said for status, said in operation["responses"].items() if status < "400"]
    assert answers
    for said in answers:
        assert said["content"]
        for kind, one in said["content"].items():
            assert one.get("schema") or kind.startswith("image/") or kind == "application/pdf", kind


@pytest.mark.parametrize(("service", "method", "path", "operation"), EACH)
def test_an_operation_says_how_it_is_refused(service: str, method: str, path: str, operation: dict[str, Any]) -> None:
    told = document_of(service)["components"]["responses"]
    refusals = {status: said for status, said in operation["responses"].items() if status >= "400"}
    for status, said in refusals.items():
        content = told[said["$ref"].rpartition("/")[2]]["content"]
        assert content == {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}, status
    assert {"405", "422"} <= set(refusals)
    assert ("503" in refusals) == (path != "/healthz")
    assert {"408", "413"} <= set(refusals) or method == "get"
    assert "404" in refusals or "{" not in path


@pytest.mark.parametrize(("service", "method", "path", "operation"), EACH)
def test_an_operation_says_who_may_call_it(service: str, method: str, path: str, operation: dict[str, Any]) -> None:
    assert operation.get("security", []) == ([] if path in OPEN else [{"bearer": []}])
    assert {"401", "403"} <= set(operation["responses"]) or path in OPEN


@pytest.mark.parametrize(("service", "method", "path", "operation"), EACH)
def test_a_parameter_is_sent_or_not_and_never_null(
    service: str, method: str, path: str, operation: dict[str, Any]
) -> None:
    parameters = {one["name"]: one for one in operation["parameters"]}
    assert not {"accept", "authorization", "content-type"} & set(parameters)
    assert '"null"' not in json.dumps([one["schema"] for one in operation["parameters"]])
    needs_key = method == "post" and path not in WITHOUT_KEY
    assert parameters.get("idempotency-key", {"required": False})["required"] == needs_key
    assert all(one["required"] is (one["in"] == "path") for name, one in parameters.items() if name in OPTIONAL)


OPTIONAL = {"xunban-appointment", "xunban-now", "if-match", "traceparent"}


@pytest.mark.parametrize(("service", "method", "path", "operation"), EACH)
def test_an_operation_is_summed_up_in_both_languages(
    service: str, method: str, path: str, operation: dict[str, Any]
) -> None:
    zh, _, en = operation["summary"].partition(" / ")
    assert re.search("[一-鿿]", zh)
    assert en.isascii()
    assert en


@pytest.mark.parametrize("service", SERVICES)
def test_an_operation_is_named_by_its_method_and_path_alone(service: str) -> None:
    ids = [operation["operationId"] for one, _, _, operation in operations() if one == service]
    assert len(ids) == len(set(ids))
    assert "get_cases_case_id" in ids


@pytest.mark.parametrize("service", SERVICES)
def test_whatever_a_document_points_to_is_in_it(service: str) -> None:
    document = document_of(service)
    for found in set(re.findall(r'"\$ref": "#/components/(\w+)/(\w+)"', json.dumps(document))):
        assert found[1] in document["components"][found[0]], found
    for schema in document["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)
    assert document["openapi"].startswith("3.1")
    assert "servers" not in document


PROBLEMS: list[Rejected] = [
    NotFound(),
    MatterUnclear([Case(case_id="0191f2a0-0000-7000-8000-000000000001", lane=1, kind="help")]),
    DocumentsRefused((refused("E-INPUT", "units.3.level", "取值无效", "not valid"),)),
]


@pytest.mark.parametrize("said", PROBLEMS, ids=lambda one: type(one).__name__)
def test_a_problem_is_told_with_all_its_members(said: Rejected) -> None:
    document = problem_document(status_of(said), said.document())
    TypeAdapter(Problem).validate_python(document)
    assert set(document) <= set(Problem.__annotations__) | Problem.__optional_keys__


def test_a_misshapen_field_is_told_with_all_its_members() -> None:
    with pytest.raises(ValidationError) as told:
        TypeAdapter(Problem).validate_python({"type": "x"})
    document = problem_document(422, misshapen(told.value.errors()))
    TypeAdapter(Problem).validate_python(document)
    assert any("allowed" in one for one in document["errors"])
