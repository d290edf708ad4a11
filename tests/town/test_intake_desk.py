"""The operator's desk and the citizen's receipt on the real broker and server, real processes, real keys."""

import asyncio
from typing import Any

import asyncpg
import httpx
import orjson

from libs.events.ids import new_id
from operations.embedded.stack import Stack
from services.intake.domain.receipts import number_of
from tests.integration.http_edge import Edge, assert_problem
from tests.town.uploads import photo, sent
from trials.town import Town, civil

DAY = "2026-09-21"
MORNING = f"{DAY} 08:00"
NAME, TELEPHONE, OTHERS = "张三丰示例", "138-0000-0000", "13900000000"
REASON = "家中已恢复供水示例"
Answer = dict[str, Any]


async def appealed(town: Town, at: str, kind: str, content: str, **fields: Any) -> Answer:
    """周敏 takes the call of a named citizen; answers case, receipt and secret."""
    who = {"reporter_name": NAME, "reporter_phone": TELEPHONE}
    body = {"channel": "phone", "kind": kind, "content": content, "place": {"grid": "G03"}, **who, **fields}
    return await town.act(f"{DAY} {at}", "intake", "/appeals", "zhou-min", body)


async def desk(town: Town, at: str, case: str, what: str, expect: int = 200, **body: Any) -> Answer:
    """周敏 does something with a case."""
    return await town.act(f"{DAY} {at}", "intake", f"/cases/{case}/{what}", "zhou-min", body, expect=expect)


async def citizen(
    town: Town, what: str, made: Answer, *, address: str = "203.0.113.1", key: str | None = None, **body: Any
) -> httpx.Response:
    """The holder of a receipt asks through the web, without any token."""
    sent = {"receipt": made["receipt"], "secret": made["secret"], **body}
    headers = {"Idempotency-Key": key or new_id(), "X-Forwarded-For": address}
    return await town.line.client.post(f"{town.line.apis['intake']}/receipts/{what}", json=sent, headers=headers)


async def seen(town: Town, case: str) -> Answer:
    """The case as the operator sees it."""
    answer: Answer = await town.line.get("intake", f"/cases/{case}", person="zhou-min")
    return answer


async def stored(running: Stack, query: str, *values: Any) -> list[Any]:
    conn = await asyncpg.connect(running.admin_url("intake"))
    try:
        rows: list[Any] = await conn.fetch(query, *values)
    finally:
        await conn.close()
    return rows


async def test_the_receipt_comes_with_the_appeal_and_its_secret_is_stored_nowhere(running: Stack, town: Town) -> None:
    await town.line.run_to(civil(f"{DAY} 08:30"))
    token = {"Authorization": f"Bearer {running.token(person='zhou-min')}", "Idempotency-Key": new_id()}
    body = {"channel": "phone", "kind": "help", "content": "路灯不亮", "place": {"grid": "G03"}}
    url = f"{town.line.apis['intake']}/appeals"
    first = await town.line.client.post(url, json=body, headers=token)
    again = await town.line.client.post(url, json=body, headers=token)
    await town.line.settle()

    made = first.json()
    assert (first.status_code, first.content) == (201, again.content)
    assert made["receipt"] == number_of(made["case_id"])
    written = await stored(running, "select response::text as text from log.command_log")
    written += await stored(running, "select convert_from(body, 'utf8') as text from log.event")
    written += await stored(running, "select r::text as text from read.receipt r")
    everything = " ".join(str(row["text"]) for row in written)
    assert made["case_id"] in everything
    for secret in (made["secret"], made["secret"].replace("-", "")):
        assert secret not in everything
    assert (await seen(town, made["case_id"]))["receipt"] == made["receipt"]
    found = await town.line.get("intake", "/cases", person="zhou-min", receipt=made["receipt"])
    assert [one["case_id"] for one in found["items"]] == [made["case_id"]]


async def test_a_receipt_shows_how_the_matter_stands_and_nobodys_data(running: Stack, town: Town) -> None:
    made = await appealed(town, "09:00", "complaint", "下水道异味")
    case = made["case_id"]
    received = (await citizen(town, "status", made)).json()
    await town.register(f"{DAY} 09:10", case, "sewer-odour", "U3")
    await town.dispatch(f"{DAY} 09:20", case)
    answer = await citizen(town, "status", made)
    dispatched = answer.json()

    assert (received["state_zh"], received["unit_zh"], received["due_at"]) == ("已接收, 等待登记", None, None)
    assert (dispatched["state_en"], dispatched["unit_en"]) == (
        "sent to the responsible unit, waiting for it to sign",
        "County Housing and Construction Bureau",
    )
    assert dispatched["received_at"].startswith("2026-09-21T01:00:00")
    assert dispatched["registered_at"].startswith("2026-09-21T01:10:00")
    assert dispatched["dispatched_at"].startswith("2026-09-21T01:20:00")
    assert dispatched["due_at"] > dispatched["dispatched_at"]
    assert (dispatched["closed_at"], dispatched["allowed_actions"]) == (None, ["withdraw"])
    assert dispatched["as_of"] >= dispatched["dispatched_at"]
    for personal in (NAME, "138", "下水道", case, "zhou-min", "chen-li"):
        assert personal not in answer.text


async def test_a_wrong_secret_and_an_unknown_receipt_get_the_same_answer(town: Town) -> None:
    made = await appealed(town, "09:30", "help", "停水")
    wrong = await citizen(town, "status", {**made, "secret": "00000-00000"}, address="203.0.113.2")
    unknown = await citizen(town, "status", {**made, "receipt": number_of(new_id())}, address="203.0.113.2")
    mistyped = await citizen(town, "status", {**made, "receipt": "1111-1111-1111-1111"}, address="203.0.113.2")

    assert (wrong.status_code, wrong.json()["code"]) == (404, "E-RECEIPT")
    assert (wrong.status_code, wrong.content) == (unknown.status_code, unknown.content)
    assert (mistyped.status_code, mistyped.json()["code"]) == (422, "E-RECEIPT-FORM")


async def test_who_tries_too_often_has_to_wait(town: Town) -> None:
    made = await appealed(town, "09:40", "help", "停水")
    wrong = {**made, "secret": "00000-00000"}
    tries = [await citizen(town, "withdraw", wrong, address="198.51.100.77") for _ in range(30)]
    by_receipt = await citizen(town, "status", made, address="198.51.100.77")
    himself = await citizen(town, "status", made, address="198.51.100.78")
    others = [{**made, "receipt": number_of(new_id())} for _ in range(31)]
    by_address = [await citizen(town, "status", one, address="192.0.2.1") for one in others][-1]

    assert {one.status_code for one in tries} == {404}
    assert himself.status_code == 200
    for refused in (by_receipt, by_address):
        assert (refused.status_code, refused.json()["code"]) == (429, "E-RATE")
        assert refused.headers["content-type"] == "application/problem+json"
        assert int(refused.headers["retry-after"]) >= 1
    assert (await seen(town, made["case_id"]))["state"] == "RECEIVED"


async def test_scenario_14a_what_was_solved_by_itself_is_withdrawn_by_telephone(running: Stack, town: Town) -> None:
    made = await appealed(town, "10:00", "help", "家中停水")
    case = made["case_id"]
    await town.register(f"{DAY} 10:01", case, "water-outage", "U2")
    answer = await desk(town, "10:10", case, "withdraw", phone="+86 13800000000", reason=REASON)

    assert answer["continues"] is False
    assert answer["restorable_until"] == "2026-09-21T04:10:00Z"
    shown = await seen(town, case)
    assert (shown["state"], shown["allowed_actions"]) == ("WITHDRAWN", ["restore"])
    status = (await citizen(town, "status", made)).json()
    assert (status["state_zh"], status["closed_at"][:19]) == ("已按您的要求撤回", "2026-09-21T02:10:00")
    bodies = await stored(running, "select convert_from(body, 'utf8') as text from log.event")
    assert REASON not in " ".join(row["text"] for row in bodies)


async def test_scenario_14b_a_report_goes_on_without_the_reporter(town: Town) -> None:
    made = await appealed(town, "10:20", "report", "消防通道被堵")
    key = new_id()
    answer = await citizen(town, "withdraw", made, key=key, reason="邻居劝说")
    again = await citizen(town, "withdraw", made, key=key, reason="邻居劝说")
    await town.line.settle()

    assert (answer.status_code, answer.json()["continues"]) == (200, True)
    assert again.content == answer.content
    other_body = await citizen(town, "withdraw", made, key=key, reason="别的原因")
    assert (other_body.status_code, other_body.json()["code"]) == (422, "E-IDEM")
    shown = await seen(town, made["case_id"])
    assert shown["state"] == "RECEIVED"
    assert {"register", "restore"} <= set(shown["allowed_actions"])
    await town.register(f"{DAY} 10:30", made["case_id"], "fire-lane", "U2")


async def test_scenario_14c_another_telephone_withdraws_nothing_and_the_attempt_is_recorded(
    running: Stack, town: Town
) -> None:
    made = await appealed(town, "10:40", "help", "家中停水")
    refusal = await desk(town, "10:41", made["case_id"], "withdraw", expect=409, phone=OTHERS)
    nameless = await appealed(town, "10:42", "help", "家中停水", reporter_name=None, reporter_phone=None)
    without = await desk(town, "10:43", nameless["case_id"], "withdraw", expect=409, phone=OTHERS)

    assert (refusal["code"], without["code"]) == ("E-WD-OWNER", "E-WD-OWNER")
    rows = await stored(
        running,
        "select type, convert_from(body, 'utf8') as text from log.event where stream = $1",
        f"access-{made['case_id']}",
    )
    assert [row["type"] for row in rows] == ["intake.ownership-not-proved.v1"]
    assert orjson.loads(rows[0]["text"]) == {"asked_of": "zhou-min", "asked_for": "withdraw", "proof": "PHONE"}
    assert (await seen(town, made["case_id"]))["state"] == "RECEIVED"


async def test_a_change_of_mind_within_two_hours_is_taken_and_later_it_is_not(town: Town) -> None:
    soon = await appealed(town, "11:00", "help", "家中停水")
    late = await appealed(town, "11:01", "help", "家中停水")
    for made in (soon, late):
        await town.register(f"{DAY} 11:02", made["case_id"], "water-outage", "U2")
        assert (await citizen(town, "withdraw", made)).status_code == 200
    await town.line.run_to(civil(f"{DAY} 12:00"))
    taken = await citizen(town, "restore", soon)
    await town.line.run_to(civil(f"{DAY} 13:03"))
    by_receipt = await citizen(town, "restore", late)
    by_telephone = await desk(town, "13:04", late["case_id"], "restore", expect=409, phone=TELEPHONE)

    assert taken.status_code == 200, taken.text
    assert (by_receipt.status_code, by_receipt.json()["code"]) == (409, "E-WD-WINDOW")
    assert by_telephone["code"] == "E-WD-WINDOW"
    assert (await seen(town, soon["case_id"]))["state"] == "REGISTERED"
    assert (await seen(town, late["case_id"]))["state"] == "WITHDRAWN"
    status = (await citizen(town, "status", soon)).json()
    assert status["closed_at"] is None


async def test_a_correction_is_what_everybody_sees_from_then_on(town: Town) -> None:
    made = await appealed(town, "14:00", "complaint", "下水道异味")
    case = made["case_id"]
    await town.register(f"{DAY} 14:01", case, "sewer-odour", "U3")
    refused = await desk(town, "14:02", case, "correct", expect=422, reason="选错", class_code="no-such-class")
    outside = await desk(town, "14:02", case, "correct", expect=422, reason="选错", place={"grid": "G99"})
    body: Answer = {
        "reason": "选错事项",
        "class_code": "exposed-refuse",
        "content": "暴露垃圾",
        "place": {"grid": "G04"},
    }
    await desk(town, "14:03", case, "correct", **body)

    assert (refused["code"], outside["code"]) == ("E-CLASS", "E-PLACE")
    shown = await seen(town, case)
    assert (shown["class_code"], shown["urgency"], shown["kind"]) == ("exposed-refuse", "U3", "complaint")
    assert (shown["grid"], shown["content"]) == ("G04", "暴露垃圾")
    for person, found in (("li-fang", False), ("wang-jianguo", True)):
        listed = await town.line.get("intake", "/cases", person=person, appointment=GRID_POSTS[person], limit=200)
        assert (case in [one["case_id"] for one in listed["items"]]) is found


GRID_POSTS = {"li-fang": "li-fang-grid", "wang-jianguo": "wang-jianguo-grid"}


async def test_a_question_is_answered_on_the_spot(running: Stack, town: Town) -> None:
    question = await appealed(town, "14:10", "consult", "医保何时参保")
    complaint = await appealed(town, "14:11", "complaint", "下水道异味")
    answered: Answer = {"knowledge_entry": "social-insurance-0012", "reply": "每年9月至12月办理示例"}
    refused = await desk(town, "14:12", complaint["case_id"], "answer", expect=409, **answered)
    await desk(town, "14:13", question["case_id"], "answer", **answered)
    again = await desk(town, "14:14", question["case_id"], "answer", **answered)
    gone = await desk(
        town, "14:14", question["case_id"], "register", expect=409, class_code="consultation", urgency="U3"
    )

    assert (refused["code"], again["events"], gone["code"]) == ("E-KIND", [], "E-STATE")
    shown = await seen(town, question["case_id"])
    assert (shown["state"], shown["close_kind"], shown["allowed_actions"]) == ("CLOSED", "DIRECT", [])
    assert (await citizen(town, "status", question)).json()["state_en"] == "closed"
    logged = b"".join(path.read_bytes() for path in running.instance.logs.glob("intake-*.log"))
    bodies = await stored(running, "select convert_from(body, 'utf8') as text from log.event")
    for personal in (NAME, TELEPHONE, "办理示例"):
        assert personal.encode() not in logged + orjson.dumps([row["text"] for row in bodies])


async def test_many_restorings_at_once_are_one(running: Stack, town: Town) -> None:
    made = await appealed(town, "15:00", "help", "家中停水")
    answers = [await citizen(town, "withdraw", made)]
    answers += await asyncio.gather(*(citizen(town, "restore", made, key="same-key") for _ in range(6)))
    await town.line.settle()

    assert {one.status_code for one in answers} == {200}
    assert len({one.content for one in answers[1:]}) == 1
    rows = await stored(running, "select type from log.event where stream = $1", f"case-{made['case_id']}")
    assert [row["type"] for row in rows].count("intake.appeal-restored.v1") == 1


async def test_a_refusal_says_why_to_the_reporter_alone_and_keeps_the_words_sealed(running: Stack, town: Town) -> None:
    words: Answer = {"legal_basis": "与司马示例的合同纠纷", "alternative": "县人民法院"}
    made = await appealed(town, "15:00", "complaint", "邻里合同纠纷")
    await desk(town, "15:01", made["case_id"], "reject", reason_code="LEGAL_PROCEDURE", **words)
    await town.line.settle()
    told = [path.read_text() for path in running.instance.outbox.rglob("[!.]*") if path.is_file()]
    assert [words["alternative"] in text for text in told if words["legal_basis"] in text] == [True]
    bodies = await stored(running, "select convert_from(body, 'utf8') as body from log.event")
    assert not [row for row in bodies if "司马示例" in row["body"]]


async def test_an_id_of_another_system_is_no_place_for_words(running: Stack, town: Town) -> None:
    for said in ("张三丰示例13800000000", "110 2026", "", "x" * 65):
        body = {
            "channel": "phone",
            "kind": "help",
            "content": "路灯不亮",
            "place": {"grid": "G03"},
            "external_id": said,
        }
        answer = await town.act(f"{DAY} 15:10", "intake", "/appeals", "zhou-min", body, expect=422 if said else 201)
        assert [one["at"] for one in answer.get("errors", [])] == (["body.external_id"] if said else [])


# Numbers of other systems --------------------------------------------------------------------------------------------


def numbered(number: str, **fields: Any) -> Answer:
    """An appeal that another system passes on."""
    body = {"channel": "phone", "kind": "help", "content": "路灯不亮", "place": {"grid": "G03"}}
    return {**body, "external_id": number, **fields}


async def passed_on(edge: Edge, body: Answer, client: str | None = None, key: str | None = None) -> httpx.Response:
    """周敏 enters it, or a machine sends it."""
    token = {"Authorization": f"Bearer {edge.stack.token(client=client, scopes=('intake',))}"} if client else {}
    headers = {**token, "Idempotency-Key": key or new_id()}
    return await edge.send("POST", "/appeals", json=body, headers=headers)


async def test_a_number_of_another_system_has_one_case_whichever_key_it_comes_with(running: Stack, town: Town) -> None:
    edge, key = Edge(running), new_id()
    first = await passed_on(edge, numbered("110-2026-0001"), key=key)
    again = await passed_on(edge, numbered("110-2026-0001"))
    await town.line.settle()
    later = await passed_on(edge, numbered("110-2026-0001", content="另一种说法"))
    repeated = await passed_on(edge, numbered("110-2026-0001"), key=key)
    assert (first.status_code, repeated.status_code) == (201, 201)
    assert repeated.json() == first.json()
    for refused in (again, later):
        assert assert_problem(refused, 409, "E-NUMBER")["case_id"] == first.json()["case_id"]


async def test_of_twenty_at_one_instant_one_opens_the_case_of_the_number(running: Stack, town: Town) -> None:
    edge = Edge(running)
    answers = await asyncio.gather(*(passed_on(edge, numbered("110-2026-0002")) for _ in range(20)))
    assert sorted(one.status_code for one in answers) == [201, *[409] * 19]
    await town.line.settle()
    (held,) = await stored(running, "select count(*) from read.report where external_id = '110-2026-0002'")
    assert held["count"] == 1


async def test_each_machine_has_numbers_of_its_own_and_learns_of_no_other_case(running: Stack, town: Town) -> None:
    edge = Edge(running)
    police = await passed_on(edge, numbered("0003"), "police")
    market = await passed_on(edge, numbered("0003"), "market-hotline")
    desk_ = await passed_on(edge, numbered("0003"))
    again = assert_problem(await passed_on(edge, numbered("0003"), "police"), 409, "E-NUMBER")
    assert [one.status_code for one in (police, market, desk_)] == [201, 201, 201]
    assert again["case_id"] == police.json()["case_id"]
    nobody = await edge.send("POST", "/appeals", json=numbered("0003"), person="zheng-kai")
    assert "case_id" not in assert_problem(nobody, 403, "E-ROLE")


async def test_the_number_of_a_voided_case_may_be_used_again(running: Stack, town: Town) -> None:
    edge = Edge(running)
    for _ in range(2):
        made = (await passed_on(edge, numbered("110-2026-0004"))).json()
        assert_problem(await passed_on(edge, numbered("110-2026-0004")), 409, "E-NUMBER")
        void = await edge.send("POST", f"/cases/{made['case_id']}/void", json={"reason": "重复录入"})
        assert void.status_code == 200
        await town.line.settle()
    assert (await passed_on(edge, numbered("110-2026-0004"))).status_code == 201


async def test_a_photo_makes_no_second_case_of_a_number(running: Stack, town: Town) -> None:
    edge = Edge(running)
    taken = (await sent(edge, photo("green"), person="zhou-min")).json()
    body = {"case_id": taken["case_id"], "photos": [taken["sha256"]]}
    assert (await passed_on(edge, numbered("110-2026-0005", **body))).status_code == 201
    await town.line.settle()
    refused = assert_problem(await passed_on(edge, numbered("110-2026-0005")), 409, "E-NUMBER")
    assert refused["case_id"] == taken["case_id"]
    other = (await sent(edge, photo("red"), person="zhou-min")).json()
    body = {"case_id": other["case_id"], "photos": [other["sha256"]]}
    assert_problem(await passed_on(edge, numbered("110-2026-0001", **body)), 409, "E-NUMBER")


async def test_of_reports_with_photos_at_one_instant_one_opens_the_case_of_the_number(
    running: Stack, town: Town
) -> None:
    """Each photo makes an id of its own: the database says whose number it is."""
    edge = Edge(running)
    photos = [(await sent(edge, photo(one), person="zhou-min")).json() for one in ("red", "green", "blue", "white")]
    bodies = [{"case_id": one["case_id"], "photos": [one["sha256"]]} for one in photos]
    sendings = [passed_on(edge, numbered("110-2026-0006", **body)) for body in (*bodies, {}, {})]
    answers = await asyncio.gather(*sendings)
    assert sorted(one.status_code for one in answers) == [201, *[409] * 5]
    (made,) = [one.json()["case_id"] for one in answers if one.status_code == 201]
    for refused in (one for one in answers if one.status_code == 409):
        assert assert_problem(refused, 409, "E-NUMBER")["case_id"] == made
    void = await edge.send("POST", f"/cases/{made}/void", json={"reason": "重复录入"})
    assert void.status_code == 200
    await town.line.settle()
    again = await asyncio.gather(*(passed_on(edge, numbered("110-2026-0006")) for _ in range(4)))
    assert sorted(one.status_code for one in again) == [201, *[409] * 3]
