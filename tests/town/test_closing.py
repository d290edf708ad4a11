"""From a failed check to the close: rework, call-back, a supervision order, the board, and what is refused there."""

import os
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from libs.events.lanes import lane_of
from libs.log.store.event_store import lock_lane
from libs.service.runtime import Runtime, runtime
from operations.embedded.stack import Stack
from services.supervision.jobs import append_steps, timers
from services.supervision.main import PARTS
from tests.town.cases import SUPERVISOR, clock_of, complaint
from trials.town import Town, civil, place

MORNING = "2026-06-29 08:00"
STEPS = "select type from log.event where stream = 'case-' || $1::text and type ~ 'deadline-(warned|breached)'"
TIMER = "select * from timers.timer where case_id = $1"
REVIEWER = "wu-qian"


async def test_rework_after_a_failed_check_and_the_call_back_before_closing(town: Town) -> None:
    case = await complaint(town, "2026-06-29 09:00")
    await town.accept("2026-06-29 10:00", case, "fang-yun")
    await town.contact("2026-06-29 10:10", case, "zheng-kai")
    await town.feedback("2026-06-30 10:00", case, "zheng-kai", "已疏通")
    await town.review("2026-06-30 11:00", case)
    await town.verify("2026-06-30 14:00", case, "li-fang", "G03", passed=False)
    rework = await clock_of(town, case, "rework")
    assert (rework["round"], datetime.fromisoformat(rework["due_at"])) == (2, civil("2026-07-04 00:00"))

    await town.feedback("2026-07-01 10:00", case, "zheng-kai", "已重新疏通")
    await town.review("2026-07-01 11:00", case)
    await town.verify("2026-07-01 14:00", case, "li-fang", "G03")
    early = await town.close("2026-07-01 15:00", case, expect=409)
    assert early["code"] == "E-CLS-CALLBACK"
    path, tried = f"/cases/{case}/callback", {"reached": False}
    await town.act("2026-07-01 15:10", "supervision", path, "xu-jing", tried)
    again = await town.act("2026-07-01 15:20", "supervision", path, "xu-jing", tried, expect=409)
    assert again["code"] == "E-CALLBACK"
    answers = {"reached": True, "contacted": True, "solved": True, "satisfaction": "SATISFIED"}
    await town.act("2026-07-02 09:00", "supervision", path, "xu-jing", answers)
    await town.close("2026-07-02 10:00", case)

    document = await town.line.get("supervision", f"/cases/{case}", person=SUPERVISOR)
    assert (document["state"], document["round"], document["allowed_actions"]) == ("CLOSED", 2, [])
    verdicts = {(one["clock"], one["round"]): one["verdict"] for one in document["clocks"]}
    assert verdicts[("handling", 1)] == verdicts[("rework", 2)] == "ON_TIME"


async def test_a_supervision_order_is_answered_and_lifted(town: Town) -> None:
    case = await complaint(town, "2026-07-06 09:00")
    order = {"level": 1, "order": "请尽快签收"}
    await town.act("2026-07-07 09:00", "supervision", f"/cases/{case}/supervision", SUPERVISOR, order)
    assert (await clock_of(town, case, "response"))["verdict"] == "RUNNING"
    path = f"/cases/{case}/supervision/response"
    refused = await town.act("2026-07-07 10:00", "supervision", path, "gao-feng", {"plan": "x"}, expect=403)
    assert refused["code"] == "E-UNIT"
    await town.act("2026-07-07 10:10", "supervision", path, "ma-jun", {"plan": "今日签收, 周五前办结"})
    lift = {"level": 0, "reason": "已签收"}
    await town.act("2026-07-07 11:00", "supervision", f"/cases/{case}/supervision/lift", SUPERVISOR, lift)

    document = await town.line.get("supervision", f"/cases/{case}", person=SUPERVISOR)
    assert (document["supervision_level"], document["unanswered_orders"]) == (0, [])
    assert (await clock_of(town, case, "response"))["verdict"] == "ON_TIME"


async def test_the_board_is_filtered_counted_paged_and_shows_a_unit_its_own(town: Town) -> None:
    cases = [await complaint(town, f"2026-07-13 09:0{n}") for n in range(3)]
    await town.line.run_to(civil("2026-07-21 08:00"))
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


@pytest_asyncio.fixture(loop_scope="session")
async def service(running: Stack, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Runtime]:
    """What supervision's worker holds, in this process."""
    for name, value in running.env("supervision-worker").items():
        monkeypatch.setitem(os.environ, name, value)
    async with runtime(PARTS.settings(), PARTS, lock_ms=1000, statement_ms=30_000) as held:
        yield held


async def test_the_timers_follow_from_supervisions_own_streams(service: Runtime, database: asyncpg.Connection) -> None:
    before = await database.fetch("select * from timers.timer order by case_id")
    async with service.pool.acquire() as conn, conn.transaction():
        rows = await timers.rebuild(service, conn)
    after = await database.fetch("select * from timers.timer order by case_id")

    assert rows == len(before) > 3
    assert [tuple(row) for row in after] == [tuple(row) for row in before]


async def test_what_was_decided_before_the_case_moved_on_is_not_recorded(town: Town, service: Runtime) -> None:
    case = await complaint(town, "2026-07-21 09:00")
    async with service.pool.acquire() as conn:
        view, (watched,) = await service.directory.latest(conn), await append_steps.load(conn, [case])
        decided = timers.decide(service, watched, civil("2026-12-31 08:00"), view)
        await town.act("2026-07-21 09:30", "supervision", f"/cases/{case}/urge", SUPERVISOR, {})
        steps, row = await conn.fetch(STEPS, case), await conn.fetchrow(TIMER, case)
        async with conn.transaction():
            await lock_lane(conn, lane_of(case))
            await append_steps.record(conn, [decided])

        assert decided.events is not None
        assert (await conn.fetch(STEPS, case), await conn.fetchrow(TIMER, case)) == (steps, row)


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
