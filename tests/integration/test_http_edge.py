"""The edge of the APIs: a problem document for everything wrong, nothing stored, nothing echoed. Real processes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
import pytest_asyncio
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey

from deploy.directory_apply import apply_directory
from deploy.embedded.instance import ROOT
from deploy.embedded.stack import Stack
from deploy.timeline import Timeline
from deploy.town import PHOTO, civil, place
from libs.events.ids import new_id
from tests.integration.edge import LEAK, Edge, assert_problem

APPEAL: dict[str, Any] = {"channel": "phone", "kind": "help", "content": LEAK, "place": {"grid": "G03"}}
REPORT: dict[str, Any] = {
    "kind": "city_management",
    "class_code": "road-damage",
    "content": LEAK,
    "place": place("G03"),
    "photos": [PHOTO],
}
SOMEBODY = "0191f2a0-0000-7000-8000-00000000ffff"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def edge(stack: Stack) -> Edge:
    """Intake's API with the demo town's directory."""
    async with Timeline.of(stack) as line:
        await line.advance(civil("2026-11-02 08:00"))
        await apply_directory(line, ROOT / "examples" / "town")
        await line.settle()
    return Edge(stack)


@pytest_asyncio.fixture(loop_scope="session")
async def untouched(edge: Edge) -> AsyncIterator[Edge]:
    """Whatever the test sends, no event is stored."""
    before = await edge.events()
    yield edge
    assert await edge.events() == before


async def appealed(edge: Edge, **fields: Any) -> dict[str, Any]:
    answer = await edge.send("POST", "/appeals", json={**APPEAL, **fields})
    assert answer.status_code == 201, answer.text
    document: dict[str, Any] = answer.json()
    return document


# Bodies --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 422),
        (b'{"content": "' + LEAK.encode(), 422),
        (b'{"content": ' + LEAK.encode() + b"}", 422),
        (b"\xff\xfe" + LEAK.encode(), 400),
        (b"null", 422),
        (json.dumps([APPEAL]).encode(), 422),
        (json.dumps(LEAK).encode(), 422),
        (b"[" * 100_000, 400),
        (b'{"place": {"longitude": 1' + b"0" * 5000 + b"}}", 400),
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
        {"reporter_phone": LEAK * 4},
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


# Who is calling ------------------------------------------------------------------------------------------------------


def forged(edge: Edge) -> Iterator[tuple[str, str]]:
    """Tokens that nobody of ours has signed, or not for this, or not for now."""
    keys = edge.stack.dir / "keys"
    ours = ECKey.import_key(json.loads((keys / "signing.json").read_text()))
    public = (keys / "jwks.json").read_bytes()
    good = {"iss": "xunban", "sub": "zhou-min", "kind": "person", "iat": 1, "exp": 4_000_000_000}
    stranger = ECKey.generate_key("P-256", private=True)
    yield "expired", jwt.encode({"alg": "ES256", "kid": ours.kid}, {**good, "exp": 1_700_000_000}, ours)
    yield "never expires", jwt.encode({"alg": "ES256", "kid": ours.kid}, {"iss": "xunban", "sub": "zhou-min"}, ours)
    yield "another issuer", jwt.encode({"alg": "ES256", "kid": ours.kid}, {**good, "iss": LEAK}, ours)
    yield "nobody", jwt.encode({"alg": "ES256", "kid": ours.kid}, {**good, "sub": ""}, ours)
    yield "a stranger's key", jwt.encode({"alg": "ES256", "kid": ours.kid}, good, stranger)
    yield "an unknown key", jwt.encode({"alg": "ES256", "kid": LEAK}, good, stranger)
    yield "the public key as a secret", jwt.encode({"alg": "HS256"}, good, OctKey.import_key(public))
    header, body, signature = jwt.encode({"alg": "ES256", "kid": ours.kid}, good, ours).split(".")
    yield "cut", f"{header}.{body}"
    yield "another signature", f"{header}.{body}.{signature[:-4]}AAAA"
    yield "unsigned", f"eyJhbGciOiJub25lIn0.{body}."
    yield "no token at all", LEAK
    yield "empty parts", ".."


async def test_a_token_that_cannot_be_trusted(untouched: Edge) -> None:
    for name, token in forged(untouched):
        answer = await untouched.send("POST", "/appeals", json=APPEAL, headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == 401, name
        assert_problem(answer, 401, "E-TOKEN")
        assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("header", ["", LEAK, f"Basic {LEAK}", "Bearer"])
async def test_a_request_without_a_token(untouched: Edge, header: str) -> None:
    answer = await untouched.send("POST", "/appeals", json=APPEAL, person=None, headers={"Authorization": header})
    assert_problem(answer, 401, "E-TOKEN")


async def test_a_person_who_holds_no_appointment(untouched: Edge) -> None:
    assert_problem(await untouched.send("POST", "/appeals", json=APPEAL, person=LEAK), 403, "E-ROLE")


async def test_an_appointment_that_is_not_ones_own(untouched: Edge) -> None:
    answer = await untouched.send("POST", "/appeals", json=APPEAL, headers={"Xunban-Appointment": LEAK})
    assert_problem(answer, 422, "E-APPOINTMENT")


async def test_a_power_that_the_appointment_does_not_hold(untouched: Edge) -> None:
    document = assert_problem(
        await untouched.send("POST", "/grid-reports", json={**REPORT, "class_code": "road-damage"}), 403, "E-ROLE"
    )
    assert document["allowed_actions"] == ["GRID_WORKER"]


async def test_a_case_id_is_chosen_by_importers_only(untouched: Edge) -> None:
    assert_problem(await untouched.send("POST", "/appeals", json={**APPEAL, "case_id": SOMEBODY}), 403)


@pytest.mark.parametrize(
    ("now", "scopes", "status", "code"),
    [
        ("2026-11-02T09:00:00+08:00", (), 403, "E-SCOPE"),
        ("2026-11-02T09:00:00", ("clock",), 422, "E-INPUT"),
        (LEAK, ("clock",), 422, "E-INPUT"),
        ("1970-01-01T00:00:00Z", ("clock",), 422, "E-CLOCK"),
        ("9999-12-31T23:59:59-12:00", ("clock",), 422, "E-INPUT"),
    ],
)
async def test_a_business_time_that_may_not_be_set(
    untouched: Edge, now: str, scopes: tuple[str, ...], status: int, code: str
) -> None:
    answer = await untouched.send("POST", "/appeals", json=APPEAL, scopes=scopes, headers={"Xunban-Now": now})
    assert_problem(answer, status, code)


async def test_the_clock_is_advanced_only_with_its_scope(untouched: Edge) -> None:
    url = untouched.stack.worker_url("intake") + "/clock/advance"
    async with httpx.AsyncClient(trust_env=False) as client:
        nobody = await client.post(url, json={"to": "2026-11-03T00:00:00Z"})
        signed = {"Authorization": f"Bearer {untouched.token()}"}
        somebody = await client.post(url, json={"to": "2026-11-03T00:00:00Z"}, headers=signed)
        garbled = await client.post(url, json={"to": LEAK}, headers=signed)
    assert_problem(nobody, 401, "E-TOKEN")
    assert_problem(somebody, 403, "E-SCOPE")
    assert_problem(garbled, 422, "E-INPUT")


# Keys and versions ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("key", "code"), [("", "E-IDEM-MISSING"), (LEAK * 20, "E-INPUT")])
async def test_a_key_that_is_missing_or_too_long(untouched: Edge, key: str, code: str) -> None:
    answer = await untouched.send("POST", "/appeals", json=APPEAL, headers={"Idempotency-Key": key})
    assert_problem(answer, 422, code)


async def test_a_repeated_key_gets_the_first_answer_and_for_another_body_none(edge: Edge) -> None:
    key = {"Idempotency-Key": new_id()}
    first = await edge.send("POST", "/appeals", json=APPEAL, headers=key)
    before = await edge.events()
    again = await edge.send("POST", "/appeals", json=APPEAL, headers=key)
    other = await edge.send("POST", "/appeals", json={**APPEAL, "kind": "complaint"}, headers=key)
    assert (first.status_code, again.status_code, first.content) == (201, 201, again.content)
    assert_problem(other, 422, "E-IDEM")
    assert await edge.events() == before


async def test_many_requests_at_once_with_one_key_are_one(edge: Edge) -> None:
    key, before = {"Idempotency-Key": new_id()}, await edge.events()
    answers = await asyncio.gather(*(edge.send("POST", "/appeals", json=APPEAL, headers=key) for _ in range(8)))
    assert {answer.content for answer in answers} == {answers[0].content}
    assert answers[0].status_code == 201
    assert await edge.events() == before + 1


@pytest.mark.parametrize("etag", ['"0."', '"99.x"', LEAK, 'W/"1"'])
async def test_a_version_that_is_not_the_cases(edge: Edge, etag: str) -> None:
    case = (await appealed(edge))["case_id"]
    before = await edge.events()
    body = {"class_code": "road-damage", "urgency": "U3"}
    answer = await edge.send("POST", f"/cases/{case}/register", json=body, headers={"If-Match": etag})
    assert_problem(answer, 409, "E-VERSION")
    assert await edge.events() == before


async def test_the_version_that_was_read_is_accepted_once(edge: Edge) -> None:
    made = await appealed(edge, kind="complaint")
    case = made["case_id"]
    read = await edge.send("GET", f"/cases/{case}", params={"min_position": made["position"]})
    version = {"If-Match": read.headers["etag"]}
    body = {"class_code": "sewer-odour", "urgency": "U3"}
    first = await edge.send("POST", f"/cases/{case}/register", json=body, headers=version)
    second = await edge.send("POST", f"/cases/{case}/void", json={"reason": LEAK}, headers=version)
    assert first.status_code == 200, first.text
    assert_problem(second, 409, "E-VERSION")


# Paths and queries ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", f"/{LEAK}", 404),
        ("DELETE", "/appeals", 405),
        ("GET", f"/cases/{LEAK}", 422),
        ("GET", f"/cases/{SOMEBODY}", 404),
        ("GET", f"/cases/{SOMEBODY.upper()}", 422),
        ("GET", "/cases/%00", 422),
        ("GET", "/cases?limit=0", 422),
        ("GET", f"/cases?limit={LEAK}", 422),
        ("GET", f"/cases?cursor={LEAK}", 422),
        ("GET", "/cases?cursor=WzFd", 422),
        ("GET", "/cases?cursor=WyJ4Il0", 422),
        ("GET", "/cases?cursor=W251bGxd", 422),
        ("GET", "/cases?cursor=%00", 422),
        ("GET", f"/cases?min_position={LEAK}", 422),
        ("GET", "/cases?min_position=intake.999.1", 422),
        ("GET", "/cases?min_position=intake%00.1.1", 422),
        ("GET", "/cases?min_position=intake.1.%D9%A1", 422),
        ("GET", f"/cases?state={LEAK}{LEAK}", 422),
        ("GET", "/cases?state=%00", 422),
        ("POST", f"/cases/{SOMEBODY}/void", 404),
    ],
)
async def test_a_request_that_leads_nowhere(untouched: Edge, method: str, path: str, status: int) -> None:
    assert_problem(await untouched.send(method, path, json={"reason": LEAK}), status)


async def test_a_case_that_the_caller_may_not_see_is_as_unknown_as_one_that_is_not_there(edge: Edge) -> None:
    made = await appealed(edge, place={"grid": "G04"})
    applied = {"min_position": made["position"]}
    there = await edge.send("GET", f"/cases/{made['case_id']}", person="li-fang", params=applied)
    not_there = await edge.send("GET", f"/cases/{SOMEBODY}", person="li-fang", params=applied)
    assert assert_problem(there, 404) == assert_problem(not_there, 404)


# Every service -------------------------------------------------------------------------------------------------------


async def operations(edge: Edge) -> list[tuple[str, str]]:
    """Method and path of everything that a service offers, its path parameters filled in with ids of nobody."""
    document = (await edge.send("GET", "/openapi.json")).json()
    return [
        (method.upper(), path.replace("{case_id}", SOMEBODY).replace("{", "").replace("}", ""))
        for path, offered in document["paths"].items()
        for method in offered
        if path not in ("/healthz", "/readyz")
    ]


@pytest.mark.parametrize("service", ["intake", "routing", "supervision", "notify"])
async def test_no_operation_of_any_service_answers_without_a_token(edge: Edge, service: str) -> None:
    there = Edge(edge.stack, service)
    for method, path in await operations(there):
        answer = await there.send(method, path, person=None, json={})
        assert answer.status_code in (401, 422), (method, path, answer.text)
        assert_problem(answer, answer.status_code)


@pytest.mark.parametrize("service", ["intake", "routing", "supervision", "notify"])
@pytest.mark.parametrize("content", [b'{"' + LEAK.encode(), b'{"' + LEAK.encode() + b'": "\\u0000"}', b"[]"], ids=str)
async def test_every_command_of_every_service_refuses_what_it_does_not_know(
    edge: Edge, service: str, content: bytes
) -> None:
    there = Edge(edge.stack, service)
    before = await there.events()
    for method, path in await operations(there):
        if method == "POST":
            answer = await there.send(method, path, content=content)
            assert answer.status_code in (400, 403, 404, 415, 422), (path, answer.text)
            assert_problem(answer, answer.status_code)
    assert await there.events() == before


@pytest.mark.parametrize("service", ["intake", "routing", "supervision", "notify"])
async def test_every_list_of_every_service_refuses_a_query_that_it_cannot_answer(edge: Edge, service: str) -> None:
    there = Edge(edge.stack, service)
    document = (await there.send("GET", "/openapi.json")).json()
    for path, offered in document["paths"].items():
        if "get" not in offered or path in ("/healthz", "/readyz"):
            continue
        filled = path.replace("{case_id}", SOMEBODY).replace("{", "").replace("}", "")
        for parameter in offered["get"].get("parameters", []):
            if parameter["in"] != "query":
                continue
            for value in ("\x00", LEAK * 30, "WzFd", "-1"):
                answer = await there.send("GET", filled, params={parameter["name"]: value})
                assert answer.status_code < 500, (path, parameter["name"], value, answer.text)
                if answer.is_error:
                    assert_problem(answer, answer.status_code)
