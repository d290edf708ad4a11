"""Bodies at the edge of the APIs: a problem document for everything wrong, nothing stored, nothing echoed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from libs.events.ids import new_id
from tests.integration.http_edge import APPEAL, LEAK, REPORT, Edge, appealed, assert_problem


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 422),
        (b'{"content": "' + LEAK.encode(), 422),
        (b'{"content": ' + LEAK.encode() + b"}", 422),
        (b"\xff\xfe" + LEAK.encode(), 422),
        (b"null", 422),
        (json.dumps([APPEAL]).encode(), 422),
        (json.dumps(LEAK).encode(), 422),
        (b"[" * 100_000, 422),
        (b'{"place": {"longitude": 1' + b"0" * 5000 + b"}}", 422),
        (json.dumps({**APPEAL, "place": {"longitude": float("nan"), "latitude": 1}}).encode(), 422),
    ],
    ids=["empty", "cut", "unquoted", "not-utf-8", "null", "list", "string", "deep", "huge-number", "nan"],
)
async def test_a_body_that_cannot_be_read(untouched: Edge, body: bytes, status: int) -> None:
    assert_problem(await untouched.send("POST", "/appeals", content=body), status)


@pytest.mark.parametrize(
    "changed",
    [
        {"channel": LEAK},
        {"kind": LEAK},
        {"kind": 7},
        {"content": ""},
        {"content": LEAK * 300},
        {"content": None},
        {"content": {LEAK: LEAK}},
        {"content": f"{LEAK}\x00"},
        {"content": f"{LEAK}\ud800"},
        {"external_id": f"{LEAK}\x00"},
        {"place": LEAK},
        {"place": {"grid": "G" * 33}},
        {"place": {"grid": "G03", "address": LEAK * 30}},
        {"place": {"longitude": 1_800_000_001, "latitude": 0}},
        {"place": {"longitude": 1.5, "latitude": 0}},
        {"upstream_due_at": "2026-11-09T09:00:00"},
        {"upstream_due_at": LEAK},
        {"upstream_due_at": "9999-12-31T23:59:59-12:00"},
        {"upstream_due_at": "0001-01-01T00:00:00+14:00"},
        {"found_by": f"{LEAK}"},
        {"reporter_phone": f"{LEAK}0"},
        {"reporter_phone": LEAK * 9},
        {"case_id": LEAK},
        {LEAK: 1},
        {f"{LEAK} 张三": 1},
        {"place": {"grid": "G03", LEAK: {}}},
    ],
    ids=str,
)
async def test_a_field_that_is_not_as_it_must_be(untouched: Edge, changed: dict[str, Any]) -> None:
    body = json.dumps({**APPEAL, **changed}).encode("utf-8", "surrogatepass")
    document = assert_problem(await untouched.send("POST", "/appeals", content=body), 422)
    assert "张三" not in str(document)


async def test_a_field_that_is_missing_is_named(untouched: Edge) -> None:
    body = {name: value for name, value in APPEAL.items() if name != "channel"}
    document = assert_problem(await untouched.send("POST", "/appeals", json=body), 422, "E-INPUT")
    assert document["errors"] == [{"at": "body.channel", "error": "missing"}]


async def test_a_value_that_is_none_of_those_allowed_is_told_which_are(untouched: Edge) -> None:
    document = assert_problem(
        await untouched.send("POST", "/appeals", json={**APPEAL, "channel": LEAK}), 422, "E-INPUT"
    )
    (error,) = document["errors"]
    assert (error["at"], error["error"]) == ("body.channel", "literal_error")
    assert "'phone'" in error["allowed"]["expected"]
    assert LEAK not in str(document)


async def test_an_unknown_field_is_refused_without_its_name(untouched: Edge) -> None:
    document = assert_problem(await untouched.send("POST", "/appeals", json={**APPEAL, LEAK: 1}), 422, "E-INPUT")
    assert document["errors"] == [{"at": "body", "error": "extra_forbidden"}]


@pytest.mark.parametrize(
    "where", [{"grid": "G99"}, {}, {"longitude": 0, "latitude": 0}, {"longitude": 1_193_050_000}], ids=str
)
async def test_a_place_outside_every_grid(untouched: Edge, where: dict[str, Any]) -> None:
    assert_problem(await untouched.send("POST", "/appeals", json={**APPEAL, "place": where}), 422, "E-PLACE")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"class_code": LEAK, "urgency": "U3"}, "E-CLASS"),
        ({"class_code": "road-damage\x00", "urgency": "U3"}, "E-INPUT"),
        ({"class_code": "road-damage", "urgency": "U5"}, "E-INPUT"),
        ({"class_code": "road-damage", "urgency": "U3", "filing_condition": LEAK}, "E-CLASS"),
        ({"class_code": "road-damage", "urgency": "U3", "kind": "gossip"}, "E-INPUT"),
    ],
    ids=str,
)
async def test_registering_with_a_code_that_does_not_exist(edge: Edge, body: dict[str, Any], code: str) -> None:
    case = (await appealed(edge))["case_id"]
    before = await edge.events()
    assert_problem(await edge.send("POST", f"/cases/{case}/register", json=body), 422, code)
    assert await edge.events() == before


async def test_a_report_of_a_class_that_does_not_exist(untouched: Edge) -> None:
    body = {**REPORT, "class_code": LEAK}
    assert_problem(await untouched.send("POST", "/grid-reports", person="li-fang", json=body), 422, "E-CLASS")


@pytest.mark.parametrize("size", [262_145, 40_000_000])
async def test_a_body_that_announces_too_much(untouched: Edge, size: int) -> None:
    """The body never comes; the answer does."""
    reader, writer = await asyncio.open_connection("127.0.0.1", untouched.stack.ports.api("intake"))
    writer.write(f"POST /appeals HTTP/1.1\r\nHost: x\r\nContent-Length: {size}\r\n\r\n".encode())
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)
    writer.close()
    assert b" 413 " in head.splitlines()[0]
    assert b"application/problem+json" in head


async def test_a_body_that_is_too_large(untouched: Edge) -> None:
    body = {**APPEAL, "content": LEAK * 30_000}
    assert_problem(await untouched.send("POST", "/appeals", json=body), 413, "E-TOO-LARGE")


async def test_a_body_of_unknown_length_that_grows_too_large(untouched: Edge) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(80):
            yield LEAK.encode() * 300

    assert_problem(await untouched.send("POST", "/appeals", content=endless()), 413, "E-TOO-LARGE")


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
async def test_a_body_that_is_not_json(untouched: Edge, kind: str) -> None:
    answer = await untouched.send("POST", "/appeals", content=json.dumps(APPEAL), headers={"Content-Type": kind})
    assert_problem(answer, 422)


async def test_an_item_that_cannot_be_written_down_keeps_none_of_the_others_out(edge: Edge) -> None:
    deep: Any = "x"
    for _ in range(300):
        deep = [deep]
    hostile = (
        {"content": "\ud800"},
        {"content": 2**70},
        {"content": deep},
        {"content": "x\x00"},
        {"content": "\u3000"},
    )
    items = [{"appeal": {**APPEAL, "case_id": new_id(), **changed}} for changed in ({}, *hostile, {})]
    answer = await edge.send("POST", "/import", scopes=("import",), content=json.dumps({"items": items}))
    assert answer.status_code == 200, answer.text
    assert [one["status"] for one in answer.json()["items"]] == [200, *[422] * len(hostile), 200]
    assert LEAK not in answer.text
