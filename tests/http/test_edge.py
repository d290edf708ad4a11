"""The edge of the APIs: a problem document for everything wrong, nothing stored, nothing echoed; without bodies."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey

from libs.events.ids import new_id
from libs.service.clock import real_now
from tests.integration.http_edge import APPEAL, LEAK, REPORT, SOMEBODY, Edge, appealed, assert_problem

# Who is calling ------------------------------------------------------------------------------------------------------


def forged(edge: Edge) -> Iterator[tuple[str, str]]:
    """Tokens that nobody of ours has signed, or not for this, or not for now."""
    keys = edge.stack.dir / "keys"
    ours = ECKey.import_key(json.loads((keys / "signing.json").read_text()))
    public = (keys / "jwks.json").read_bytes()
    soon = int(real_now().timestamp()) + 3600
    good = {"iss": "xunban", "sub": "zhou-min", "kind": "person", "iat": 1, "exp": soon, "aud": "xunban"}
    stranger = ECKey.generate_key("P-256", private=True)
    yield "expired", jwt.encode({"alg": "ES256", "kid": ours.kid}, {**good, "exp": 1_700_000_000}, ours)
    yield "never expires", jwt.encode({"alg": "ES256", "kid": ours.kid}, {"iss": "xunban", "sub": "zhou-min"}, ours)
    yield "another application", jwt.encode({"alg": "ES256", "kid": ours.kid}, {**good, "aud": "payroll"}, ours)
    yield "a hundred years", jwt.encode({"alg": "ES256", "kid": ours.kid}, {**good, "exp": soon + 10**9 * 3}, ours)
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


async def test_a_service_s_own_version_is_moved_by_its_own_acts_alone(edge: Edge) -> None:
    """What a form was made from: the acts of other services, and clocks, make it no older."""
    made = await appealed(edge, kind="complaint")
    case = made["case_id"]
    read = await edge.send("GET", f"/cases/{case}", params={"min_position": made["position"]})
    seen = read.json()["version"]
    body, version = {"class_code": "sewer-odour", "urgency": "U3"}, {"If-Match": f'"{seen}"'}
    first = await edge.send("POST", f"/cases/{case}/register", json=body, headers=version)
    assert (first.status_code, first.json()["version"]) == (200, seen + 1)
    assert_problem(
        await edge.send("POST", f"/cases/{case}/void", json={"reason": "误录"}, headers=version), 409, "E-VERSION"
    )


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


async def test_a_position_that_was_never_given_is_refused_and_nobody_waits_for_it(untouched: Edge) -> None:
    refused = await untouched.send("GET", "/cases", params={"min_position": "intake.5.999999999"})
    assert_problem(refused, 422, "E-POSITION")


async def test_who_waits_for_what_does_not_come_keeps_nobody_from_a_list(untouched: Edge) -> None:
    """More of them than there are connections to the database."""
    ahead = {"min_position": "routing.5.999999999"}
    waiting = [asyncio.create_task(untouched.send("GET", "/cases", params=ahead)) for _ in range(24)]
    await asyncio.sleep(0.5)
    served = await untouched.send("GET", "/cases")
    assert served.status_code == 200
    assert not any(one.done() for one in waiting), "they are still waiting"
    for answer in await asyncio.gather(*waiting):
        assert_problem(answer, 503, "stale")


async def test_a_case_that_is_not_known_yet_is_not_unknown(edge: Edge) -> None:
    routing, path = Edge(edge.stack, "routing"), f"/cases/{SOMEBODY}/accept"
    assert_problem(await routing.send("POST", path, person="fang-yun"), 404, "E-NOT-FOUND")
    ahead = {"min_position": "intake.5.999999999"}
    not_yet = await routing.send("POST", path, person="fang-yun", params=ahead)
    assert_problem(not_yet, 503, "stale")
    assert not_yet.headers["retry-after"]
