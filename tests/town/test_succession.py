"""A unit, a grid and a class end one night, with cases open in each: who has them in the morning (rulebook.md d.8)."""

import asyncio
import signal
from copy import deepcopy
from typing import Any

import pytest

from libs.directory.publish.files import read_files
from operations.embedded.stack import Stack
from operations.installation import ROOT
from tests.town.cases import clock_of, events_of, odour
from trials.publish import publish
from trials.town import Town, civil, place

pytestmark = pytest.mark.long

MORNING = "2026-12-09 08:00"
LAST_DAY = "2026-12-09"
MIDNIGHT = civil("2026-12-10 00:00")
WHO = {"reporter_phone": "13900000005"}


def ended(section: str, key: str, entry: str, heir: str) -> list[dict[str, Any]]:
    """The entry as it is in the examples, with its last day and what succeeds it."""
    found = [one for one in read_files(ROOT / "examples" / "town").raw[section] if one[key] == entry]
    return [{**one, "until": LAST_DAY, "succeeded_by": heir} for one in found]


def reform() -> dict[str, Any]:
    """住建并入城管, G03 并入 G04, 路灯改称照明; 郑凯随任务转入城管."""
    raw = read_files(ROOT / "examples" / "town").raw
    lights = [one for one in raw["catalogue"] if one["code"] == "street-light"]
    post = {"id": "zheng-kai-urban", "person": "zheng-kai", "unit": "county-urban", "role": "DEPT_HANDLER"}
    return {
        "units": ended("units", "id", "county-housing", "county-urban"),
        "grids": ended("grids", "code", "G03", "G04"),
        "catalogue": [
            *ended("catalogue", "code", "street-light", "lighting"),
            *({**deepcopy(one), "code": "lighting", "name_zh": "照明设施", "name_en": "Lighting"} for one in lights),
        ],
        "appointments": [{**post, "since": "2026-12-10", "basis": "transferred"}],
    }


async def shown(town: Town, case: str, person: str, service: str = "routing") -> dict[str, Any]:
    answer: dict[str, Any] = await town.line.get(service, f"/cases/{case}", person=person)
    return answer


async def told_of(town: Town, case: str, template: str) -> set[str]:
    document = await town.line.get("notify", f"/cases/{case}", person="han-feng")
    return {row["recipient"] for row in document["messages"] if row["template"] == template}


async def test_cases_follow_what_succeeds_and_nothing_new_starts_where_it_has_ended(running: Stack, town: Town) -> None:
    unsigned = await odour(town, "2026-12-09 08:10", **WHO)
    await town.dispatch("2026-12-09 08:15", unsigned)
    at_work = await odour(town, "2026-12-09 08:20", "G04", **WHO)
    await town.dispatch("2026-12-09 08:25", at_work)
    await town.accept("2026-12-09 08:30", at_work, "fang-yun")
    await town.assign("2026-12-09 08:35", at_work, "fang-yun", "he-wei")
    helped = await town.report("2026-12-09 08:40", "li-fang", "G03", "street-light", "路灯不亮")
    await town.register("2026-12-09 08:45", helped, "street-light", "U3")
    await town.dispatch("2026-12-09 08:50", helped)
    await town.accept("2026-12-09 08:55", helped, "tang-jing")
    asked = {"unit": "county-housing", "task": "查供电井"}
    await town.act("2026-12-09 09:00", "routing", f"/cases/{helped}/co-units", "tang-jing", asked)
    proposed = await odour(town, "2026-12-09 09:05", **WHO)
    due = {case: (await clock_of(town, case))["due_at"] for case in (unsigned, at_work)}
    before = await events_of(running, f"case-{unsigned}")

    published = await publish(town.line, reform())
    assert "UnitPublished county-housing" in published["changed"]
    await town.line.run_to(civil("2026-12-09 23:59"))
    assert (await shown(town, unsigned, "fang-yun"))["unit"] == "county-housing"
    await town.line.run_to(civil("2026-12-10 07:00"))

    taken = await shown(town, unsigned, "tang-jing")
    assert (taken["state"], taken["unit"], taken["allowed_actions"]) == (
        "DISPATCHED",
        "county-urban",
        ["accept", "return"],
    )
    assert taken["rule_chain"][-1]["rule"] == "SUC-2"
    working = await shown(town, at_work, "tang-jing")
    assert (working["state"], working["unit"], working["handler"]) == ("IN_PROGRESS", "county-urban", None)
    for case, instant in due.items():
        clock = await clock_of(town, case)
        assert (clock["due_at"], clock["unit"], clock["stopped_at"]) == (instant, "county-urban", None)
    assert await events_of(running, f"case-{unsigned}") == [*before, "order-passed-on"]
    assert (await shown(town, helped, "tang-jing"))["co_units_outstanding"] == []
    again = await shown(town, proposed, "chen-li")
    assert (again["state"], again["proposed"]) == ("REGISTERED", "county-urban")
    assert await told_of(town, at_work, "passed_on") >= {"person:tang-jing"}
    assert await told_of(town, at_work, "relieved") == {"person:he-wei"}

    filed = await shown(town, helped, "zhou-min", "intake")
    assert (filed["class_code"], filed["grid"]) == ("lighting", "G04")
    assert (await events_of(running, f"case-{helped}", "intake"))[-1] == "filing-passed-on"
    line = await town.line.get("routing", f"/cases/{at_work}/timeline", person="tang-jing")
    assert any("县住建局(至 2026-12-09, 后为县城管局)" in one["zh"] for one in line["items"])


async def test_the_morning_after_nothing_starts_under_the_old_names(town: Town) -> None:
    found = await town.report("2026-12-10 07:05", "li-fang", "G03", "lighting", "路灯不亮")
    assert (await shown(town, found, "zhou-min", "intake"))["grid"] == "G04"
    body = {"class_code": "street-light", "urgency": "U3"}
    refused = await town.act("2026-12-10 07:10", "intake", f"/cases/{found}/register", "zhou-min", body, expect=409)
    assert (refused["code"], refused["rule_id"], refused["allowed_actions"]) == ("E-ENDED", "SUC-1", ["lighting"])
    called = await town.appeal("2026-12-10 07:15", "zhou-min", "G03", "complaint", "下水道异味", **WHO)
    assert (await shown(town, called, "zhou-min", "intake"))["grid"] == "G04"
    await town.register("2026-12-10 07:20", called, "sewer-odour", "U3")
    other = {"unit": "county-housing", "override_reason": "原属住建"}
    barred = await town.act("2026-12-10 07:25", "routing", f"/cases/{called}/dispatch", "chen-li", other, expect=409)
    assert (barred["code"], barred["allowed_actions"]) == ("E-ENDED", ["county-urban"])
    units = await town.line.get("routing", "/directory/units", person="chen-li")
    assert units["ended"] == ["county-housing"]
    assert place("G03") != place("G04")


async def test_what_nobody_takes_over_is_the_dispatchers_and_an_alarm_once_each_over_a_kill(
    running: Stack, town: Town
) -> None:
    cases = []
    for minute in range(6):
        at = f"2026-12-10 07:3{minute}"
        case = await odour(town, at, "G04", **WHO)
        by_hand = {"unit": "county-water", "override_reason": "供水井渗漏"}
        await town.act(at, "routing", f"/cases/{case}/dispatch", "chen-li", by_hand)
        cases.append(case)
    await town.accept("2026-12-10 07:36", cases[0], "cao-ying")
    await town.assign("2026-12-10 07:37", cases[0], "cao-ying", "yuan-hao")
    gone = [one for one in read_files(ROOT / "examples" / "town").raw["units"] if one["id"] == "county-water"]
    await publish(town.line, {"units": [{**one, "until": "2026-12-10T07:40:00+08:00"} for one in gone]})
    await town.line.settle()

    await asyncio.to_thread(running.kill, "routing-worker", signal.SIGTERM)
    armed = running.start_process("routing-worker", {"EVENTS_CRASH_AT": "passing_on.before_commit:3"})
    await asyncio.to_thread(running.wait_ready, "routing-worker")
    await town.line.advance(civil("2026-12-10 07:40"))
    assert await asyncio.to_thread(armed.wait, 120) == -signal.SIGKILL
    running.start_process("routing-worker")
    await asyncio.to_thread(running.wait_ready, "routing-worker")
    await town.line.run_to(civil("2026-12-10 07:45"))

    for case in cases:
        assert (await events_of(running, f"case-{case}")).count("order-passed-on") == 1
        left = await shown(town, case, "chen-li")
        assert (left["state"], left["unit"], left["handler"]) == ("REGISTERED", None, None)
        assert (await clock_of(town, case, "overall"))["stopped_at"] is None
    alarms = await town.line.get("supervision", "/alarms", person="han-feng", kind="UNIT_ENDED")
    assert {row["case_id"] for row in alarms["items"]} >= set(cases)
    assert await told_of(town, cases[0], "left_by_unit") == {"person:chen-li"}
    assert await told_of(town, cases[0], "relieved") == {"person:yuan-hao"}
    await town.dispatch("2026-12-10 07:50", cases[0])
    assert (await shown(town, cases[0], "tang-jing"))["unit"] == "county-urban"
    again = await town.line.get("supervision", "/alarms", person="han-feng", kind="UNIT_ENDED")
    assert cases[0] not in {row["case_id"] for row in again["items"]}
