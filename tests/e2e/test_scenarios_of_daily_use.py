"""Acceptance scenarios of rulebook.md (i) after those of test_scenarios.py, in the order of their dates in this town.

The dates of scenario 4 are a week later than in the text, so that the one manual clock need not go back.
"""

from typing import Any

from tests.e2e.views import due, view
from trials.town import Town, civil, place

NAMED = {"reporter_name": "欧阳示例", "reporter_phone": "13900005678"}


async def told(town: Town, case: str, template: str) -> list[dict[str, Any]]:
    answer = await town.line.get("notify", "/messages", person="han-feng", case_id=case, limit=200)
    return [one for one in answer["items"] if one["template"] == template]


async def test_scenario_4_a_return_is_not_a_game_of_ping_pong(town: Town) -> None:
    """场景4 退单"乒乓球"."""
    case = await town.appeal("2026-11-10 09:00", "zhou-min", "G03", "complaint", "小区门口下水道异味", **NAMED)
    await town.register("2026-11-10 09:00", case, "sewer-odour", "U3")
    await town.dispatch("2026-11-10 09:00", case)
    overall = await due(town, case, "overall")

    await town.ask_return("2026-11-10 17:00", case, "fang-yun", "county-water")
    assert (await view(town, case))["state"] == "RETURN_PENDING"
    await town.approve_return("2026-11-10 17:10", case)
    to_water = {"unit": "county-water", "override_reason": "按退单建议改派"}
    await town.dispatch("2026-11-10 17:20", case, fields=to_water)
    await town.ask_return("2026-11-11 10:00", case, "cao-ying", "county-urban")
    await town.approve_return("2026-11-11 10:10", case)
    to_urban = {"unit": "county-urban", "override_reason": "按退单建议改派"}
    await town.dispatch("2026-11-11 10:20", case, fields=to_urban)
    assert (await view(town, case))["unit"] == "county-urban"

    await town.ask_return("2026-11-11 16:00", case, "tang-jing", "county-housing")
    disputed = await view(town, case)
    assert disputed["state"] == "ARBITRATION"
    assert await due(town, case, "arbitration") == civil("2026-11-13 00:00")

    await town.rule("2026-11-12 09:00", case, "deng-hui", "county-housing", groundless=["county-housing"])
    forced = await view(town, case)
    assert (forced["state"], forced["unit"]) == ("DISPATCHED", "county-housing")
    refused = await town.ask_return("2026-11-12 10:00", case, "fang-yun", "county-water", expect=409)
    assert refused["code"] == "E-RET-FORBIDDEN"

    assert await due(town, case, "overall") == overall
    assert len(await told(town, case, "deciding_unit")) == 1, "the citizen hears once that the unit is being decided on"
    await town.line.run_to(civil("2026-11-14 00:01"))
    assert (await view(town, case))["state"] == "IN_PROGRESS", "silence beyond the sign limit is a signature"


async def test_scenario_9_a_caller_who_calls_again_urges_his_case_and_opens_none(town: Town) -> None:
    """场景9 重复件与合并: the same caller's part; one case and three urges."""
    contacts = ["2026-11-16 09:00", "2026-11-16 15:00", "2026-11-17 09:30", "2026-11-18 11:00"]
    caller = {"reporter_name": "司马示例", "reporter_phone": "13900004321", "place": place("G03")}
    case = await town.appeal(contacts[0], "zhou-min", "G03", "help", "路灯不亮", **caller)
    await town.register(contacts[0], case, "street-light", "U3")
    await town.dispatch(contacts[0], case)
    await town.accept("2026-11-16 09:30", case, "tang-jing")
    await town.contact("2026-11-16 10:00", case, "song-tao")

    for at in contacts[1:]:
        assert await town.appeal(at, "zhou-min", "G03", "help", "路灯还是不亮", **caller) == case

    urged = await told(town, case, "pressed")
    assert len({one["event_id"] for one in urged}) == 3
    supervisor_told = [one for one in urged if one["recipient"] == "person:han-feng"]
    assert len(supervisor_told) == 2, "the unit had called back before the first urge"
    assert (await view(town, case))["state"] == "IN_PROGRESS"


async def test_scenario_14_who_withdraws_stops_his_own_matter_and_not_the_public_one(town: Town) -> None:
    """场景14 诉求人撤诉."""
    outage = await town.appeal("2026-11-19 09:00", "zhou-min", "G03", "help", "家中停水", **NAMED)
    await town.register("2026-11-19 09:00", outage, "water-outage", "U3")
    await town.dispatch("2026-11-19 09:00", outage)
    blocked = await town.appeal("2026-11-19 09:10", "zhou-min", "G03", "report", "消防通道被堵", **NAMED)
    await town.register("2026-11-19 09:10", blocked, "fire-lane", "U3")
    await town.dispatch("2026-11-19 09:10", blocked)
    before = await due(town, outage)

    stranger = await town.withdraw("2026-11-19 10:00", outage, "13900009999", expect=409)
    assert stranger["code"] == "E-WD-OWNER"
    assert (await town.withdraw("2026-11-19 10:10", outage, NAMED["reporter_phone"]))["continues"] is False
    assert (await view(town, outage))["state"] == "WITHDRAWN"
    assert (await town.withdraw("2026-11-19 10:20", blocked, NAMED["reporter_phone"]))["continues"] is True
    assert (await view(town, blocked))["state"] == "DISPATCHED"

    await town.restore("2026-11-19 11:30", outage, NAMED["reporter_phone"])
    assert (await view(town, outage))["state"] == "DISPATCHED"
    assert await due(town, outage) == before, "no working-day end lies in the pause"

    await town.withdraw("2026-11-19 14:00", outage, NAMED["reporter_phone"])
    late = await town.restore("2026-11-19 16:00:01", outage, NAMED["reporter_phone"], expect=409)
    assert late["code"] == "E-WD-WINDOW"


async def test_scenario_of_each_stage_a_named_caller_has_a_clock_from_the_first_contact_to_the_call_back(
    town: Town,
) -> None:
    """e.2: contact, handling, review, verification, call-back and closing, one after the other, each in time."""
    case = await town.appeal("2026-11-23 09:00", "zhou-min", "G03", "complaint", "小区门口下水道异味", **NAMED)
    await town.register("2026-11-23 09:00", case, "sewer-odour", "U3")
    await town.dispatch("2026-11-23 09:10", case)
    await town.accept("2026-11-23 09:30", case, "fang-yun")
    await town.contact("2026-11-23 10:00", case, "zheng-kai")
    await town.feedback("2026-11-24 10:00", case, "zheng-kai", "已疏通")
    await town.review("2026-11-24 11:00", case)
    await town.verify("2026-11-24 14:00", case, "li-fang", "G03")
    answers = {"reached": True, "contacted": True, "solved": True, "satisfaction": "SATISFIED"}
    await town.act("2026-11-25 09:00", "supervision", f"/cases/{case}/callback", "xu-jing", answers)
    await town.close("2026-11-25 10:00", case)

    closed = await view(town, case)
    assert closed["state"] == "CLOSED"
    verdicts = {one["clock"]: one["verdict"] for one in closed["clocks"]}
    stages = ("first_contact", "handling", "review", "verification", "callback", "close")
    assert [verdicts[one] for one in stages] == ["ON_TIME"] * 6
