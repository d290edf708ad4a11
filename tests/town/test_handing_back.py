"""退单, 会商裁定, 协办, and what intake does to an order, as their callers meet them, on the real broker and server."""

from typing import Any

import asyncpg
import pytest

from libs.directory.publish.files import read_files
from operations.embedded.stack import Stack
from operations.installation import ROOT
from tests.town.cases import events_of, odour
from trials.publish import publish
from trials.town import Town, civil

pytestmark = pytest.mark.long

MORNING = "2026-08-03 08:00"
DUTY = "县住建局职责清单第12条"
PHONE = "13900000004"
WHO = {"reporter_phone": PHONE}


async def act(town: Town, at: str, case: str, path: str, person: str, **body: Any) -> dict[str, Any]:
    """One command of routing; `expect` is the status."""
    how = {"expect": body.pop("expect")} if "expect" in body else {}
    return await town.act(at, "routing", f"/cases/{case}/{path}", person, body, **how)


async def shown(town: Town, case: str, person: str) -> dict[str, Any]:
    answer: dict[str, Any] = await town.line.get("routing", f"/cases/{case}", person=person)
    return answer


async def test_a_case_that_nobody_wants_is_ruled_on_after_two_returns(running: Stack, town: Town) -> None:
    """场景4 退单"乒乓球", without its clocks."""
    case = await odour(town, "2026-08-04 08:50", **WHO)
    await town.dispatch("2026-08-04 09:00", case)
    offered = await shown(town, case, "fang-yun")
    assert offered["allowed_actions"] == ["accept", "return"]
    assert offered["dispute"]["return_until"] == "2026-08-05T16:00:00+00:00"

    without = await act(town, "2026-08-04 16:50", case, "return", "fang-yun", suggested_unit="county-water", expect=409)
    assert (without["code"], without["rule_id"]) == ("E-RET-BASIS", "RET-2")
    why = {"basis": DUTY, "suggested_unit": "county-water", "reason": "三号楼住户称供水井渗漏"}
    await act(town, "2026-08-04 17:00", case, "return", "fang-yun", **why)
    assert (await shown(town, case, "chen-li"))["allowed_actions"] == ["return/approve", "return/reject", "arbitration"]
    own = await act(town, "2026-08-04 17:05", case, "return/approve", "ma-jun", expect=409)
    assert (own["code"], own["allowed_actions"]) == ("E-SEP-15", ["chen-li"])
    await act(town, "2026-08-04 17:10", case, "return/approve", "chen-li")

    waiting = await shown(town, case, "chen-li")
    assert (waiting["state"], waiting["unit"], waiting["proposed"]) == ("REGISTERED", None, "county-water")
    await town.dispatch("2026-08-04 17:20", case)
    await act(
        town, "2026-08-05 10:00", case, "return", "cao-ying", basis="供水条例第8条", suggested_unit="county-urban"
    )
    await act(town, "2026-08-05 10:30", case, "return/approve", "chen-li")
    await town.dispatch("2026-08-05 10:40", case)
    assert (await shown(town, case, "chen-li"))["unit"] == "county-urban"

    third = {"basis": "城管局职责清单第7条", "suggested_unit": "county-housing"}
    await act(town, "2026-08-05 16:00", case, "return", "tang-jing", **third)
    disputed = await shown(town, case, "deng-hui")
    assert (disputed["state"], disputed["allowed_actions"]) == ("ARBITRATION", ["arbitration/rule"])
    assert disputed["dispute"]["because"] == "RET-3"
    assert disputed["dispute"]["returns"][0]["basis"] == DUTY
    assert disputed["dispute"]["parties"] == ["county-housing", "county-water", "county-urban"]
    ruling = {"unit": "county-urban", "groundless": ["county-urban"], "reason": "市政排水管网由城管部门养护"}
    party = await act(town, "2026-08-06 09:00", case, "arbitration/rule", "fang-yun", **ruling, expect=409)
    assert (party["code"], party["rule_id"], party["allowed_actions"]) == ("E-SEP-09", "SEP-09", ["deng-hui"])
    await act(town, "2026-08-06 09:30", case, "arbitration/rule", "deng-hui", **ruling)

    forced = await shown(town, case, "tang-jing")
    assert (forced["state"], forced["unit"], forced["allowed_actions"]) == ("DISPATCHED", "county-urban", ["accept"])
    assert forced["rule_chain"][-1]["rule"] == "RET-4"
    assert [one["groundless"] for one in forced["dispute"]["returns"]] == [False, False, True]
    again = await act(town, "2026-08-06 10:00", case, "return", "tang-jing", **third, expect=409)
    assert (again["code"], again["rule_id"]) == ("E-RET-FORBIDDEN", "RET-4")
    assert await events_of(running, f"case-{case}") == [
        "route-proposed",
        "case-dispatched",
        "return-requested",
        "return-approved",
        "route-proposed",
        "case-dispatched",
        "return-requested",
        "return-approved",
        "route-proposed",
        "case-dispatched",
        "arbitration-opened",
        "arbitration-ruled",
        "case-dispatched",
    ]


async def test_a_rejected_return_stays_with_the_unit_which_may_not_ask_again(town: Town) -> None:
    case = await odour(town, "2026-08-06 10:10", **WHO)
    await town.dispatch("2026-08-06 10:20", case)
    why = {"basis": DUTY, "suggested_unit": "county-water"}
    await act(town, "2026-08-06 10:30", case, "return", "fang-yun", **why)
    pending = await town.accept("2026-08-06 10:35", case, "fang-yun", expect=409)
    assert (pending["code"], pending["allowed_actions"]) == (
        "E-STATE",
        ["return/approve", "return/reject", "arbitration"],
    )
    await act(town, "2026-08-06 10:40", case, "return/reject", "chen-li", reason="小区内管网由住建监管")
    again = await act(
        town, "2026-08-06 10:50", case, "return", "fang-yun", basis=DUTY, suggested_unit="county-water", expect=409
    )
    assert (again["code"], again["rule_id"]) == ("E-RET-LIMIT", "RET-3")
    await town.accept("2026-08-06 11:00", case, "fang-yun")
    assert (await shown(town, case, "fang-yun"))["state"] == "IN_PROGRESS"


async def test_the_words_of_a_return_are_sealed(running: Stack, town: Town) -> None:
    conn = await asyncpg.connect(running.admin_url("routing"))
    try:
        bodies = await conn.fetch(
            "select convert_from(body, 'UTF8') as body from log.event where type like 'routing.return-%'"
        )
    finally:
        await conn.close()
    text = "".join(row["body"] for row in bodies)
    assert DUTY not in text
    assert "三号楼住户" not in text
    assert '"basis":{"sealed"' in text


async def test_the_leader_endorses_what_his_unit_sends_where_the_class_wants_it(running: Stack, town: Town) -> None:
    case = await town.appeal("2026-08-06 11:01", "zhou-min", "G03", "complaint", "工地拖欠工资", reporter_phone=PHONE)
    await town.register("2026-08-06 11:01", case, "wage-arrears", "U3")
    await town.dispatch("2026-08-06 11:02", case)
    await town.accept("2026-08-06 11:03", case, "jiang-li")
    await town.contact("2026-08-06 11:04", case, "wei-dong")
    await town.feedback("2026-08-06 11:05", case, "wei-dong", "已责令支付")
    drafted = await shown(town, case, "bai-song")
    assert (drafted["state"], drafted["allowed_actions"]) == ("IN_PROGRESS", ["endorsement"])
    assert (drafted["endorsement"]["act"], drafted["endorsement"]["reply"]) == ("feedback", "已责令支付")
    own = await act(town, "2026-08-06 11:06", case, "endorsement", "wei-dong", approved=True, expect=409)
    assert (own["code"], own["allowed_actions"]) == ("E-SEP-15", ["bai-song"])

    await act(town, "2026-08-06 11:07", case, "endorsement", "bai-song", approved=False, reason="请写明支付日期")
    assert (await shown(town, case, "bai-song"))["endorsement"] is None
    await town.feedback("2026-08-06 11:08", case, "wei-dong", "已责令三日内支付")
    await act(town, "2026-08-06 11:09", case, "endorsement", "bai-song", approved=True)
    sent = await shown(town, case, "bai-song")
    assert (sent["state"], sent["endorsement"], sent["allowed_actions"]) == ("FEEDBACK", None, [])
    assert (await events_of(running, f"case-{case}"))[-5:] == [
        "endorsement-requested",
        "endorsement-refused",
        "endorsement-requested",
        "endorsement-given",
        "feedback-submitted",
    ]


async def test_the_lead_waits_for_its_co_unit(town: Town) -> None:
    case = await odour(town, "2026-08-06 11:10", **WHO)
    await town.dispatch("2026-08-06 11:20", case)
    await town.accept("2026-08-06 11:30", case, "fang-yun")
    await act(town, "2026-08-06 11:35", case, "co-units", "fang-yun", unit="county-urban", task="清掏路面雨水口")
    await town.contact("2026-08-06 11:40", case, "zheng-kai")
    early = await town.feedback("2026-08-06 15:00", case, "zheng-kai", "已疏通", expect=409)
    assert (early["code"], early["allowed_actions"]) == ("E-FB-COUNIT", ["county-urban"])
    asked = await shown(town, case, "tang-jing")
    assert (asked["allowed_actions"], asked["co_units_outstanding"]) == (["co-units/report"], ["county-urban"])
    other = await act(town, "2026-08-06 15:10", case, "co-units/report", "cao-ying", report="已办", expect=403)
    assert other["code"] == "E-UNIT"
    await act(town, "2026-08-06 15:20", case, "co-units/report", "tang-jing", report="已清掏")
    await town.feedback("2026-08-06 15:30", case, "zheng-kai", "已疏通")
    assert (await shown(town, case, "fang-yun"))["state"] == "FEEDBACK"


async def test_a_withdrawal_cancels_the_order_and_its_restoring_gives_it_back(running: Stack, town: Town) -> None:
    case = await odour(town, "2026-08-06 15:40", **WHO)
    await town.dispatch("2026-08-06 15:50", case)
    await town.accept("2026-08-06 16:00", case, "fang-yun")
    await town.act("2026-08-06 16:10", "intake", f"/cases/{case}/withdraw", "zhou-min", {"phone": PHONE})
    gone = await shown(town, case, "fang-yun")
    assert (gone["state"], gone["allowed_actions"]) == ("WITHDRAWN", [])
    await town.act("2026-08-06 16:30", "intake", f"/cases/{case}/restore", "zhou-min", {"phone": PHONE})
    back = await shown(town, case, "fang-yun")
    assert (back["state"], back["unit"]) == ("IN_PROGRESS", "county-housing")
    await town.assign("2026-08-06 16:40", case, "fang-yun", "zheng-kai")
    assert (await events_of(running, f"case-{case}"))[-3:] == [
        "work-order-cancelled",
        "handling-resumed",
        "handler-assigned",
    ]


async def test_a_correction_sends_a_registered_case_elsewhere_and_leaves_a_dispatched_one(town: Town) -> None:
    case = await odour(town, "2026-08-06 16:50", **WHO)
    correct = {"reason": "选错事项", "class_code": "construction-dust"}
    await town.act("2026-08-06 16:55", "intake", f"/cases/{case}/correct", "zhou-min", correct)
    corrected = await shown(town, case, "chen-li")
    assert (corrected["proposed"], corrected["class_code"]) == ("county-housing", "construction-dust")
    assert "施工扬尘" in corrected["rule_chain"][0]["zh"]
    await town.dispatch("2026-08-06 17:00", case)
    back = {"reason": "原登记无误", "class_code": "sewer-odour"}
    await town.act("2026-08-06 17:05", "intake", f"/cases/{case}/correct", "zhou-min", back)
    kept = await shown(town, case, "fang-yun")
    assert (kept["state"], kept["unit"], kept["class_code"]) == ("DISPATCHED", "county-housing", "sewer-odour")


async def test_a_return_left_undecided_goes_to_arbitration_by_itself(running: Stack, town: Town) -> None:
    case = await odour(town, "2026-08-07 08:30", **WHO)
    await town.dispatch("2026-08-07 08:35", case)
    await act(town, "2026-08-07 08:40", case, "return", "fang-yun", basis=DUTY, suggested_unit="county-water")
    await town.line.run_to(civil("2026-08-07 14:40"))
    assert (await shown(town, case, "chen-li"))["state"] == "RETURN_PENDING"
    await town.line.run_to(civil("2026-08-07 14:41"))
    disputed = await shown(town, case, "deng-hui")
    assert (disputed["state"], disputed["dispute"]["because"]) == ("ARBITRATION", "SILENCE")
    assert disputed["dispute"]["parties"] == ["county-housing"]
    late = await act(town, "2026-08-07 14:50", case, "return/approve", "chen-li", expect=409)
    assert (late["code"], late["allowed_actions"]) == ("E-STATE", ["arbitration/rule"])


async def test_the_right_to_return_is_lost_with_the_last_day_of_the_window(town: Town) -> None:
    case = await odour(town, "2026-08-07 15:00", **WHO)
    await town.dispatch("2026-08-07 15:10", case)
    lost = await act(
        town, "2026-08-11 08:00", case, "return", "fang-yun", basis=DUTY, suggested_unit="county-water", expect=409
    )
    assert (lost["code"], lost["rule_id"]) == ("E-RET-WINDOW", "RET-1")


async def test_the_cases_of_a_unit_in_which_every_post_has_ended_are_ruled_to_another(town: Town) -> None:
    """Its leader, clerk and handlers leave one evening, with one case to be signed and one in work."""
    unsigned = await odour(town, "2026-08-12 09:00", **WHO)
    await town.dispatch("2026-08-12 09:10", unsigned)
    signed = await odour(town, "2026-08-12 09:20", "G04", **WHO)
    await town.dispatch("2026-08-12 09:30", signed)
    await town.accept("2026-08-12 09:40", signed, "fang-yun")
    too_early = await act(town, "2026-08-12 10:00", signed, "arbitration", "chen-li", expect=409)
    assert too_early["code"] == "E-STATE"

    posts = read_files(ROOT / "examples" / "town").raw["appointments"]
    ended = [{**one, "until": "2026-08-12"} for one in posts if one["unit"] == "county-housing"]
    await publish(town.line, {"appointments": ended})
    await town.line.run_to(civil("2026-08-13 09:00"))
    alarms = await town.line.get("supervision", "/alarms", person="han-feng", kind="UNIT_VACANT")
    assert {unsigned, signed} <= {row["case_id"] for row in alarms["items"]}

    for at, case in (("2026-08-13 09:1", unsigned), ("2026-08-13 09:2", signed)):
        assert (await shown(town, case, "chen-li"))["allowed_actions"] == ["arbitration"]
        await act(town, f"{at}0", case, "arbitration", "chen-li")
        dispute = (await shown(town, case, "deng-hui"))["dispute"]
        assert (dispute["because"], dispute["parties"]) == ("VACANT", ["county-housing"])
        ruling = {"unit": "county-urban", "reason": "原承办科室已撤销", "groundless": []}
        await act(town, f"{at}1", case, "arbitration/rule", "deng-hui", **ruling)
        after = await shown(town, case, "tang-jing")
        assert (after["state"], after["unit"], after["allowed_actions"]) == ("DISPATCHED", "county-urban", ["accept"])
