"""Urging, and the clocks of returns and withdrawals, on the real broker and server under a manual clock.

The instants of the tests follow one another: a manual clock never goes back.
"""

from datetime import datetime
from typing import Any

import asyncpg
import httpx
import orjson

from operations.embedded.stack import Stack
from tests.town.cases import SUPERVISOR, complaint
from trials.town import Town, civil

MORNING = "2026-05-11 08:00"
PHONE = "13700000009"
WHO = {"reporter_phone": PHONE}
NOTE = "请两小时内到场并回电"


async def called_again(town: Town, at: str, case: str) -> None:
    await town.act(at, "intake", f"/cases/{case}/repeat-contacts", "zhou-min", {"channel": "phone"})


async def clocks_of(town: Town, case: str) -> dict[tuple[str, str | None], dict[str, Any]]:
    """Newest clock by name and unit."""
    document = await town.line.get("supervision", f"/cases/{case}", person=SUPERVISOR)
    return {(one["clock"], one["unit"]): one for one in document["clocks"]}


def due_of(clock: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(clock["due_at"])


async def urges_of(running: Stack, case: str) -> list[dict[str, Any]]:
    """What supervision's own stream says of the case's urges."""
    conn = await asyncpg.connect(running.admin_url("supervision"))
    try:
        rows = await conn.fetch(
            "select body from log.event where stream = $1 and type = 'supervision.case-urged.v1' order by version",
            f"case-{case}",
        )
    finally:
        await conn.close()
    return [orjson.loads(row["body"]) for row in rows]


async def pressed(town: Town, case: str) -> list[str]:
    """Who was told of an urge, in order."""
    ledger = await town.line.get("notify", "/messages", person=SUPERVISOR, case_id=case, limit=200)
    return [one["recipient"] for one in ledger["items"] if one["template"] == "pressed"]


async def test_scenario_9_each_call_urges_once_and_silence_is_told_to_the_supervisor(
    running: Stack, town: Town
) -> None:
    case = await complaint(town, "2026-05-11 09:00", **WHO)
    await called_again(town, "2026-05-11 14:00", case)
    await called_again(town, "2026-05-12 09:00", case)
    await town.accept("2026-05-12 10:00", case, "fang-yun")
    await called_again(town, "2026-05-13 09:00", case)

    urges = await urges_of(running, case)
    assert [one["supervisor_told"] for one in urges] == [False, True, False]
    assert len({one["because"] for one in urges}) == 3
    clerk, supervisor = "person:fang-yun", "person:han-feng"
    told = await pressed(town, case)
    assert (told.count(clerk), told.count(supervisor)) == (3, 1)


async def test_a_supervisor_urges_once_per_request_and_his_note_is_sealed(running: Stack, town: Town) -> None:
    case = await complaint(town, "2026-05-13 10:00", **WHO)
    headers = {
        "Authorization": f"Bearer {running.token(person=SUPERVISOR, scopes=('clock',))}",
        "Idempotency-Key": "urge-1",
        "Xunban-Now": civil("2026-05-13 10:30").isoformat(),
    }
    url = f"{town.line.apis['supervision']}/cases/{case}/urge"
    async with httpx.AsyncClient(trust_env=False) as client:
        first, again = [await client.post(url, json={"note": NOTE}, headers=headers) for _ in range(2)]
    await town.line.settle()

    assert (first.status_code, again.json()["position"]) == (200, first.json()["position"])
    (urged,) = await urges_of(running, case)
    assert (urged["urged_by"], urged["source"], NOTE in str(urged)) == (SUPERVISOR, "SUPERVISOR", False)
    document = await town.line.get("supervision", f"/cases/{case}", person=SUPERVISOR)
    assert "urge" in document["allowed_actions"]


async def test_nobody_else_urges_by_hand_and_nobody_an_ended_case(town: Town) -> None:
    case = await complaint(town, "2026-05-13 11:00", **WHO)
    path = f"/cases/{case}/urge"
    refused = await town.act("2026-05-13 11:10", "supervision", path, "ma-jun", {}, expect=403)
    await town.act("2026-05-13 11:20", "intake", f"/cases/{case}/withdraw", "zhou-min", {"phone": PHONE})
    ended = await town.act("2026-05-13 11:30", "supervision", path, SUPERVISOR, {}, expect=409)

    assert (refused["code"], ended["code"]) == ("E-ROLE", "E-STATE")


async def test_red_follows_orange(town: Town) -> None:
    case = await complaint(town, "2026-05-13 14:00", **WHO)
    path, order = f"/cases/{case}/supervision", "请报整改计划"
    refused = await town.act(
        "2026-05-13 14:10", "supervision", path, SUPERVISOR, {"level": 4, "order": order}, expect=409
    )
    for level in (3, 4):
        await town.act(f"2026-05-13 14:2{level}", "supervision", path, SUPERVISOR, {"level": level, "order": order})

    assert refused["code"] == "E-SUP-STEP"
    document = await town.line.get("supervision", f"/cases/{case}", person=SUPERVISOR)
    assert [one["level"] for one in document["unanswered_orders"]] == [3, 4]


async def test_a_justified_return_charges_the_dispatcher_and_the_overall_clock_never_resets(town: Town) -> None:
    case = await complaint(town, "2026-05-14 09:00", **WHO)
    overall = (await clocks_of(town, case))["overall", "county-housing"]["due_at"]
    body = {"basis": "《城镇供水条例》第十条", "suggested_unit": "county-water"}
    await town.act("2026-05-14 15:00", "routing", f"/cases/{case}/return", "fang-yun", body)
    asked = await clocks_of(town, case)
    await town.act("2026-05-14 16:00", "routing", f"/cases/{case}/return/approve", "chen-li", {})
    approved = await clocks_of(town, case)
    await town.dispatch("2026-05-14 16:30", case, fields={"unit": "county-water", "override_reason": "供水管网"})
    clocks = await clocks_of(town, case)

    assert due_of(asked["return_decision", "county-housing"]) == civil("2026-05-15 09:00")
    assert asked["handling", "county-housing"]["stopped_at"] is None
    assert {name for (name, _), clock in approved.items() if clock["stopped_at"] is None} == {"dispatch", "overall"}
    left, holds = clocks["handling", "county-housing"], clocks["handling", "county-water"]
    assert (left["verdict"], holds["verdict"]) == ("ON_TIME", "RUNNING")
    assert clocks["overall", "county-water"]["due_at"] == overall


async def test_scenario_14_while_an_appeal_is_withdrawn_nothing_falls_due_and_its_limit_moves_by_the_pause(
    town: Town,
) -> None:
    case = await complaint(town, "2026-05-15 09:00", **WHO)
    before = due_of((await clocks_of(town, case))["handling", "county-housing"])
    await town.act("2026-05-19 23:30", "intake", f"/cases/{case}/withdraw", "zhou-min", {"phone": PHONE})
    away = await clocks_of(town, case)
    await town.act("2026-05-20 00:30", "intake", f"/cases/{case}/restore", "zhou-min", {"phone": PHONE})
    back = (await clocks_of(town, case))["handling", "county-housing"]

    assert {clock["stopped_at"] is None for clock in away.values()} == {False}
    assert (before, due_of(back)) == (civil("2026-05-23 00:00"), civil("2026-05-26 00:00"))
    assert (back["stopped_at"], back["verdict"]) == (None, "RUNNING")


async def test_no_alarm_while_an_arbiter_has_time_nor_where_the_rulebook_sets_no_limit(town: Town) -> None:
    praise = await town.appeal("2026-05-25 09:00", "zhou-min", "G03", "praise", "工作人员热心")
    await town.register("2026-05-25 09:01", praise, "suggestion", "U3")
    await town.dispatch("2026-05-25 09:02", praise, fields={"unit": "county-housing", "override_reason": "转告"})
    await town.accept("2026-05-25 09:03", praise, "fang-yun")
    disputed = await town.appeal("2026-05-25 09:10", "zhou-min", "G03", "complaint", "下水道异味")
    await town.register("2026-05-25 09:11", disputed, "sewer-odour", "U3")
    await town.act("2026-05-25 09:12", "routing", f"/cases/{disputed}/arbitration", "chen-li", {})

    await town.line.run_to(civil("2026-05-26 18:00"))
    in_time = await town.line.get("supervision", "/alarms", person=SUPERVISOR)
    await town.line.run_to(civil("2026-05-27 09:00"))
    late = await town.line.get("supervision", "/alarms", person=SUPERVISOR)

    assert {praise, disputed} & {row["case_id"] for row in in_time["items"]} == set()
    (row,) = [row for row in late["items"] if row["case_id"] in {praise, disputed}]
    assert (row["case_id"], row["kind"]) == (disputed, "NO_UNIT")
    assert row["reason"]["zh"] == "无承办单位, 且派遣或裁定已超时"
