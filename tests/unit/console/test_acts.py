"""Every command on a case is offered and has a form, and every form fits the body that the API takes."""

import importlib
from collections.abc import Mapping
from functools import cache
from typing import Any

import pytest

from services.console.forms.catalogue import ACTS, BY_NAME, RESEND

ON_A_CASE = "/cases/{case_id}/"
SERVICES = ("intake", "routing", "supervision")
WITHOUT_A_FORM = {("intake", "identity"), ("intake", "attachments")}
"""Read for a purpose, in a part of the page that is its own; sent as soon as it is chosen."""


@cache
def bodies() -> Mapping[tuple[str, str], dict[str, Any]]:
    """(service, name of the command) → the schema of its body, as the service's own page describes it."""
    found = {}
    for service in SERVICES:
        document = importlib.import_module(f"services.{service}.main").app.openapi()
        for path, methods in document["paths"].items():
            if path.startswith(ON_A_CASE) and "post" in methods:
                found[service, path.removeprefix(ON_A_CASE)] = body_of(document, methods["post"])
    return found


def body_of(document: dict[str, Any], operation: dict[str, Any]) -> dict[str, Any]:
    if "requestBody" not in operation:
        return {}
    content = operation["requestBody"]["content"]
    if "multipart/form-data" in content:
        return {}
    schema = content["application/json"]["schema"]
    named = [one.get("$ref", "") for one in (schema, *schema.get("anyOf", ()))]
    name = next((ref for ref in named if ref), "").rpartition("/")[2]
    return dict(document["components"]["schemas"][name]) if name else {}


def test_every_command_on_a_case_has_a_form_and_every_form_a_command() -> None:
    acts = {(act.service, act.name) for act in ACTS if act is not RESEND}

    assert acts | WITHOUT_A_FORM == set(bodies())
    assert not acts & WITHOUT_A_FORM


def test_every_command_on_a_case_is_offered_to_whom_it_is_allowed() -> None:
    """To whom and when is held to `decide` in each service's own tests."""
    rooms = {service: importlib.import_module(f"services.{service}.domain.allowed_actions") for service in SERVICES}
    offers = {(service, action) for service, room in rooms.items() for action in room.MAY}

    assert offers | WITHOUT_A_FORM == set(bodies())


@pytest.mark.parametrize("name", [name for name, act in BY_NAME.items() if act is not RESEND])
def test_a_form_asks_for_what_the_body_must_have_and_for_nothing_else(name: str) -> None:
    act = BY_NAME[name]
    body = bodies()[act.service, name]

    asked = {field.name.partition(".")[0] for field in act.fields}
    assert asked <= set(body.get("properties", ()))
    assert set(body.get("required", ())) <= asked
