"""Calls of one matter at one instant on the real system: listed as one group, told apart, gone with their cases."""

import asyncio
from datetime import datetime
from typing import Any

import pytest

from libs.events.ids import new_id
from operations.compare import opener, parts_of
from operations.embedded.stack import Stack
from operations.rebuild import compare
from tests.integration.http_edge import Edge, assert_problem
from trials.town import Town, civil, place

pytestmark = pytest.mark.long

DAY = "2026-09-24"
MORNING = f"{DAY} 08:00"
LAMP = "小区门口路灯不亮，晚上很黑"
Group = dict[str, Any]


@pytest.fixture
def edge(running: Stack) -> Edge:
    return Edge(running)


async def suspected(town: Town, person: str = "zhou-min") -> list[Group]:
    """Of today: older days of the town have left groups of their own."""
    answer = await town.line.get("intake", "/duplicates", person=person)
    assert answer["count"] == len(answer["items"])
    morning = civil(MORNING)
    return [one for one in answer["items"] if datetime.fromisoformat(one["since"]) >= morning]


def cases_of(group: Group) -> list[str]:
    return [one["case_id"] for one in group["cases"]]


async def called(edge: Edge, phone: str | None = None, content: str = LAMP, **fields: Any) -> str:
    """One call of many; each of its own key."""
    who = {"reporter_phone": phone} if phone else {}
    body = {"channel": "phone", "kind": "help", "content": content, "place": {"grid": "G03"}, **who, **fields}
    answer = await edge.send("POST", "/appeals", json=body)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["case_id"])


async def test_twenty_calls_of_a_new_number_at_one_instant_are_one_group(town: Town, edge: Edge) -> None:
    assert await suspected(town) == []
    made = await asyncio.gather(*(called(edge, "13811110001") for _ in range(20)))
    await town.line.settle()
    (group,) = await suspected(town)
    assert sorted(cases_of(group)) == sorted(made)
    assert len(set(made)) == 20
    assert group["same_number"] is True
    assert group["reason_zh"].startswith("同一来电号码，同一网格，")
    assert all(one["receipt"] and one["state"] == "RECEIVED" for one in group["cases"])
    assert "13811110001" not in str(group)


async def test_supervision_sees_the_list_and_who_only_handles_cases_does_not(town: Town, edge: Edge) -> None:
    assert len(await suspected(town, "han-feng")) == 1
    for person in ("zheng-kai", "li-fang"):
        assert_problem(await edge.send("GET", "/duplicates", person=person), 403, "E-ROLE")


async def test_a_group_shrinks_by_what_is_voided_and_withdrawn_and_ends_with_its_last_pair(
    town: Town, edge: Edge
) -> None:
    (group,) = await suspected(town)
    first, second, third, *others = cases_of(group)
    for case in others:
        answer = await edge.send("POST", f"/cases/{case}/void", json={"reason": "同一来电重复录入"})
        assert answer.status_code == 200, answer.text
    await town.line.settle()
    (left,) = await suspected(town)
    assert cases_of(left) == [first, second, third]
    await town.withdraw(f"{DAY} 09:00", third, "13811110001")
    await town.restore(f"{DAY} 09:10", third, "13811110001")
    assert cases_of((await suspected(town))[0]) == [first, second, third]
    await town.withdraw(f"{DAY} 09:20", third, "13811110001")
    await town.act(f"{DAY} 09:30", "intake", f"/cases/{second}/void", "zhou-min", {"reason": "重复"})
    assert await suspected(town) == []


async def test_two_callers_at_one_place_are_listed_until_the_operator_says_they_are_two_matters(
    town: Town, edge: Edge
) -> None:
    point = {**place("G04"), "longitude": place("G04")["longitude"] + 30_000}
    near = {**point, "longitude": point["longitude"] + 3000}
    one = await called(edge, "13811110002", place=point)
    other = await called(edge, "13811110003", content="路灯不亮，门口很黑", place=near)
    await called(edge, "13811110004", content="自来水发黄有异味", place=point)
    await town.line.settle()
    (group,) = await suspected(town)
    assert (cases_of(group), group["same_number"]) == ([one, other], False)

    path, body = f"/cases/{other}/tell-apart", {"others": [one], "reason": "OTHER_OBJECT"}
    assert_problem(await edge.send("POST", path, json=body, person="han-feng"), 403, "E-ROLE")
    assert_problem(await edge.send("POST", path, json={**body, "others": [new_id()]}), 422)
    assert_problem(await edge.send("POST", path, json={**body, "others": [other]}), 422)
    assert_problem(await edge.send("POST", f"/cases/{new_id()}/tell-apart", json=body), 404)
    told = await town.act(f"{DAY} 10:00", "intake", path, "zhou-min", body)
    again = await town.act(f"{DAY} 10:01", "intake", path, "zhou-min", body)
    assert (len(told["events"]), again["events"]) == (1, [])
    assert await suspected(town) == []


async def test_a_case_that_the_operator_opened_beside_the_caller_s_own_is_not_suspected(town: Town, edge: Edge) -> None:
    here = {"grid": "G03", "address": "建设路77号"}
    await called(edge, "13811110005", place=here)
    await town.line.settle()
    await called(edge, "13811110005", place=here, new_case=True, new_case_reason="OTHER_OBJECT")
    await town.line.settle()
    assert await suspected(town) == []


async def test_a_corrected_telephone_and_an_erased_one_count_no_more(town: Town, edge: Edge) -> None:
    first, second = await asyncio.gather(called(edge, "13811110006"), called(edge, "13811110006"))
    await town.line.settle()
    assert [cases_of(one) for one in await suspected(town)] == [sorted((first, second))]
    wrong = {"reason": "听录音", "reporter_phone": "13811110007"}
    await town.act(f"{DAY} 11:00", "intake", f"/cases/{second}/correct", "zhou-min", wrong)
    assert await suspected(town) == []
    right = {"reason": "再听录音", "reporter_phone": "13811110006"}
    await town.act(f"{DAY} 11:10", "intake", f"/cases/{second}/correct", "zhou-min", right)
    assert len(await suspected(town)) == 1
    gone = {"kinds": ["reporter"], "ground": "CONSENT_WITHDRAWN"}
    await town.act(f"{DAY} 11:20", "intake", f"/cases/{first}/erase", "he-jun", gone)
    assert await suspected(town) == []


async def test_of_one_case_its_own_group_is_shown(town: Town, edge: Edge) -> None:
    mine = await asyncio.gather(called(edge, "13811110008"), called(edge, "13811110008"))
    await asyncio.gather(called(edge, "13811110009"), called(edge, "13811110009"))
    await town.line.settle()
    assert len(await suspected(town)) == 2
    answer = await town.line.get("intake", "/duplicates", person="zhou-min", case_id=mine[0])
    assert [cases_of(one) for one in answer["items"]] == [sorted(mine)]


async def test_a_rebuild_makes_the_same_clues(town: Town, running: Stack) -> None:
    async with opener(running.keys_url(), running.instance.keys) as opens:
        owner = running.database_url("intake", owner=True)
        found = await compare(owner, running.bootstrap, parts_of("intake"), running.public_keys.proves, opens)
    assert found.differences == ()
    assert found.rows["clue"] > 0
