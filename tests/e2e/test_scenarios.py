"""The acceptance scenarios of rulebook.md (i), through HTTP in virtual time, in the order of their dates."""

from datetime import datetime

from tests.e2e.views import clock_of, due, view
from trials.town import Town, civil


async def signed_complaint(town: Town, day: str, hour: str) -> str:
    """A U3 complaint about a sewer, dispatched at `hour`:00 and signed half an hour later."""
    case = await town.appeal(f"{day} {hour}:00", "zhou-min", "G03", "complaint", "下水道异味")
    await town.register(f"{day} {hour}:00", case, "sewer-odour", "U3")
    await town.dispatch(f"{day} {hour}:00", case)
    clerk, handler = STAFF[(await view(town, case))["unit"]]
    await town.accept(f"{day} {hour}:30", case, clerk)
    await town.contact(f"{day} {hour}:40", case, handler)
    return case


STAFF = {
    "county-housing": ("fang-yun", "zheng-kai"),
    "county-urban": ("tang-jing", "song-tao"),
    "county-water": ("cao-ying", "yuan-hao"),
    "county-gas": ("yao-lan", "ren-jie"),
}


async def test_scenario_6_limits_across_the_national_day(town: Town) -> None:
    """场景6 跨国庆调休的时限: 5 wd, 5 wd, 4 wh and 2 h over a holiday with make-up days."""
    on_monday = await signed_complaint(town, "2026-09-28", "09")
    late_monday = await signed_complaint(town, "2026-09-28", "10")
    broken = await town.report("2026-09-30 15:50", "li-fang", "G03", "manhole", "井盖破损")
    await town.register("2026-09-30 16:00", broken, "manhole", "U3", filing_condition="manhole-broken")
    await town.dispatch("2026-09-30 16:00", broken)
    in_the_holiday = await town.appeal("2026-10-03 11:00", "zhou-min", "G03", "complaint", "下水道异味")
    await town.register("2026-10-03 11:00", in_the_holiday, "sewer-odour", "U3")
    await town.dispatch("2026-10-03 11:00", in_the_holiday)
    gas = await town.appeal("2026-10-03 23:30", "zhou-min", "G03", "help", "燃气泄漏")
    await town.register("2026-10-03 23:30", gas, "gas-leak", "U1")
    await town.dispatch("2026-10-03 23:30", gas)

    assert await due(town, on_monday) == civil("2026-10-11 00:00")
    assert await due(town, in_the_holiday) == civil("2026-10-14 00:00")
    assert await due(town, broken) == civil("2026-10-08 10:00")
    assert await due(town, gas) == civil("2026-10-04 01:30")

    # An urgent case climbs in the holiday; nothing moves the lamp of a working-day clock from 10-01 to 10-07.
    await town.line.run_to(civil("2026-10-04 02:31"))
    assert (await view(town, gas))["supervision_level"] >= 2
    yellow = datetime.fromisoformat((await clock_of(town, on_monday, "handling"))["yellow_at"])
    assert yellow == civil("2026-10-09 10:40")

    handler = STAFF[(await view(town, on_monday))["unit"]][1]
    await town.feedback("2026-10-10 23:59:59", on_monday, handler, "已疏通")
    await town.feedback("2026-10-11 00:00:01", late_monday, handler, "已疏通")
    await town.line.run_to(civil("2026-10-11 08:00"))
    assert (await clock_of(town, on_monday, "handling"))["verdict"] == "ON_TIME"
    late = await clock_of(town, late_monday, "handling")
    assert (late["verdict"], late["confirmed"]) == ("OVERDUE", True)


async def test_scenario_1_the_normal_loop(town: Town) -> None:
    """场景1 正常闭环(网格发现)."""
    case = await town.report("2026-11-02 09:10", "li-fang", "G03", "manhole", "井盖周边路面破损")
    await town.register("2026-11-02 09:20", case, "manhole", "U3", filing_condition="manhole-surround")
    await town.dispatch("2026-11-02 09:40", case)
    assert await due(town, case) == civil("2026-11-10 00:00")

    await town.accept("2026-11-02 10:30", case, "fang-yun")
    assert await due(town, case) == civil("2026-11-10 00:00")
    await town.assign("2026-11-02 11:00", case, "fang-yun", "zheng-kai")
    await town.feedback("2026-11-05 15:00", case, "zheng-kai", "路面已修复")
    refused = await town.close("2026-11-05 15:10", case, person="fang-yun", expect=409)
    assert (refused["code"], refused["rule_id"]) == ("E-SEP-04", "SEP-04")

    await town.review("2026-11-05 16:00", case)
    assigned = await view(town, case)
    assert (assigned["state"], assigned["verification"]["verifier"]) == ("VERIFYING", "li-fang")
    await town.verify("2026-11-06 09:00", case, "li-fang", "G03")
    await town.close("2026-11-06 10:00", case)
    closed = await view(town, case)
    assert (closed["state"], closed["close_kind"]) == ("CLOSED", "HANDLED")
    assert (await clock_of(town, case, "handling"))["verdict"] == "ON_TIME"


async def test_scenario_2_a_village_cadre_who_is_also_a_grid_worker(town: Town) -> None:
    """场景2 巡办不分:村干部兼任网格员."""
    case = await town.report(
        "2026-11-06 14:00",
        "wang-jianguo",
        "G04",
        "village-litter",
        "村口垃圾堆积",
        kind="grid_livelihood",
        appointment="wang-jianguo-grid",
    )
    await town.register("2026-11-06 14:20", case, "village-litter", "U3")
    await town.dispatch("2026-11-06 14:40", case)
    assert (await view(town, case))["unit"] == "shiqiao-committee"

    as_clerk = {"appointment": "wang-jianguo-clerk"}
    refused = await town.accept("2026-11-06 15:00", case, "wang-jianguo", expect=409, **as_clerk)
    assert (refused["code"], refused["rule_id"]) == ("E-SEP-01", "SEP-01")
    assert refused["evidence_event_ids"]
    assert "liu-guilan" in refused["allowed_actions"]

    await town.accept("2026-11-06 15:10", case, "liu-guilan", appointment="liu-guilan-clerk")
    document = await view(town, case)
    assert (document["state"], document["dual_hat"]) == ("IN_PROGRESS", True)

    await town.feedback("2026-11-07 10:00", case, "liu-guilan", "已清运", appointment="liu-guilan-handler")
    await town.review("2026-11-07 10:30", case)
    assert (await view(town, case))["verification"]["verifier"] == "li-fang"
