"""Supervision on the real broker and server under a manual clock: what counts is when a fact was recorded.

The instants of the tests follow one another: a manual clock never goes back.
"""

import asyncio
import signal
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import asyncpg
import orjson

from operations.embedded.stack import Stack
from tests.town.cases import SUPERVISOR, clock_of, complaint, due_of
from trials.town import Town, civil

MORNING = "2026-09-28 08:00"
HOUR = timedelta(hours=1)
REVIEWER = "wu-qian"


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
    async with asyncio.timeout(60):
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
    assert await breached(database, case) == {"sign", "first_contact"}

    await town.line.run_to(due + HOUR)
    (breach,) = [one for one in await recorded(database, case, "deadline-breached") if one["clock"] == "handling"]
    assert breach["at"] == due == civil("2026-10-27 00:00")
    assert due < breach["recorded_at"] < due + timedelta(seconds=1)
    row = await row_of(town, case)
    assert row is not None
    assert (row["unit"], row["lamp"], row["confirmed"]) == ("county-housing", "RED", True)
    assert (row["overdue_seconds"], row["last_step"]["type"]) == (3600, "routing.assignment-deemed-accepted.v1")


async def breached(database: asyncpg.Connection, case: str) -> set[str]:
    """The clocks of a case that nobody signed for, and whose reporter nobody called, as far as they are late."""
    return {one["clock"] for one in await recorded(database, case, "deadline-breached")}


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
        assert await breached(database, case) == {"sign", "first_contact"}
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
    photo = await town.photo("2026-11-16 10:20", case, "zheng-kai")
    await town.line.run_to(due - HOUR)
    running.kill("routing-worker", signal.SIGSTOP)
    try:
        body = {"result": "SOLVED", "reply": "已疏通", "photos": [photo]}
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
        running.kill("supervision-api", signal.SIGTERM)
        running.start_process("supervision-api")
        await asyncio.to_thread(running.wait_ready, "supervision-api")
    assert (answer.json()["code"], answer.headers["Retry-After"]) == ("stale", "1")
