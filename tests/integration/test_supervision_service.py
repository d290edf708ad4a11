"""Supervision on the real broker and server under a manual clock: what counts is when a fact was recorded.

The instants of the tests follow one another: a manual clock never goes back.
"""

import asyncio
import os
import secrets
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import asyncpg
import orjson
import pytest
import pytest_asyncio

from deploy.directory_apply import apply_directory
from deploy.embedded.instance import ROOT
from deploy.embedded.stack import Stack
from deploy.timeline import Timeline
from deploy.town import PHOTO, Town, civil, place
from libs.service.runtime import runtime
from libs.service.settings import Settings
from services.supervision import timers
from services.supervision.main import PARTS

HOUR = timedelta(hours=1)
REVIEWER, SUPERVISOR = "wu-qian", "han-feng"


@pytest.fixture(scope="module")
def running() -> Iterator[Stack]:
    """An instance of its own: these tests stop processes and move the clock."""
    with Stack(f"test-{secrets.token_hex(4)}") as stack:
        yield stack


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def town(running: Stack) -> AsyncIterator[Town]:
    async with Timeline.of(running) as line:
        await line.advance(civil("2026-09-28 08:00"))
        await apply_directory(line, ROOT / "examples" / "town")
        yield Town(line)


@pytest_asyncio.fixture(loop_scope="session")
async def database(running: Stack) -> AsyncIterator[asyncpg.Connection]:
    """Supervision's database as its owner sees it."""
    conn = await asyncpg.connect(running.admin_url("supervision"))
    yield conn
    await conn.close()


async def complaint(town: Town, at: str) -> str:
    """A U3 complaint about an odour, dispatched to the housing bureau: five working days."""
    case = await town.appeal(at, "zhou-min", "G03", "complaint", "小区门口下水道异味", reporter_name="某女士")
    await town.register(at, case, "sewer-odour", "U3")
    await town.dispatch(at, case)
    return case


async def clock_of(town: Town, case: str, name: str = "handling") -> dict[str, Any]:
    document = await town.line.get("supervision", f"/cases/{case}", person=SUPERVISOR)
    found: dict[str, Any] = next(one for one in document["clocks"] if one["clock"] == name)
    return found


async def due_of(town: Town, case: str) -> datetime:
    return datetime.fromisoformat((await clock_of(town, case))["due_at"])


async def row_of(town: Town, case: str) -> dict[str, Any] | None:
    answer = await town.line.get("supervision", "/overdue", person=SUPERVISOR, limit=200)
    return next((row for row in answer["items"] if row["case_id"] == case), None)


async def recorded(database: asyncpg.Connection, case: str, kind: str) -> list[dict[str, Any]]:
    """Events of one type in supervision's own stream, with their instants."""
    rows = await database.fetch(
        "select body, occurred_at, recorded_at from log.event where stream = $1 and type = $2 order by version",
        f"case-{case}",
        f"supervision.{kind}.v1",
    )
    return [{**orjson.loads(row["body"]), "at": row["occurred_at"], "recorded_at": row["recorded_at"]} for row in rows]


async def advance_without(town: Town, silent: str, to: datetime) -> None:
    """Move the clock of every service but one, whose worker is stopped."""
    for name in town.line.workers.keys() - {silent}:
        headers = {"Authorization": f"Bearer {town.line.clock_token}"}
        url = f"{town.line.workers[name]}/clock/advance"
        answer = await town.line.client.post(url, json={"to": to.isoformat()}, headers=headers)
        assert answer.is_success


async def eventually(true: Callable[[], Any]) -> Any:
    """Ask until it is true: the other services are under way."""
    async with asyncio.timeout(30):
        while not (found := await true()):  # noqa: ASYNC110 - another process cannot set an event of ours
            await asyncio.sleep(0.02)
    return found


async def test_scenario_6_four_limits_across_the_national_day(town: Town) -> None:
    on_monday = await complaint(town, "2026-09-28 09:00")
    broken = await town.report("2026-09-30 15:50", "li-fang", "G03", "manhole", "井盖破损")
    await town.register("2026-09-30 16:00", broken, "manhole", "U3", filing_condition="manhole-broken")
    await town.dispatch("2026-09-30 16:00", broken)
    in_the_holiday = await complaint(town, "2026-10-03 11:00")
    gas = await town.appeal("2026-10-03 23:30", "zhou-min", "G03", "help", "燃气泄漏")
    await town.register("2026-10-03 23:30", gas, "gas-leak", "U1")
    await town.dispatch("2026-10-03 23:30", gas)

    assert await due_of(town, on_monday) == civil("2026-10-11 00:00")
    assert await due_of(town, in_the_holiday) == civil("2026-10-14 00:00")
    assert await due_of(town, broken) == civil("2026-10-08 10:00")
    assert await due_of(town, gas) == civil("2026-10-04 01:30")


async def test_a_breach_bears_its_own_instant_and_is_recorded_just_behind_the_watermark(
    town: Town, database: asyncpg.Connection
) -> None:
    case = await complaint(town, "2026-10-19 09:00")
    due = await due_of(town, case)
    await town.line.run_to(due)
    assert await recorded(database, case, "deadline-breached") == await breaches_of_the_sign_clock(database, case)

    await town.line.run_to(due + HOUR)
    (breach,) = [one for one in await recorded(database, case, "deadline-breached") if one["clock"] == "handling"]
    assert breach["at"] == due == civil("2026-10-27 00:00")
    assert due < breach["recorded_at"] < due + timedelta(seconds=1)
    row = await row_of(town, case)
    assert row is not None
    assert (row["unit"], row["lamp"], row["confirmed"]) == ("county-housing", "RED", True)
    assert (row["overdue_seconds"], row["last_step"]["type"]) == (3600, "routing.assignment-deemed-accepted.v1")


async def breaches_of_the_sign_clock(database: asyncpg.Connection, case: str) -> list[dict[str, Any]]:
    return [one for one in await recorded(database, case, "deadline-breached") if one["clock"] == "sign"]


async def test_while_a_source_is_silent_the_case_is_past_due_and_not_confirmed(
    running: Stack, town: Town, database: asyncpg.Connection
) -> None:
    case = await complaint(town, "2026-11-02 09:00")
    due = await due_of(town, case)
    await town.line.run_to(due - HOUR)
    running.kill("routing-worker", signal.SIGSTOP)
    try:
        await advance_without(town, "routing", due + HOUR)
        row = await eventually(lambda: row_of(town, case))
        assert (row["lamp"], row["confirmed"]) == ("RED", False)
        assert [one["clock"] for one in await recorded(database, case, "deadline-breached")] == ["sign"]
    finally:
        running.kill("routing-worker", signal.SIGCONT)

    await town.line.advance(due + 2 * HOUR)
    await town.line.settle()
    row = await row_of(town, case)
    assert row is not None
    assert row["confirmed"]
    breaches = [one["at"] for one in await recorded(database, case, "deadline-breached") if one["clock"] == "handling"]
    assert breaches == [due]


async def test_an_answer_given_in_time_and_relayed_late_is_never_a_breach(
    running: Stack, town: Town, database: asyncpg.Connection
) -> None:
    case = await complaint(town, "2026-11-16 09:00")
    await town.accept("2026-11-16 10:00", case, "fang-yun")
    await town.contact("2026-11-16 10:10", case, "zheng-kai")
    due = await due_of(town, case)
    await town.line.run_to(due - HOUR)
    running.kill("routing-worker", signal.SIGSTOP)
    try:
        body = {"result": "SOLVED", "reply": "已疏通", "photos": [PHOTO]}
        at = due - timedelta(minutes=1)
        await town.line.post("routing", f"/cases/{case}/feedback", body, person="zheng-kai", at=at)
        await advance_without(town, "routing", due + HOUR)
        row = await eventually(lambda: row_of(town, case))
        assert (row["state"], row["confirmed"]) == ("IN_PROGRESS", False)
    finally:
        running.kill("routing-worker", signal.SIGCONT)

    await town.line.advance(due + 2 * HOUR)
    await town.line.settle()
    assert await row_of(town, case) is None
    clock = await clock_of(town, case)
    assert (clock["verdict"], datetime.fromisoformat(clock["stopped_at"])) == ("ON_TIME", at)
    assert await recorded(database, case, "deadline-breached") == []


async def test_rework_after_a_failed_check_and_the_call_back_before_closing(town: Town) -> None:
    case = await complaint(town, "2026-11-30 09:00")
    await town.accept("2026-11-30 10:00", case, "fang-yun")
    await town.contact("2026-11-30 10:10", case, "zheng-kai")
    await town.feedback("2026-12-01 10:00", case, "zheng-kai", "已疏通")
    await town.review("2026-12-01 11:00", case)
    await town.verify("2026-12-01 14:00", case, "li-fang", "G03", passed=False)
    rework = await clock_of(town, case, "rework")
    assert (rework["round"], datetime.fromisoformat(rework["due_at"])) == (2, civil("2026-12-05 00:00"))

    await town.feedback("2026-12-02 10:00", case, "zheng-kai", "已重新疏通")
    await town.review("2026-12-02 11:00", case)
    await town.verify("2026-12-02 14:00", case, "li-fang", "G03")
    early = await town.close("2026-12-02 15:00", case, expect=409)
    assert early["code"] == "E-CLS-CALLBACK"
    path, tried = f"/cases/{case}/callback", {"reached": False}
    await town.act("2026-12-02 15:10", "supervision", path, "xu-jing", tried)
    again = await town.act("2026-12-02 15:20", "supervision", path, "xu-jing", tried, expect=409)
    assert again["code"] == "E-CALLBACK"
    answers = {"reached": True, "contacted": True, "solved": True, "satisfaction": "SATISFIED"}
    await town.act("2026-12-03 09:00", "supervision", path, "xu-jing", answers)
    await town.close("2026-12-03 10:00", case)

    document = await town.line.get("supervision", f"/cases/{case}", person=SUPERVISOR)
    assert (document["state"], document["round"], document["allowed_actions"]) == ("CLOSED", 2, [])
    verdicts = {(one["clock"], one["round"]): one["verdict"] for one in document["clocks"]}
    assert verdicts[("handling", 1)] == verdicts[("rework", 2)] == "ON_TIME"


async def test_a_supervision_order_is_answered_and_lifted(town: Town) -> None:
    case = await complaint(town, "2026-12-07 09:00")
    order = {"level": 1, "order": "请尽快签收"}
    await town.act("2026-12-08 09:00", "supervision", f"/cases/{case}/supervision", SUPERVISOR, order)
    assert (await clock_of(town, case, "response"))["verdict"] == "RUNNING"
    path = f"/cases/{case}/supervision/response"
    refused = await town.act("2026-12-08 10:00", "supervision", path, "gao-feng", {"plan": "x"}, expect=403)
    assert refused["code"] == "E-UNIT"
    await town.act("2026-12-08 10:10", "supervision", path, "ma-jun", {"plan": "今日签收, 周五前办结"})
    lift = {"level": 0, "reason": "已签收"}
    await town.act("2026-12-08 11:00", "supervision", f"/cases/{case}/supervision/lift", SUPERVISOR, lift)

    document = await town.line.get("supervision", f"/cases/{case}", person=SUPERVISOR)
    assert (document["supervision_level"], document["unanswered_orders"]) == (0, [])
    assert (await clock_of(town, case, "response"))["verdict"] == "ON_TIME"


async def test_the_board_is_filtered_counted_paged_and_shows_a_unit_its_own(town: Town) -> None:
    cases = [await complaint(town, f"2026-12-14 09:0{n}") for n in range(3)]
    await town.line.run_to(civil("2026-12-22 08:00"))
    odours = {"unit": "county-housing", "class_code": "sewer-odour"}
    board = await town.line.get("supervision", "/overdue", person=SUPERVISOR, **odours)
    assert {row["case_id"] for row in board["items"]} >= set(cases)
    assert board["total"] == len(board["items"])
    assert [row["due_at"] for row in board["items"]] == sorted(row["due_at"] for row in board["items"])

    seen: list[str] = []
    query: dict[str, Any] = {"limit": 2}
    while True:
        page = await town.line.get("supervision", "/overdue", person="fang-yun", **odours, **query)
        seen += [row["case_id"] for row in page["items"]]
        if page["next_cursor"] is None:
            break
        query["cursor"] = page["next_cursor"]
    assert seen == [row["case_id"] for row in board["items"]]
    others = await town.line.get("supervision", "/overdue", person="tang-jing")
    assert not set(cases) & {row["case_id"] for row in others["items"]}
    long_red = await town.line.get("supervision", "/overdue", person=SUPERVISOR, lamp="LONG_RED", confirmed=True)
    assert {row["lamp"] for row in long_red["items"]} <= {"LONG_RED"}
    assert not set(cases) & {row["case_id"] for row in long_red["items"]}


@pytest.mark.parametrize(
    ("path", "person", "body", "status", "code"),
    [
        ("review", "li-fang", {"accepted": True}, 403, "E-ROLE"),
        ("review", "zheng-kai", {"accepted": True}, 409, "E-SEP-04"),
        ("close", "zheng-kai", {}, 409, "E-SEP-04"),
        ("close", REVIEWER, {}, 409, "E-STATE"),
        ("callback", "xu-jing", {"reached": True, "contacted": True}, 422, "E-INPUT"),
        ("verification", REVIEWER, {"verifier": "li-fang", "extra": 1}, 422, "E-INPUT"),
        ("verification/result", "zheng-kai", {"passed": True, **place("G03")}, 409, "E-SEP-03"),
        ("supervision", SUPERVISOR, {"level": 6, "order": "x"}, 422, "E-INPUT"),
        ("supervision", REVIEWER, {"level": 1, "order": "x"}, 403, "E-ROLE"),
    ],
)
async def test_what_is_refused_is_a_problem_document(
    town: Town, *, path: str, person: str, body: dict[str, Any], status: int, code: str
) -> None:
    board = await town.line.get("supervision", "/overdue", person=SUPERVISOR, unit="county-housing")
    case = board["items"][0]["case_id"]

    refused = await town.line.post("supervision", f"/cases/{case}/{path}", body, person=person, expect=status)
    assert (refused["code"], refused["status"]) == (code, status)


async def test_a_made_up_cursor_and_an_unknown_case_are_refused(town: Town) -> None:
    url, headers = town.line.apis["supervision"], {"Authorization": f"Bearer {town.line.sign(SUPERVISOR)}"}
    for cursor in ("zzz", "WyJ4IiwgInkiLCAieiJd", "WzEsMiwzXQ"):
        answer = await town.line.client.get(f"{url}/overdue", params={"cursor": cursor}, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (422, "E-CURSOR")
    unknown = await town.line.client.get(f"{url}/cases/0199a5b0-7c1e-7d3a-9f00-2b6c1d5e8a01", headers=headers)
    assert unknown.status_code == 404


async def test_the_timers_follow_from_supervisions_own_streams(
    running: Stack, database: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in running.env("supervision-worker").items():
        monkeypatch.setitem(os.environ, name, value)
    before = await database.fetch("select * from timers.timer order by case_id")
    async with (
        runtime(Settings(), PARTS, lock_ms=1000, statement_ms=30_000) as service,
        service.pool.acquire() as conn,
        conn.transaction(),
    ):
        rows = await timers.rebuild(service, conn)
    after = await database.fetch("select * from timers.timer order by case_id")

    assert rows == len(before) > 3
    assert [tuple(row) for row in after] == [tuple(row) for row in before]


async def test_final_powers_wait_for_a_read_model_that_is_complete_enough(running: Stack, town: Town) -> None:
    board = await town.line.get("supervision", "/overdue", person=SUPERVISOR, unit="county-housing")
    case = board["items"][0]["case_id"]
    running.kill("supervision-api", signal.SIGTERM)
    running.start_process("supervision-api", {"STALE_AFTER_SECONDS": "2"})
    await asyncio.to_thread(running.wait_ready, "supervision-api")
    running.kill("routing-worker", signal.SIGSTOP)
    headers = {"Authorization": f"Bearer {town.line.sign(REVIEWER)}", "Idempotency-Key": "late"}
    url = f"{town.line.apis['supervision']}/cases/{case}/close"

    async def stale() -> Any:
        answer = await town.line.client.post(url, json={}, headers=headers)
        return answer if answer.status_code == 503 else None

    try:
        answer = await eventually(stale)
    finally:
        running.kill("routing-worker", signal.SIGCONT)
    assert (answer.json()["code"], answer.headers["Retry-After"]) == ("stale", "1")
