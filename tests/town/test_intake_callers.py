"""Callers on the real system: earlier cases, identity, the same caller again, hints, attachments, and erasure."""

import re
from typing import Any

import asyncpg
import orjson
import pytest

from libs.events.ids import new_id
from operations.compare import opener, parts_of
from operations.embedded.stack import Stack
from operations.rebuild import compare
from tests.integration.http_edge import Edge, assert_problem
from tests.integration.logs import eventually
from tests.town.uploads import photo, sent
from trials.town import Town, place

pytestmark = pytest.mark.long

NAME, TELEPHONE, OTHER_TELEPHONE = "张三丰示例", "13800000000", "13900000000"
DAY = "2026-08-17"
MORNING = f"{DAY} 08:00"
WHO = {"reporter_name": NAME, "reporter_phone": TELEPHONE}
LAMP = "小区门口路灯不亮，晚上很黑"
AT_THE_LAMP = {"place": {"grid": "G03", "address": "建设路12号"}}


@pytest.fixture
def edge(running: Stack) -> Edge:
    return Edge(running)


async def access(running: Stack, case: str) -> list[dict[str, Any]]:
    """What the case's access stream says of identities read."""
    conn = await asyncpg.connect(running.admin_url("intake"))
    try:
        rows = await conn.fetch("select body from log.event where stream = $1 order by version", f"access-{case}")
    finally:
        await conn.close()
    return [orjson.loads(row["body"]) for row in rows]


async def looked_up(town: Town, at: str, telephone: str = TELEPHONE) -> list[dict[str, Any]]:
    body = {"phone": telephone, "purpose": "TAKE_CALL"}
    answer = await town.act(at, "intake", "/callers/lookup", "zhou-min", body)
    items: list[dict[str, Any]] = answer["items"]
    return items


async def called(town: Town, at: str, telephone: str = TELEPHONE, **fields: Any) -> dict[str, Any]:
    """A call about the lamp."""
    who = {"reporter_name": NAME, "reporter_phone": telephone}
    body = {"channel": "phone", "kind": "help", "content": LAMP, **AT_THE_LAMP, **who, **fields}
    return await town.act(at, "intake", "/appeals", "zhou-min", body)


async def test_one_citizen_four_times_in_three_days_is_one_case_and_three_repeats(town: Town) -> None:
    """rulebook.md scenario 9, the part of the same caller."""
    first = await called(town, f"{DAY} 09:00")
    await town.register(f"{DAY} 09:05", first["case_id"], "street-light", "U3")
    again = [
        await called(town, f"{DAY} 16:00", "+86 138-0000-0000"),
        await called(town, "2026-08-18 10:00", "138 0000 0000", content="还是没有人来修", same_case=first["case_id"]),
        await called(town, "2026-08-19 10:00"),
    ]

    assert (first["attached"], "secret" in first) == (False, True)
    assert [(one["case_id"], one["attached"], "secret" in one) for one in again] == [
        (first["case_id"], True, False)
    ] * 3
    (shown,) = await looked_up(town, "2026-08-19 10:05")
    assert (shown["case_id"], shown["contacts"], shown["open"]) == (first["case_id"], 4, True)


async def test_another_matter_of_the_same_caller_at_the_same_address_is_not_attached_unasked(
    town: Town, edge: Edge
) -> None:
    """Noise at night, then yellow water."""
    (known, *_) = await looked_up(town, "2026-08-19 10:06")
    water = {"channel": "phone", "kind": "help", "content": "自来水发黄有异味", **AT_THE_LAMP, **WHO}
    asked = await edge.send("POST", "/appeals", json=water)
    assert_problem(asked, 409, "E-MATTER")
    document = asked.json()
    assert [one["case_id"] for one in document["open_cases"]] == [known["case_id"]]
    assert document["allowed_actions"] == ["same_case", "new_case"]
    assert "水" not in asked.text.replace(document["message_zh"], "")

    wrong = await edge.send("POST", "/appeals", json={**water, "same_case": new_id()})
    assert_problem(wrong, 404)
    both = {"same_case": known["case_id"], "new_case": True, "new_case_reason": "OTHER_MATTER"}
    assert_problem(await edge.send("POST", "/appeals", json={**water, **both}), 422, "E-INPUT")


async def test_another_caller_opens_a_case_of_his_own_and_is_only_hinted_at(town: Town) -> None:
    (mine,) = await looked_up(town, "2026-08-19 10:10")
    matter = {"kind": "help", "content": "路灯不亮，小区门口晚上很黑", **AT_THE_LAMP}
    hints = await town.act("2026-08-19 10:11", "intake", "/duplicates", "zhou-min", matter)
    other = await called(town, "2026-08-19 10:12", OTHER_TELEPHONE)

    (hint,) = hints["items"]
    assert (hint["case_id"], hint["same_address"]) == (mine["case_id"], True)
    assert re.fullmatch(r"同一地址，同一网格，同类诉求，内容相似\d+%", hint["reason_zh"])
    assert hint["likeness"] > 0.4
    assert other["case_id"] != mine["case_id"]


async def test_the_operator_may_say_that_it_is_another_matter_but_must_say_why(town: Town, edge: Edge) -> None:
    body = {"channel": "phone", "kind": "help", "content": LAMP, **AT_THE_LAMP, **WHO, "new_case": True}
    assert_problem(await edge.send("POST", "/appeals", json=body), 422, "E-INPUT")

    beside = await called(town, "2026-08-19 10:20", new_case=True, new_case_reason="OTHER_OBJECT")
    elsewhere = await called(town, "2026-08-19 10:21", place={"grid": "G03", "address": "建设路99号"})

    assert [one["attached"] for one in (beside, elsewhere)] == [False, False]
    assert len(await looked_up(town, "2026-08-19 10:22")) == 3


async def test_a_point_within_fifty_metres_is_the_same_place(town: Town) -> None:
    point = place("G04")
    near = {**point, "longitude": point["longitude"] + 3000}
    first = await called(town, "2026-08-19 10:30", "13700000000", place=point)
    again = await called(town, "2026-08-19 10:31", "13700000000", place=near)
    assert (again["case_id"], again["attached"]) == (first["case_id"], True)

    matter = {"kind": "help", "content": "别的说法", "place": near}
    hints = await town.act("2026-08-19 10:32", "intake", "/duplicates", "zhou-min", matter)
    assert [(one["case_id"], one["distance_m"]) for one in hints["items"]] == [(first["case_id"], 28)]


async def test_a_repeated_request_is_not_a_repeated_contact(town: Town, running: Stack, edge: Edge) -> None:
    (before, *_) = await looked_up(town, "2026-08-19 10:40", "13700000000")
    body = {"channel": "phone", "kind": "help", "content": LAMP, "place": place("G04"), "reporter_phone": "13700000000"}
    key = {"Idempotency-Key": new_id()}
    answers = [await edge.send("POST", "/appeals", json=body, headers=key) for _ in range(2)]
    await town.line.settle()
    (after, *_) = await looked_up(town, "2026-08-19 10:41", "13700000000")

    assert [one.status_code for one in answers] == [200, 200]
    assert answers[0].json() == answers[1].json()
    assert after["contacts"] == before["contacts"] + 1


async def test_who_may_not_receive_appeals_learns_nothing_from_trying(town: Town, edge: Edge) -> None:
    """The same refusal with a caller's number that is known and with one that is not; what is none, nobody may send."""
    body = {"channel": "phone", "kind": "help", "content": LAMP, "place": place("G04")}
    for phone in ("13700000000", "13711111111"):
        answer = await edge.send("POST", "/appeals", json={**body, "reporter_phone": phone}, person="zheng-kai")
        assert_problem(answer, 403, "E-ROLE")
        sought = await edge.send("POST", "/callers/lookup", json={"phone": phone, "purpose": "LAW"}, person="zheng-kai")
        assert_problem(sought, 403, "E-ROLE")
    nowhere = f"/cases/{new_id()}/identity"
    assert_problem(await edge.send("POST", nowhere, json={"purpose": "LAW"}, person="chen-li"), 403, "E-ROLE")
    assert_problem(await edge.send("POST", nowhere, json={"purpose": "CONTACT"}, person="zheng-kai"), 404)


async def test_a_machine_opens_a_case_of_its_own_and_joins_nobody_s(town: Town, edge: Edge) -> None:
    first = await called(town, "2026-08-19 10:44", "13900000000")
    body = {"channel": "web", "kind": "help", "content": LAMP, "place": place("G04"), "reporter_phone": "13900000000"}
    kiosk = {"Authorization": f"Bearer {edge.stack.token(client='kiosk', scopes=('intake',))}"}
    answer = await edge.send("POST", "/appeals", person=None, headers=kiosk, json=body)
    assert (answer.status_code, answer.json()["attached"]) == (201, False)
    assert answer.json()["case_id"] != first["case_id"]


async def test_an_operator_who_sees_it_himself_attaches_by_hand(town: Town, edge: Edge) -> None:
    case = (await called(town, "2026-08-19 10:50", "13600000000"))["case_id"]
    body = {"channel": "counter", "content": "到窗口再次反映"}
    await town.act("2026-08-19 10:51", "intake", f"/cases/{case}/repeat-contacts", "zhou-min", body)
    (shown,) = await looked_up(town, "2026-08-19 10:52", "13600000000")
    assert shown["contacts"] == 2

    await town.act("2026-08-19 10:53", "intake", f"/cases/{case}/void", "zhou-min", {"reason": "误录"})
    refused = await edge.send("POST", f"/cases/{case}/repeat-contacts", json=body)
    assert_problem(refused, 409, "E-STATE")
    new = await called(town, "2026-08-19 10:54", "13600000000")
    assert new["attached"] is False
    nobody = await edge.send("POST", f"/cases/{new_id()}/repeat-contacts", json=body)
    assert_problem(nobody, 404)


async def test_an_identity_is_read_for_a_purpose_and_every_reading_is_kept(
    town: Town, running: Stack, edge: Edge
) -> None:
    case = (await called(town, "2026-08-19 11:00", "13500000000"))["case_id"]
    path, body = f"/cases/{case}/identity", {"purpose": "ASK_DETAILS"}
    key = {"Idempotency-Key": new_id()}
    read = [(await edge.send("POST", path, json=body, headers=key)).json() for _ in range(2)]
    assert [(one["reporter_name"], one["reporter_phone"]) for one in read] == [(NAME, "13500000000")] * 2
    await looked_up(town, "2026-08-19 11:01", "13500000000")

    fields = [(one["read_by"], one["purpose"], one["fields"]) for one in await access(running, case)]
    assert fields == [
        *[("zhou-min", "ASK_DETAILS", ["reporter_name", "reporter_phone"])] * 2,
        ("zhou-min", "TAKE_CALL", ["reporter_phone"]),
    ]
    told = {}
    for person in ("shen-lan", "zhou-min"):
        shown = await town.line.get("intake", f"/cases/{case}/timeline", person=person)
        told[person] = [one["event_type"] for one in shown["items"]]
    assert told["shen-lan"].count("intake.identity-read.v1") == len(fields), "an auditor is told"
    assert "intake.identity-read.v1" not in told["zhou-min"]
    assert_problem(await edge.send("POST", path, json={"purpose": "CURIOSITY"}), 422, "E-INPUT")
    for person in ("chen-li", "han-feng", "he-jun", "li-fang"):
        assert_problem(await edge.send("POST", path, json=body, person=person), 403, "E-ROLE")
    refused = [(one["asked_by"], one["role"]) for one in await access(running, case) if "asked_by" in one]
    assert refused == [
        *(("chen-li", "DISPATCHER"), ("han-feng", "SUPERVISOR"), ("he-jun", "ADMIN"), ("li-fang", "GRID_WORKER"))
    ]
    lookup = {"phone": TELEPHONE, "purpose": "TAKE_CALL"}
    assert_problem(await edge.send("POST", "/callers/lookup", json=lookup, person="wu-qian"), 403, "E-ROLE")
    assert await looked_up(town, "2026-08-19 11:02", "13100000000") == []


async def test_a_telephone_one_digit_off_is_put_right_and_everything_follows_the_right_one(
    town: Town, edge: Edge
) -> None:
    case = (await called(town, "2026-08-19 11:05", "13500000008"))["case_id"]
    right = {"reason": "听录音更正", "reporter_phone": "13500000009"}
    await town.act("2026-08-19 11:06", "intake", f"/cases/{case}/correct", "zhou-min", right)
    assert [one["case_id"] for one in await looked_up(town, "2026-08-19 11:07", "13500000009")] == [case]
    assert await looked_up(town, "2026-08-19 11:08", "13500000008") == []
    read = (await edge.send("POST", f"/cases/{case}/identity", json={"purpose": "LAW"})).json()
    assert (read["reporter_name"], read["reporter_phone"]) == (NAME, "13500000009")
    wrong = await edge.send("POST", f"/cases/{case}/withdraw", json={"phone": "13500000008"})
    assert_problem(wrong, 409, "E-WD-OWNER")
    taken_back = await edge.send("POST", f"/cases/{case}/withdraw", json={"phone": "13500000009"})
    assert taken_back.status_code == 200


async def test_a_case_is_found_and_withdrawn_by_each_number_of_its_reporter(town: Town, edge: Edge) -> None:
    """Extension, remark, two numbers, no area code: what people write into one field."""
    told = {
        "13600000000转801": "13600000000",
        "13600000001/0512-66660000": "+86 512 66660000",
        "13600000002（3号楼502）": "13600000002",
        "0513-66660000-802": "66660000",
    }
    for minute, (written, calling) in enumerate(told.items(), start=11):
        elsewhere = {"place": {"grid": "G03", "address": f"建设路{minute}0号"}}
        case = (await called(town, f"2026-08-19 11:{minute}:00", written, **elsewhere))["case_id"]
        assert case in [one["case_id"] for one in await looked_up(town, f"2026-08-19 11:{minute}:20", calling)]
        again = await called(town, f"2026-08-19 11:{minute}:30", calling, **elsewhere)
        assert (again["case_id"], again["attached"]) == (case, True)
        gone = await edge.send("POST", f"/cases/{case}/withdraw", json={"phone": calling})
        assert (gone.status_code, gone.json()["continues"]) == (200, False)


async def test_what_is_no_telephone_is_said_when_it_is_typed_with_the_field(edge: Edge) -> None:
    body = {"channel": "phone", "kind": "help", "content": LAMP, **AT_THE_LAMP, "reporter_phone": "13800000000/61"}
    case = new_id()
    sent_to = {
        "/appeals": (body, "body.reporter_phone"),
        "/callers/lookup": ({"phone": "138****0000", "purpose": "TAKE_CALL"}, "body.phone"),
        f"/cases/{case}/withdraw": ({"phone": "no number"}, "body.phone"),
        f"/cases/{case}/correct": ({"reason": "听录音更正", "reporter_phone": "无"}, "body.reporter_phone"),
    }
    for path, (said, field) in sent_to.items():
        answer = await edge.send("POST", path, json=said)
        assert_problem(answer, 422, "E-TELEPHONE")
        assert [one["at"] for one in answer.json()["errors"]] == [field]
        assert "转801" in answer.json()["message_zh"]


async def test_who_handles_a_case_reads_whom_to_call(town: Town, edge: Edge) -> None:
    case = (await called(town, "2026-08-19 11:20", "13500000001"))["case_id"]
    await town.register("2026-08-19 11:21", case, "street-light", "U3")
    await town.dispatch("2026-08-19 11:22", case)
    path = f"/cases/{case}/identity"
    assert_problem(await edge.send("POST", path, json={"purpose": "LAW"}, person="song-tao"), 403, "E-CALLER")
    assert_problem(await edge.send("POST", path, json={"purpose": "CONTACT"}, person="zheng-kai"), 404)
    read = await edge.send("POST", path, json={"purpose": "CONTACT"}, person="song-tao")
    assert (read.status_code, read.json()["reporter_phone"]) == (200, "13500000001")


# Erasure -------------------------------------------------------------------------------------------------------------


async def test_after_erasure_nobody_finds_the_caller_and_a_rebuild_makes_the_same_rows(
    town: Town, running: Stack, edge: Edge
) -> None:
    case = (await called(town, "2026-08-19 12:00", "13400000000"))["case_id"]
    name = (await sent(edge, photo("green"), of=case, person="zhou-min")).json()["sha256"]
    assert (await edge.send("GET", f"/attachments/{name}")).status_code == 200
    found = await compared(running)
    assert (found.differences, found.rows["caller"] > 3, found.rows["likeness"] > 3) == ((), True, True)

    erased = {"kinds": ["reporter", "case"], "ground": "CONSENT_WITHDRAWN"}
    await town.act("2026-08-19 12:05", "intake", f"/cases/{case}/erase", "he-jun", erased)

    async def gone() -> bool:
        return await looked_up(town, "2026-08-19 12:06", "13400000000") == []

    await eventually(gone, "the telephone is forgotten")
    assert (await compared(running)).differences == ()
    assert_problem(await edge.send("GET", f"/attachments/{name}"), 409, "E-ERASED")
    assert_problem(await sent(edge, photo(), of=case, person="zhou-min"), 409, "E-ERASED")
    again = await edge.send("POST", f"/cases/{case}/identity", json={"purpose": "LAW"})
    assert (again.json()["reporter_name"], again.json()["events"]) == ("***", [])
    conn = await asyncpg.connect(running.admin_url("intake"))
    kept = await conn.fetchval("select sealed from attachments.attachment where case_id = $1", case)
    await conn.close()
    assert kept is None


async def compared(running: Stack) -> Any:
    async with opener(running.keys_url(), running.instance.keys) as opens:
        owner = running.database_url("intake", owner=True)
        return await compare(owner, running.bootstrap, parts_of("intake"), running.public_keys.proves, opens)
