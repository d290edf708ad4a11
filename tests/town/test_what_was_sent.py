"""附件 on the real system: who sends what, what it shows, and how long it waits for its report."""

from datetime import timedelta
from io import BytesIO
from typing import Any

import asyncpg
import pytest
from PIL import Image

from libs.events.ids import new_id
from libs.log.store import event_store
from operations.embedded.stack import Stack
from services.intake.api import files
from tests.integration.http_edge import Edge, assert_problem
from tests.town.uploads import photo, sent
from trials.town import Town, place

pytestmark = pytest.mark.long

MORNING = "2026-12-10 08:00"
REPORT: dict[str, Any] = {
    "kind": "city_management",
    "class_code": "street-light",
    "content": "路灯不亮",
    "place": place("G03"),
}


@pytest.fixture
def edge(running: Stack) -> Edge:
    return Edge(running)


async def test_a_photo_is_sent_before_the_report_and_seen_by_whoever_sees_the_case(
    town: Town, running: Stack, edge: Edge
) -> None:
    first = (await sent(edge, photo())).json()
    case, name = first["case_id"], first["sha256"]
    second = (await sent(edge, photo("blue"), case)).json()
    assert second["case_id"] == case
    assert_problem(await edge.send("GET", f"/attachments/{name}"), 404)

    photos = {"photos": [name, second["sha256"]], "case_id": case}
    assert_problem(await edge.send("POST", "/grid-reports", json={**REPORT, **photos}, person="zhou-min"), 403)
    made = (await edge.send("POST", "/grid-reports", json={**REPORT, **photos}, person="li-fang")).json()
    await town.line.settle()
    shown = await edge.send("GET", f"/attachments/{name}", person="li-fang")

    assert made["case_id"] == case
    again = await edge.send("POST", "/grid-reports", json={**REPORT, **photos}, person="li-fang")
    assert_problem(again, 409, "E-IDEM")
    assert (shown.status_code, shown.headers["content-type"]) == (200, "image/jpeg")
    assert shown.headers["x-content-type-options"] == "nosniff"
    assert b"SECRET-PHONE" not in shown.content
    assert Image.open(BytesIO(shown.content)).size == (64, 48)
    assert_problem(await edge.send("GET", f"/attachments/{name}", person="fang-yun"), 404)
    listed = (await edge.send("GET", f"/cases/{case}")).json()["attachments"]
    assert {one["sha256"] for one in listed} == {name, second["sha256"]}
    conn = await asyncpg.connect(running.admin_url("intake"))
    kept = await conn.fetchval("select sealed from attachments.attachment where case_id = $1 limit 1", case)
    await conn.close()
    assert b"JFIF" not in kept


async def test_what_is_no_picture_and_what_is_too_much_is_refused(edge: Edge) -> None:
    assert_problem(await sent(edge, b"<html>", name="p.jpg"), 415, "E-TYPE")
    assert_problem(await edge.send("POST", "/attachments", json={"file": "x"}), 415, "E-TYPE")
    assert_problem(await sent(edge, photo()[:-300] + b"x"), 422)
    assert_problem(await sent(edge, b"%PDF-" + bytes(8 * 1024 * 1024)), 413, "E-TOO-LARGE")
    assert_problem(await sent(edge, b"%PDF-" + bytes(9 * 1024 * 1024)), 413, "E-TOO-LARGE")
    assert_problem(await sent(edge, photo(), new_id()), 404)
    assert_problem(await sent(edge, photo(), person="fang-yun"), 403, "E-ROLE")
    assert (await sent(edge, b"%PDF-1.7 \\u0000 %%EOF", person="zhou-min")).status_code == 201


async def test_what_nobody_sent_shows_nothing(town: Town, edge: Edge) -> None:
    """A hash of zeros is no photo: not on patrol, not in a feedback, not at a verification."""
    nothing = {"photos": ["0" * 64]}
    refused = await edge.send("POST", "/grid-reports", json={**REPORT, **nothing}, person="li-fang")
    assert_problem(refused, 409, "E-PHOTO")
    own = (await sent(edge, photo("navy"))).json()
    refused = await edge.send(
        "POST", "/grid-reports", json={**REPORT, **nothing, "case_id": own["case_id"]}, person="li-fang"
    )
    assert refused.json()["allowed_actions"] == [own["sha256"]]
    assert_problem(refused, 409, "E-PHOTO")
    case = await town.report("2026-12-10 13:00", "li-fang", "G03", "street-light", "路灯不亮")
    await town.register("2026-12-10 13:05", case, "street-light", "U3")
    await town.dispatch("2026-12-10 13:10", case)
    await town.accept("2026-12-10 13:15", case, "tang-jing")
    done = {"result": "SOLVED", "reply": "已修复", **nothing}
    await town.act("2026-12-10 14:00", "routing", f"/cases/{case}/feedback", "song-tao", done, expect=409)
    await town.feedback("2026-12-10 14:10", case, "song-tao", "已修复")
    await town.review("2026-12-10 14:20", case)
    found = {"passed": True, **nothing, **place("G03")}
    path = f"/cases/{case}/verification/result"
    await town.act("2026-12-10 14:30", "supervision", path, "li-fang", found, expect=409)
    await town.verify("2026-12-10 14:40", case, "li-fang", "G03")


async def test_only_who_has_a_part_in_a_case_adds_to_it_and_each_addition_is_an_event(town: Town, edge: Edge) -> None:
    case = await town.appeal("2026-12-10 15:00", "zhou-min", "G03", "help", "路灯不亮")
    for person in ("han-feng", "he-jun", "wu-qian"):
        assert_problem(await sent(edge, photo(), of=case, person=person), 403, "E-SENDER")
    for scopes in (("read",), ("read", "intake")):
        portal = edge.stack.token(client="portal", scopes=scopes)
        assert_problem(await sent(edge, photo(), of=case, token=portal), 403, "E-SENDER")
    housing = edge.stack.token(client="housing", scopes=("unit:county-housing",))
    assert_problem(await sent(edge, photo(), of=case, token=housing), 404)
    added = await sent(edge, photo("white"), of=case, person="zhou-min")
    assert (added.status_code, len(added.json()["events"])) == (201, 1)
    again = await sent(edge, photo("white"), of=case, person="zhou-min")
    assert (again.status_code, again.json()["events"]) == (201, [])
    await town.line.settle()
    listed = (await edge.send("GET", f"/cases/{case}")).json()["attachments"]
    assert [(one["sha256"], one["sent_by"]) for one in listed] == [(added.json()["sha256"], "zhou-min")]
    line = (await edge.send("GET", f"/cases/{case}/timeline")).json()["items"]
    assert [one["event_type"] for one in line].count("intake.attachment-added.v1") == 1


async def test_what_no_report_names_is_gone_after_a_day_and_what_one_names_stays(
    town: Town, running: Stack, edge: Edge
) -> None:
    forgotten, named = (await sent(edge, photo("pink"))).json(), (await sent(edge, photo("teal"))).json()
    photos = {"photos": [named["sha256"]], "case_id": named["case_id"]}
    assert (await edge.send("POST", "/grid-reports", json={**REPORT, **photos}, person="li-fang")).status_code == 201
    async with asyncpg.create_pool(running.database_url("intake")) as pool:
        # As if the process had died between the report and its settling.
        waiting = "update attachments.attachment set kept_until = sent_at + interval '1 day' where case_id = any($1)"
        await pool.execute(waiting, [one["case_id"] for one in (forgotten, named)])
        async with pool.acquire() as conn:
            now = await event_store.business_now(conn)
        await files.sweep(pool, now + timedelta(hours=23))
        assert (await edge.send("GET", f"/attachments/{forgotten['sha256']}", person="li-fang")).status_code == 200
        await files.sweep(pool, now + timedelta(hours=25))
        assert (await edge.send("GET", f"/attachments/{forgotten['sha256']}", person="li-fang")).status_code == 404
        await files.sweep(pool, now + timedelta(days=99))
        assert (await edge.send("GET", f"/attachments/{named['sha256']}", person="li-fang")).status_code == 200
