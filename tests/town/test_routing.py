"""Routing as its callers meet it, on the real broker and server: directory, proposal, dispatch, work, separation."""

import asyncio
from typing import Any

import httpx

from libs.directory.publish.files import read_files
from operations.embedded.stack import Stack
from operations.installation import ROOT
from tests.town.cases import events_of, odour
from trials.clock_driver import Timeline
from trials.publish import DEPLOYER, DRAFTER, PUBLISHER, stated
from trials.publish import publish as published
from trials.town import Town, civil

MORNING = "2026-11-30 08:00"
TOWN = read_files(ROOT / "examples" / "town").raw


async def drafted(line: Timeline, documents: dict[str, Any], person: str = DRAFTER, **how: Any) -> dict[str, Any]:
    return await line.post("routing", "/directory/drafts", stated(documents), person=person, **how)


async def queued(town: Town, case: str) -> dict[str, Any] | None:
    answer = await town.line.get("routing", "/queue", person="chen-li", limit=200)
    return next((item for item in answer["items"] if item["case_id"] == case), None)


async def work(town: Town, person: str, **query: Any) -> dict[str, Any]:
    answer: dict[str, Any] = await town.line.get("routing", "/work", person=person, **query)
    return answer


async def test_the_log_begins_with_its_mode(running: Stack, town: Town) -> None:
    assert await events_of(running, "log") == ["log-opened"]
    units = await town.line.get("routing", "/directory/units", person="chen-li", version=1)
    assert (units["version"], units["count"]) == (1, 0)


async def test_publishing_the_same_documents_again_appends_nothing(town: Town) -> None:
    before = await town.line.get("routing", "/directory/rulebook", person="chen-li")
    answer = await drafted(town.line, TOWN)
    assert (answer["draft"], answer["created"], answer["changed"]) == (None, [], [])
    assert answer["position"] == f"directory.64.{before['version']}"


async def test_documents_that_break_a_rule_are_refused_with_every_reason(town: Town) -> None:
    bad = {"people": [{"id": "no-name"}], "units": [{"id": "BAD ID", "level": "TOWN"}]}
    answer = await drafted(town.line, bad, expect=422)
    assert answer["code"] == "E-DIRECTORY"
    assert {finding["path"] for finding in answer["findings"]} >= {"people.0.name_zh", "units.0.id"}


async def test_only_an_administrator_drafts_and_no_machine_does(town: Town) -> None:
    for person in ("fang-yun", "machine:deployer"):
        answer = await drafted(town.line, {"people": []}, person, expect=403)
        assert (answer["code"], answer["allowed_actions"]) == ("E-ROLE", ["ADMIN"])


async def test_one_person_alone_cannot_weaken_the_separation(running: Stack, town: Town) -> None:
    """What he-jun drafted holds once qin-yue publishes it, and says so; it goes back the same way."""
    strength = TOWN["rulebook"]["separation"]["strength"]
    weaker = {**TOWN["rulebook"], "version": 2, "separation": {"strength": "compatible"}}
    before = await town.line.get("routing", "/directory/rulebook", person="chen-li")
    draft = (await drafted(town.line, {"rulebook": weaker}))["draft"]
    publish = f"/directory/drafts/{draft}/publish"

    alone = await town.line.post("routing", publish, {}, person=DRAFTER, expect=409)
    assert (alone["code"], alone["rule_id"], alone["allowed_actions"]) == ("E-FOUR-EYES", "SEP-15", [PUBLISHER])
    assert alone["evidence_event_ids"]
    unchanged = await town.line.get("routing", "/directory/rulebook", person="chen-li")
    assert unchanged["rulebook"] == before["rulebook"]

    shown = await town.line.get("routing", f"/directory/drafts/{draft}", person=PUBLISHER)
    assert (shown["state"], shown["drafted_by"], shown["publishers"]) == ("OPEN", DRAFTER, [PUBLISHER])
    [change] = [one for one in shown["changes"][0]["changes"] if one["field"] == "separation"]
    assert (change["before"]["strength"], change["after"]["strength"]) == (strength, "compatible")

    answer = await town.line.post("routing", publish, {}, person=PUBLISHER)
    in_force = await town.line.get("routing", "/directory/rulebook", person="chen-li", min_position=answer["position"])
    assert in_force["rulebook"]["separation"]["strength"] == "compatible"
    assert (in_force["rulebook"]["drafted_by"], in_force["rulebook"]["approved_by"]) == (DRAFTER, PUBLISHER)
    assert await events_of(running, f"draft-{draft}") == ["draft-made", "draft-refused", "draft-published"]
    again = await town.line.post("routing", publish, {}, person=PUBLISHER, expect=409)
    assert again["code"] == "E-DRAFT"
    await published(town.line, {"rulebook": {**TOWN["rulebook"], "version": 3}})


async def test_the_other_administrators_are_told_of_a_draft_and_its_drafter_of_its_end(town: Town) -> None:
    async def told(person: str, draft: str) -> list[tuple[str, str, str]]:
        found = await town.line.get(
            "notify", "/messages", person="han-feng", recipient=f"person:{person}", case_id=draft
        )
        return [(one["template"], one["about"], one["state"]) for one in found["items"]]

    documents = {"people": [{"id": "qiu-lan", "name_zh": "邱兰", "name_en": "Qiu Lan"}]}
    draft = (await drafted(town.line, documents))["draft"]
    await town.line.settle()
    assert await told(PUBLISHER, draft) == [("draft_waiting", "draft", "SENT")]
    assert await told(DRAFTER, draft) == []

    await town.line.post("routing", f"/directory/drafts/{draft}/withdraw", {}, person=PUBLISHER)
    await town.line.settle()
    assert await told(DRAFTER, draft) == [("draft_withdrawn", "draft", "SENT")]
    assert len(await told(PUBLISHER, draft)) == 1


async def test_a_withdrawn_draft_comes_to_nothing(running: Stack, town: Town) -> None:
    documents = {"people": [{"id": "qiu-lan", "name_zh": "邱兰", "name_en": "Qiu Lan"}]}
    draft = (await drafted(town.line, documents))["draft"]
    waiting = await town.line.get("routing", "/directory/drafts", person=PUBLISHER, state="OPEN")
    assert [one["id"] for one in waiting["items"]] == [draft]

    await town.line.post("routing", f"/directory/drafts/{draft}/withdraw", {}, person=PUBLISHER)
    late = await town.line.post("routing", f"/directory/drafts/{draft}/publish", {}, person=PUBLISHER, expect=409)
    assert late["code"] == "E-DRAFT"
    people = await town.line.get("routing", "/directory/people", person="chen-li")
    assert "qiu-lan" not in {one["id"] for one in people["items"]}


async def test_drafts_are_no_reading_for_everybody(town: Town) -> None:
    client, headers = town.line.client, town.line._headers("fang-yun", None, None)
    answer = await client.get(f"{town.line.apis['routing']}/directory/drafts", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "E-ROLE")


async def test_a_town_with_its_administrators_is_founded_no_more(running: Stack, town: Town) -> None:
    refused = await town.line.post("routing", "/directory/bootstrap", stated(TOWN), person=DEPLOYER, expect=409)
    assert (refused["code"], refused["allowed_actions"]) == ("E-BOOTSTRAP", [DRAFTER, PUBLISHER])
    by_hand = await town.line.post("routing", "/directory/bootstrap", stated(TOWN), person=DRAFTER, expect=403)
    assert by_hand["allowed_actions"] == ["scope directory"]
    assert await events_of(running, "bootstrap") == ["town-bootstrapped"]


async def test_a_case_from_the_call_to_the_departments_feedback(running: Stack, town: Town) -> None:
    case = await odour(town, "2026-11-30 09:00")

    waiting = await queued(town, case)
    assert waiting is not None
    assert waiting["proposed"] == "county-housing"
    assert [step["rule"] for step in waiting["rule_chain"]] == ["R5", "R6", "R7", "R8", "R12"]

    await town.dispatch("2026-11-30 09:40", case)
    assert await queued(town, case) is None
    [order] = [one for one in (await work(town, "fang-yun", limit=200))["items"] if one["case_id"] == case]
    assert (order["case_id"], order["state"], order["signed"], order["lamp"]) == (case, "DISPATCHED", False, "GREEN")
    assert order["due_at"] == "2026-12-07T16:00:00+00:00"

    await town.accept("2026-11-30 10:30", case, "fang-yun")
    await town.assign("2026-11-30 10:35", case, "fang-yun", "zheng-kai")
    offered = await town.line.get("routing", f"/cases/{case}", person="zheng-kai")
    assert offered["allowed_actions"] == ["contact", "progress"]
    assert offered["due"]["due_at"] == "2026-12-07T16:00:00+00:00"
    await town.contact("2026-11-30 11:00", case, "zheng-kai")
    offered = await town.line.get("routing", f"/cases/{case}", person="zheng-kai")
    assert offered["allowed_actions"] == ["contact", "progress", "feedback"]
    await town.feedback("2026-12-03 09:00", case, "zheng-kai", "已疏通")

    [reported] = [one for one in (await work(town, "fang-yun", state="FEEDBACK"))["items"] if one["case_id"] == case]
    assert (reported["handler"], reported["stopped_at"]) == ("zheng-kai", "2026-12-03T01:00:00+00:00")
    assert await events_of(running, f"case-{case}") == [
        "route-proposed",
        "case-dispatched",
        "assignment-accepted",
        "handler-assigned",
        "citizen-contacted",
        "feedback-submitted",
    ]


async def test_the_dual_hatted_cadre_is_refused_with_the_rule_and_his_colleague_signs(
    running: Stack, town: Town
) -> None:
    """场景2 巡办不分:村干部兼任网格员."""
    case = await town.report(
        "2026-12-03 09:10",
        "wang-jianguo",
        "G04",
        "village-litter",
        "村口垃圾堆积",
        kind="grid_livelihood",
        appointment="wang-jianguo-grid",
    )
    await town.register("2026-12-03 09:20", case, "village-litter", "U3")
    await town.dispatch("2026-12-03 09:40", case)

    refused = await town.accept("2026-12-03 10:00", case, "wang-jianguo", appointment="wang-jianguo-clerk", expect=409)
    assert (refused["code"], refused["rule_id"], refused["also"]) == ("E-SEP-01", "SEP-01", ["SEP-02"])
    assert refused["allowed_actions"] == ["liu-guilan"]
    assert refused["evidence_event_ids"]
    assert await events_of(running, f"access-{case}") == ["separation-violation-attempted"]

    await town.accept("2026-12-03 10:10", case, "liu-guilan", appointment="liu-guilan-clerk")
    document = await town.line.get("routing", f"/cases/{case}", person="chen-li")
    assert (document["state"], document["dual_hat"]) == ("IN_PROGRESS", True)


async def test_where_no_rule_names_the_actor_the_answer_is_403(town: Town) -> None:
    case = await odour(town, "2026-12-03 11:00")
    by_the_operator = await town.dispatch("2026-12-03 11:01", case, person="zhou-min", expect=403)
    assert (by_the_operator["code"], by_the_operator["rule_id"]) == ("E-ROLE", None)
    await town.dispatch("2026-12-03 11:02", case)
    another_department = await town.accept("2026-12-03 11:03", case, "tang-jing", expect=403)
    assert another_department["code"] == "E-UNIT"
    others = await town.line.client.get(
        f"{town.line.apis['routing']}/cases/{case}", headers=town.line._headers("tang-jing", None, None)
    )
    assert others.status_code == 404


async def test_a_department_lists_its_own_work_page_by_page(town: Town) -> None:
    everything = await work(town, "fang-yun")
    assert everything["count"] == len(everything["items"]) >= 2
    first = await work(town, "fang-yun", limit=1)
    second = await work(town, "fang-yun", limit=1, cursor=first["next_cursor"])
    assert [*first["items"], *second["items"]] == everything["items"][:2]
    assert first["count"] == everything["count"]
    assert (await work(town, "pan-hong"))["count"] == 0
    url = f"{town.line.apis['routing']}/work"
    mine = town.line._headers("tang-jing", None, None)
    assert await status(town, url, mine, unit="county-housing") == (403, "E-UNIT")
    assert await status(town, url, mine, cursor="bm90IG91cnM") == (422, "E-CURSOR")


async def status(town: Town, url: str, headers: Any, **query: str) -> tuple[int, str]:
    answer: httpx.Response = await town.line.client.get(url, headers=headers, params=query)
    return answer.status_code, answer.json()["code"]


async def test_a_signature_may_come_before_the_dispatch_has_come_back_through_the_log(town: Town) -> None:
    """Routing decides on its own events, also on those that its reader has not applied yet."""
    case = await odour(town, "2026-12-03 13:00")
    now = civil("2026-12-03 13:05")
    await town.line.run_to(now)
    await town.line.post("routing", f"/cases/{case}/dispatch", {}, person="chen-li", at=now)
    await town.line.post("routing", f"/cases/{case}/accept", {}, person="fang-yun", at=now)
    await town.line.post("routing", f"/cases/{case}/contact", {"reached": True}, person="zheng-kai", at=now)
    body = {"result": "EXPLAINED", "reply": "属业主自用管道"}
    last = await town.line.post("routing", f"/cases/{case}/feedback", body, person="zheng-kai", at=now)
    assert last["version"] == 5


async def test_a_department_signs_and_reports_while_kafka_is_down(running: Stack, town: Town) -> None:
    """A deadline must not be missed because the log is away (architecture.md §6)."""
    case = await odour(town, "2026-12-03 13:10")
    now = civil("2026-12-03 13:20")
    await town.dispatch("2026-12-03 13:20", case)
    photo = await town.photo("2026-12-03 13:20", case, "zheng-kai")
    await asyncio.to_thread(running.stop_broker)
    await town.line.post("routing", f"/cases/{case}/accept", {}, person="fang-yun", at=now)
    await town.line.post("routing", f"/cases/{case}/contact", {"reached": True}, person="zheng-kai", at=now)
    body = {"result": "SOLVED", "reply": "已疏通", "photos": [photo]}
    await town.line.post("routing", f"/cases/{case}/feedback", body, person="zheng-kai", at=now)
    await asyncio.to_thread(running.start_broker)
    await town.line.settle()
    document = await town.line.get("routing", f"/cases/{case}", person="fang-yun")
    assert (document["state"], document["due"]["stopped_at"]) == ("FEEDBACK", "2026-12-03T05:20:00+00:00")


async def test_a_voided_case_leaves_the_queue_and_its_order_is_cancelled(running: Stack, town: Town) -> None:
    case = await odour(town, "2026-12-03 14:00")
    await town.act("2026-12-03 14:05", "intake", f"/cases/{case}/void", "zhou-min", {"reason": "误录"})
    assert await queued(town, case) is None
    assert (await events_of(running, f"case-{case}"))[-1] == "work-order-cancelled"
    late = await town.dispatch("2026-12-03 14:10", case, expect=409)
    assert late["code"] == "E-STATE"


async def test_silence_beyond_the_sign_limit_is_a_signature(running: Stack, town: Town) -> None:
    case = await odour(town, "2026-12-04 09:00")
    await town.dispatch("2026-12-04 09:10", case)
    await town.line.run_to(civil("2026-12-08 00:01"))
    assert (await events_of(running, f"case-{case}"))[-1] == "assignment-deemed-accepted"
    orders = {one["case_id"]: one for one in (await work(town, "fang-yun", limit=200))["items"]}
    assert (orders[case]["deemed_signed"], orders[case]["state"]) == (True, "IN_PROGRESS")


async def test_a_class_that_is_dispatched_automatically_waits_for_nobody(town: Town) -> None:
    changed = [{**item, "dispatch": "auto"} for item in TOWN["catalogue"] if item["code"] == "water-outage"]
    answer = await published(town.line, {"catalogue": changed})
    assert answer["changed"] == ["CatalogueItemPublished water-outage"]
    case = await town.appeal("2026-12-08 09:00", "zhou-min", "G03", "help", "家中停水")
    await town.register("2026-12-08 09:05", case, "water-outage", "U3")
    [order] = [one for one in (await work(town, "cao-ying"))["items"] if one["case_id"] == case]
    assert (order["case_id"], order["state"]) == (case, "DISPATCHED")


async def test_the_same_key_is_answered_once(town: Town) -> None:
    case = await odour(town, "2026-12-08 10:00")
    headers = town.line._headers("chen-li", None, None) | {"Idempotency-Key": "dispatch-once"}
    url = f"{town.line.apis['routing']}/cases/{case}/dispatch"
    first = await town.line.client.post(url, headers=headers, json={})
    again = await town.line.client.post(url, headers=headers, json={})
    other = await town.line.client.post(url, headers=headers, json={"unit": "county-urban"})
    assert (first.status_code, first.json()) == (again.status_code, again.json())
    assert (other.status_code, other.json()["code"]) == (422, "E-IDEM")
