"""What the services answer is what their OpenAPI documents say: a day's work, every question, and whatever is sent."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
import pytest_asyncio
import requests
from hypothesis import HealthCheck, Phase, given, settings

from libs.events.ids import new_id
from tests.http.documented import SERVICES, Documents, checks_of, named_in
from tests.integration.http_edge import SOMEBODY, Edge
from trials.clock_driver import Timeline
from trials.photo import form_of, picture
from trials.publish import publish
from trials.town import civil, place

EXAMPLES = 6
"""Per operation, always the same ones."""
PHONE = "13900001234"
SEWER = {"class_code": "sewer-odour", "urgency": "U3"}
NOT_DONE_HERE = {
    ("notify", "POST /cases/{case_id}/messages/{message_id}/resend"): "every message of this town was delivered",
    ("routing", "POST /directory/bootstrap"): "the town was founded before anybody compared; here it is refused",
}
NOTHING_IN_IT = {"/untold", "/waiting"}
"""Everybody in this town has an address, and every rule of it can be carried out."""


@dataclass
class Day:
    """People at work, each after what he has to know; every answer is compared."""

    line: Timeline
    documents: Documents
    cases: list[str] = field(default_factory=list)
    photos: int = 0

    async def act(
        self, person: str, service: str, path: str, body: Any = None, seen: Any = None, **how: Any
    ) -> dict[str, Any]:
        """One command, once its service knows the answer `seen`."""
        if seen and seen["position"]:
            await self.line.visible(service, seen["position"], person="han-feng")
        return await self.line.post(service, path, {} if body is None else body, person=person, **how)

    async def appealed(self, **said: Any) -> dict[str, Any]:
        body = {"channel": "phone", "kind": "complaint", "content": "下水道异味", "place": {"grid": "G03"}, **said}
        made = await self.act("zhou-min", "intake", "/appeals", body)
        self.cases.append(made["case_id"])
        return made

    async def dispatched(self, classified: dict[str, str] | None = None, **said: Any) -> dict[str, Any]:
        case = (await self.appealed(**said))["case_id"]
        registered = await self.act("zhou-min", "intake", f"/cases/{case}/register", classified or SEWER)
        return await self.act("chen-li", "routing", f"/cases/{case}/dispatch", {}, registered)

    async def photo(self, person: str, case: str, seen: Any) -> dict[str, Any]:
        self.photos += 1
        form = form_of(picture(7_000_000 + self.photos))
        return await self.act(person, "intake", f"/cases/{case}/attachments", form, seen)

    async def ask(self, service: str, path: str, query: dict[str, str], **headers: str) -> httpx.Response:
        """One question of somebody who sees everything; compared whatever is answered."""
        signed = {"Authorization": f"Bearer {self.line.sign('han-feng')}"} | headers
        return await self.line.client.get(self.line.apis[service] + path, headers=signed, params=query)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def day(edge: Edge) -> AsyncIterator[Day]:
    """A town at work under its documents."""
    async with Timeline.of(edge.stack) as line:
        day = Day(line, Documents(line.apis))

        async def compare(answer: httpx.Response) -> None:
            await answer.aread()
            day.documents.compare(answer)

        line.client.event_hooks = {"response": [compare]}
        yield day


async def test_the_answers_of_intake_s_commands_are_as_told(day: Day) -> None:
    known = {"reporter_name": "某女士", "reporter_phone": PHONE, "place": place("G03")}
    first = await day.appealed(**known)
    case = first["case_id"]
    receipt = {"receipt": first["receipt"], "secret": first["secret"]}
    await day.act("zhou-min", "intake", "/callers/lookup", {"purpose": "TAKE_CALL", "phone": PHONE}, first)
    again = await day.appealed(**known)
    assert again["attached"]
    unclear = {"channel": "phone", "kind": "complaint", "content": "路灯不亮已经一周", **known}
    asked = await day.act("zhou-min", "intake", "/appeals", unclear, again, expect=409)
    assert asked["open_cases"]
    matter = {"kind": "complaint", "class_code": "sewer-odour", "place": place("G03"), "content": "下水道异味"}
    assert (await day.act("zhou-min", "intake", "/duplicates", matter, again))["items"]
    await day.act("zhou-min", "intake", f"/cases/{case}/repeat-contacts", {"channel": "phone"}, again)
    await day.act("xu-jing", "intake", f"/cases/{case}/identity", {"purpose": "CALL_BACK"})
    corrected = {"reason": "登记有误", "content": "小区门口下水道异味"}
    await day.act("zhou-min", "intake", f"/cases/{case}/correct", corrected)
    await day.act("zhou-min", "intake", f"/cases/{case}/withdraw", {"phone": PHONE})
    back = await day.act("zhou-min", "intake", f"/cases/{case}/restore", {"phone": PHONE})
    assert (await day.act("nobody", "intake", "/receipts/status", receipt, back))["state_zh"]
    withdrawn = await day.act("nobody", "intake", "/receipts/withdraw", receipt)
    await day.act("nobody", "intake", "/receipts/restore", receipt, withdrawn)

    photo = await day.photo("zhou-min", case, back)
    await day.act(
        "he-jun", "intake", f"/cases/{case}/erase", {"kinds": ["reporter"], "ground": "CONSENT_WITHDRAWN"}, photo
    )
    voided = await day.appealed()
    await day.act("zhou-min", "intake", f"/cases/{voided['case_id']}/void", {"reason": "误录"}, voided)
    rejected = await day.appealed()
    why = {"reason_code": "LEGAL_PROCEDURE", "legal_basis": "条例第九条", "alternative": "请向法院提出"}
    await day.act("zhou-min", "intake", f"/cases/{rejected['case_id']}/reject", why, rejected)
    asked = await day.appealed(kind="consult", content="参保时间")
    reply = {"knowledge_entry": "social-insurance-0012", "reply": "每年9月至12月"}
    await day.act("zhou-min", "intake", f"/cases/{asked['case_id']}/answer", reply, asked)

    alike = [await day.appealed(reporter_phone="13700005555", place={"grid": "G03"}) for _ in range(3)]
    differs = {"others": [alike[1]["case_id"]], "reason": "OTHER_OBJECT"}
    await day.act("zhou-min", "intake", f"/cases/{alike[2]['case_id']}/tell-apart", differs, alike[1])

    sent = await day.act("li-fang", "intake", "/attachments", form_of(picture(7_000_000)))
    found = {"kind": "city_management", "class_code": "street-light", "content": "路灯不亮", "place": place("G03")}
    report = {**found, "case_id": sent["case_id"], "photos": [sent["sha256"]]}
    await day.act("li-fang", "intake", "/grid-reports", report)
    whole = {"channel": "import", "kind": "help", "content": "导入", "place": {"grid": "G03"}, "case_id": new_id()}
    items = [{"appeal": whole, "registration": SEWER | {"kind": "complaint"}}, {"appeal": {}}, {"appeal": whole}]
    imported = await day.act("zhou-min", "intake", "/import", {"items": items})
    assert imported["done"] == 1


async def test_the_answers_of_routing_s_commands_are_as_told(day: Day) -> None:
    case = (first := await day.dispatched())["case_id"]
    signed = await day.act("fang-yun", "routing", "/bulk/accept", {"items": [case, SOMEBODY]})
    assert (signed["done"], signed["refused"]) == (1, 1)
    await day.act("fang-yun", "routing", "/bulk/assign", {"items": [{"case_id": case, "handler": "zheng-kai"}]})
    await day.act("fang-yun", "routing", f"/cases/{case}/assign", {"handler": "zheng-kai"})
    await day.act("zheng-kai", "routing", f"/cases/{case}/contact", {"reached": True})
    await day.act("zheng-kai", "routing", f"/cases/{case}/progress", {"note": "已到现场"})
    co_unit = {"unit": "county-urban", "task": "同步清疏支管"}
    await day.act("fang-yun", "routing", f"/cases/{case}/co-units", co_unit)
    await day.act("tang-jing", "routing", f"/cases/{case}/co-units/report", {"report": "已清疏"})
    photo = await day.photo("zheng-kai", case, first)
    body = {"result": "SOLVED", "reply": "已疏通", "photos": [photo["sha256"]]}
    await day.act("zheng-kai", "routing", f"/cases/{case}/feedback", body, photo)

    disputed = (await day.dispatched())["case_id"]
    back = {"basis": "本单位职责清单未列此项", "suggested_unit": "county-water"}
    await day.act("fang-yun", "routing", f"/cases/{disputed}/return", back)
    await day.act("chen-li", "routing", f"/cases/{disputed}/return/approve", {})
    await day.act(
        "chen-li", "routing", f"/cases/{disputed}/dispatch", {"unit": "county-water", "override_reason": "改派"}
    )
    await day.act("cao-ying", "routing", f"/cases/{disputed}/return", back | {"suggested_unit": "county-housing"})
    await day.act("chen-li", "routing", f"/cases/{disputed}/return/reject", {"reason": "职责在水务"})
    argued = (await day.dispatched())["case_id"]
    await day.act("fang-yun", "routing", f"/cases/{argued}/return", back)
    await day.act("chen-li", "routing", f"/cases/{argued}/arbitration")
    ruling = {"unit": "county-housing", "reason": "按职责清单", "groundless": ["county-housing"]}
    await day.act("deng-hui", "routing", f"/cases/{argued}/arbitration/rule", ruling)
    endorsed = (await day.dispatched({"class_code": "wage-arrears", "urgency": "U3"}, content="拖欠工资"))["case_id"]
    await day.act("jiang-li", "routing", f"/cases/{endorsed}/accept")
    waits = await day.act("jiang-li", "routing", f"/cases/{endorsed}/return", back | {"reason": "不属本单位"})
    shown = await day.line.get("routing", f"/cases/{endorsed}", person="bai-song", min_position=waits["position"])
    assert shown["endorsement"]
    await day.act("bai-song", "routing", f"/cases/{endorsed}/endorsement", {"approved": False, "reason": "请补充依据"})

    person = {"id": "xin-ren", "name_zh": "新人", "name_en": "Xin Ren"}
    await publish(day.line, {"people": [person]})
    stated = {"basis": "演练", "documents": {"people": [person | {"name_zh": "新人甲"}]}}
    draft = (await day.act("he-jun", "routing", "/directory/drafts", stated, expect=201))["draft"]
    assert (await day.line.get("routing", f"/directory/drafts/{draft}", person="qin-yue"))["changes"]
    await day.act("he-jun", "routing", f"/directory/drafts/{draft}/publish", expect=409)
    await day.act("he-jun", "routing", f"/directory/drafts/{draft}/withdraw")
    await day.act("machine:deployer", "routing", "/directory/bootstrap", stated, expect=409)
    unfit = {"basis": "演练", "documents": {"people": [{"id": "?"}]}}
    assert (await day.act("he-jun", "routing", "/directory/drafts", unfit, expect=422))["findings"]


async def test_the_answers_of_supervision_s_commands_are_as_told(day: Day) -> None:
    case = await reported_back(day)
    await day.act("han-feng", "supervision", f"/cases/{case}/urge", {"note": "请尽快"})
    order = {"level": 2, "order": "请报整改计划"}
    await day.act("han-feng", "supervision", f"/cases/{case}/supervision", order)
    await day.act("ma-jun", "supervision", f"/cases/{case}/supervision/response", {"plan": "两日内完成"})
    await day.act("han-feng", "supervision", f"/cases/{case}/supervision/lift", {"level": 0, "reason": "已报计划"})
    accepted = await day.act("wu-qian", "supervision", f"/cases/{case}/review", {"accepted": True})
    asked = await day.act("wu-qian", "supervision", f"/cases/{case}/verification", {"verifier": "li-fang"})
    photo = await day.photo("li-fang", case, asked)
    result = {"passed": True, "photos": [photo["sha256"]], **place("G03")}
    await day.act("li-fang", "supervision", f"/cases/{case}/verification/result", result, photo)
    called = {"reached": True, "contacted": True, "solved": True, "satisfaction": "SATISFIED"}
    await day.act("xu-jing", "supervision", f"/cases/{case}/callback", called)
    await day.act("wu-qian", "supervision", f"/cases/{case}/close", {})
    again = await reported_back(day)
    await day.act("wu-qian", "supervision", f"/cases/{again}/review", {"accepted": True})
    await day.act("wu-qian", "supervision", f"/cases/{again}/rework", {"reason": "未彻底"})
    assert accepted["position"]


async def reported_back(day: Day) -> str:
    """A case whose unit has reported; its id."""
    case = str((await day.dispatched(reporter_name="某先生", reporter_phone="13900004444"))["case_id"])
    await day.act("fang-yun", "routing", f"/cases/{case}/accept")
    signed = await day.act("zheng-kai", "routing", f"/cases/{case}/contact", {"reached": True})
    photo = await day.photo("zheng-kai", case, signed)
    body = {"result": "SOLVED", "reply": "已疏通", "photos": [photo["sha256"]]}
    reported = await day.act("zheng-kai", "routing", f"/cases/{case}/feedback", body, photo)
    await day.line.visible("supervision", reported["position"], person="han-feng")
    return case


async def test_the_answers_to_every_question_are_as_told(day: Day) -> None:
    """Two weeks later, so that something is overdue and somebody has been told; as pages and as CSV."""
    await day.line.advance(civil("2026-11-16 08:00"))
    await day.dispatched()
    await day.line.settle()
    unit, period = "county-housing", {"from": "2026-11-01T00:00:00Z", "to": "2026-11-30T00:00:00Z"}
    between = await day.line.get("routing", f"/units/{unit}/reconciliation", person="han-feng", **period)
    drafts = await day.line.get("routing", "/directory/drafts", person="han-feng")
    sent = await day.line.get("intake", f"/cases/{day.cases[0]}", person="han-feng")
    known = {
        "unit": unit,
        "bucket": between["buckets"][0]["bucket"],
        "draft": drafts["items"][0]["id"],
        "sha256": sent["attachments"][0]["sha256"],
    }
    empty = set()
    for service in SERVICES:
        for operation in day.documents.operations(service):
            if operation.method.upper() != "GET":
                continue
            for case in day.cases if "{case_id}" in operation.path else ("",):
                path = operation.path.format(**known, case_id=case)
                query = {f"/units/{unit}/reconciliation": period, "/due-soon": {"within": "30d"}}.get(path, {})
                answer = await day.ask(service, path, query)
                assert answer.status_code == 200, (path, answer.text)
                if not case and b'"items":[]' in answer.content:
                    empty.add(path)
                assert (await day.ask(service, path, query, Accept="text/csv")).status_code == 200, path
    assert empty <= NOTHING_IN_IT


async def test_every_operation_was_answered_with_success(day: Day) -> None:
    """Else what it answers was compared with nothing."""
    every = {(service, one.label) for service in SERVICES for one in day.documents.operations(service)}
    done = {of for of, statuses in day.documents.answered.items() if any(status < 300 for status in statuses)}
    assert every - done == set(NOT_DONE_HERE)


@pytest.mark.parametrize("service", SERVICES)
async def test_what_is_wrong_with_a_question_is_refused_as_told(day: Day, service: str) -> None:
    for operation in day.documents.operations(service):
        path = operation.path.replace("{case_id}", SOMEBODY).replace("{", "").replace("}", "")
        url = day.line.apis[service] + path
        for answer in (
            await day.line.client.request(operation.method.upper(), url),
            await day.line.client.request(operation.method.upper(), url, params={"nobody": "1"}),
        ):
            assert answer.status_code in {200, 401, 422}, (path, answer.text)
        wrong = await day.line.client.request("PUT", url)
        named = named_in(operation.path, path)
        operation.Case(path_parameters=named).validate_response(wrong, checks=checks_of(wrong.status_code))
        assert wrong.status_code == 405


@pytest.mark.parametrize("service", SERVICES)
async def test_whatever_is_sent_is_answered_as_told(day: Day, service: str) -> None:
    """Made up from the document, by somebody who may see everything; the same examples each time."""
    with requests.Session() as session:
        session.trust_env = False
        signed = {"Authorization": f"Bearer {day.line.sign('he-jun')}"}
        for operation in day.documents.operations(service):

            @settings(
                max_examples=EXAMPLES,
                derandomize=True,
                database=None,
                deadline=None,
                phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            )
            @given(case=operation.as_strategy())
            def as_told(case: Any) -> None:
                answer = case.call(base_url=day.line.apis[service], session=session, headers=signed)
                case.validate_response(answer, checks=checks_of(answer.status_code))

            as_told()
