"""The console's guards, before anything is asked of an API."""

import base64

import httpx
import orjson
import pytest

from services.console.main import app
from services.console.session.visitor import NamesKept, subject
from services.console.upstream import Answer, Caller, Sending, SignedOut, Upstream


def visiting() -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://console.example")


@pytest.mark.parametrize("origin", [None, "null", "http://evil.example", "http://console.example.evil.example"])
async def test_a_form_of_another_site_is_not_carried_out(origin: str | None) -> None:
    async with visiting() as client:
        answer = await client.post("/sign-out", headers={"Origin": origin} if origin else {})

    assert answer.status_code == 403


async def test_a_form_of_ours_is_carried_out() -> None:
    async with visiting() as client:
        answer = await client.post("/sign-out", headers={"Origin": "http://console.example"})

    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")


async def test_no_page_runs_foreign_scripts_or_is_kept_or_framed() -> None:
    async with visiting() as client:
        answer = await client.get("/sign-in")

    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'")
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["cache-control"] == "no-store"
    assert [inline for inline in ("<style", " style=", "<script>", " onclick") if inline in answer.text] == []


async def test_whoever_has_not_signed_in_is_asked_to_and_comes_back() -> None:
    async with visiting() as client:
        answer = await client.get("/overdue")

    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in?next=%2Foverdue")


async def test_the_appointment_and_the_key_go_with_the_command_and_the_token_in_its_header() -> None:
    seen: list[httpx.Request] = []

    def answered(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json={"position": "routing.1.2"})

    async with httpx.AsyncClient(transport=httpx.MockTransport(answered)) as client:
        caller = Caller("secret-token", "liu-guilan-clerk")
        await Upstream({"routing": "http://api.example"}, client).post(
            caller, "routing", "/cases/x/accept", {}, Sending("k-1", "3")
        )

    (request,) = seen
    assert "secret-token" not in str(request.url)
    assert request.headers["authorization"] == "Bearer secret-token"
    assert request.headers["xunban-appointment"] == "liu-guilan-clerk"
    assert request.headers["idempotency-key"] == "k-1"
    assert request.headers["if-match"] == '"3"'


async def test_an_api_that_is_away_is_a_problem_in_words_and_a_refused_token_signs_out() -> None:
    def away(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("away", request=request)

    async with httpx.AsyncClient(transport=httpx.MockTransport(away)) as client:
        answer = await Upstream({"intake": "http://api.example"}, client).get(Caller("t"), "intake", "/cases")
    assert (answer.status, answer.document["code"]) == (503, "E-UNREACHABLE")

    refused = httpx.MockTransport(lambda _: httpx.Response(401, json={"code": "E-TOKEN"}))
    async with httpx.AsyncClient(transport=refused) as client:
        with pytest.raises(SignedOut):
            await Upstream({"intake": "http://api.example"}, client).get(Caller("t"), "intake", "/cases")


async def test_a_list_that_has_not_heard_of_ones_own_act_is_shown_and_says_so() -> None:
    def answered(request: httpx.Request) -> httpx.Response:
        if "min_position" in request.url.params:
            return httpx.Response(503, json={"code": "stale"})
        return httpx.Response(200, json={"items": []})

    async with httpx.AsyncClient(transport=httpx.MockTransport(answered)) as client:
        upstream = Upstream({"routing": "http://api.example"}, client)
        answer = await upstream.get(Caller("t"), "routing", "/work", min_position="routing.1.2", unit="")

    assert answer == Answer(200, {"items": [], "unconfirmed": True})


def token(**claims: object) -> str:
    """A token in shape; nobody has signed it."""
    return f"e30.{base64.urlsafe_b64encode(orjson.dumps(claims)).decode().rstrip('=')}.c2ln"


def test_who_is_greeted_is_read_from_the_token_and_garbage_is_nobody() -> None:
    assert subject(token(sub="zhou-min", exp=2**33)) == "zhou-min"
    over = (token(sub="zhou-min", exp=1), token(sub="zhou-min"), token(sub="zhou-min", exp="soon"))
    assert [subject(one) for one in over] == ["", "", ""]
    assert [subject(garbage) for garbage in ("", "a.b.c", "a.!!!.c", "e30.W10.x")] == ["", "", "", ""]


@pytest.mark.parametrize(("cookie", "asked"), [("made-up", 0), (token(sub="zhou-min", exp=2**33), 1)])
async def test_a_made_up_cookie_asks_the_apis_nothing_and_a_forged_one_once(cookie: str, asked: int) -> None:
    paths: list[str] = []

    def refused(request: httpx.Request) -> httpx.Response:
        paths.append(request.url.path)
        return httpx.Response(401, json={"code": "E-TOKEN"})

    async with httpx.AsyncClient(transport=httpx.MockTransport(refused)) as client:
        kept = NamesKept(Upstream({"routing": "http://api.example"}, client))
        with pytest.raises(SignedOut):
            await kept.of(Caller(cookie))
    assert len(paths) == asked
