"""A supervisor's day on the real broker and server: what is late, what will be, what nobody watches; lists as CSV.

The tests follow one another in time: a manual clock never goes back.
"""

import csv
import io
from datetime import datetime
from typing import Any

import httpx
import pytest

from operations.embedded.stack import Stack
from operations.rebuild import compare
from services.supervision.main import PARTS
from tests.town.cases import SUPERVISOR, complaint
from trials.town import Town, civil

pytestmark = pytest.mark.long

MORNING = "2026-03-02 08:00"
HOUSING = "county-housing"
LISTS: dict[str, dict[str, Any]] = {
    "/overdue": {},
    "/due-soon": {"within": "8d"},
    "/verdicts": {},
    "/counts": {"by": "unit"},
}


async def asked(town: Town, path: str, person: str = SUPERVISOR, **query: Any) -> Any:
    return await town.line.get("supervision", path, person=person, **query)


async def refused(town: Town, path: str, **query: Any) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {town.line.sign(SUPERVISOR)}"}
    answer = await town.line.client.get(f"{town.line.apis['supervision']}{path}", params=query, headers=headers)
    return {**answer.json(), "status": answer.status_code}


async def table(town: Town, service: str, path: str, person: str = SUPERVISOR, **query: Any) -> list[dict[str, str]]:
    """A list as a spreadsheet reads it, by the name at the end of each heading."""
    headers = {"Authorization": f"Bearer {town.line.sign(person)}", "Accept": "text/csv"}
    answer = await town.line.client.get(f"{town.line.apis[service]}{path}", params=query, headers=headers)
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["xunban-as-of"]
    assert answer.content.startswith(b"\xef\xbb\xbf")
    heading, *rows = csv.reader(io.StringIO(answer.content.decode("utf-8-sig")))
    names = [title.split()[-1] for title in heading]
    return [dict(zip(names, row, strict=True)) for row in rows]


def facts_of(answer: dict[str, Any]) -> dict[str, Any]:
    """An answer without how fresh it was."""
    return {name: value for name, value in answer.items() if name not in ("as_of", "lag_seconds")}


async def test_what_the_board_showed_is_answered_again(town: Town, running: Stack) -> None:
    late = await complaint(town, "2026-03-02 09:00")
    await complaint(town, "2026-03-04 09:00", "G04")
    moments = [civil("2026-03-05 10:00"), civil("2026-03-09 12:00"), civil("2026-03-11 08:00")]
    seen: dict[tuple[str, datetime], dict[str, Any]] = {}
    for at in moments:
        await town.line.run_to(at)
        for path, query in LISTS.items():
            seen[path, at] = await asked(town, path, **query)
    green: list[dict[str, Any]] = []
    wanted: dict[str, Any] = {"lamp": "GREEN", "limit": 1, "as_of": moments[0].isoformat()}
    while "cursor" not in wanted or wanted["cursor"]:
        page = await asked(town, "/overdue", **wanted)
        green, wanted = [*green, *page["items"]], {**wanted, "cursor": page["next_cursor"]}
    assert [row["grid"] for row in green] == ["G03", "G04"]
    await town.accept("2026-03-11 09:00", late, "fang-yun")
    await town.contact("2026-03-11 09:10", late, "zheng-kai")
    await town.feedback("2026-03-11 10:00", late, "zheng-kai", "已疏通")
    await town.review("2026-03-11 11:00", late, accept=False)
    await town.line.run_to(civil("2026-03-11 12:00"))

    for (path, at), then in seen.items():
        now = await asked(town, path, **LISTS[path], as_of=at.isoformat())
        assert facts_of(now) == facts_of(then), (path, at)
        assert datetime.fromisoformat(now["as_of"]) == at
    assert [row["case_id"] for row in seen["/overdue", moments[-1]]["items"]] == [late]
    assert {row["unit"] for row in seen["/due-soon", moments[0]]["items"]} == {HOUSING}
    between = await asked(town, "/overdue", as_of=civil("2026-03-11 10:30").isoformat())
    assert between["items"] == []
    found = await compare(
        running.database_url("supervision", owner=True), running.bootstrap, PARTS, running.public_keys.proves
    )
    assert found.differences == ()
    assert {"clock_past", "case_past"} <= found.rows.keys()


async def test_an_instant_that_is_not_wholly_known_is_refused(town: Town) -> None:
    for path in LISTS:
        answer = await refused(town, path, as_of="2027-01-01T00:00:00+08:00")
        assert (answer["status"], answer["code"]) == (422, "E-AS-OF")
        assert answer["allowed_actions"][0].startswith("as_of < 2026-03-11T04:00:00")


async def test_what_is_due_soon_is_yellow_or_within_the_hours_asked_for(town: Town) -> None:
    await complaint(town, "2026-03-12 09:00")
    await town.line.run_to(civil("2026-03-12 10:00"))
    open_ones = (await asked(town, "/due-soon", within="30d"))["items"]
    yellow = (await asked(town, "/due-soon"))["items"]
    soon = (await asked(town, "/due-soon", within="24h"))["items"]

    assert [row["due_at"] for row in open_ones] == sorted(row["due_at"] for row in open_ones)
    assert [row["case_id"] for row in yellow] == [row["case_id"] for row in open_ones if row["lamp"] == "YELLOW"]
    assert [row["case_id"] for row in soon] == [
        row["case_id"] for row in open_ones if row["remaining_seconds"] <= 24 * 3600
    ]
    assert {row["unit_name"] for row in open_ones} == {"县住建局"}
    assert (await refused(town, "/due-soon", within="soon"))["status"] == 422


async def test_counts_by_every_group_agree_with_the_lists(town: Town) -> None:
    overdue = (await asked(town, "/overdue"))["total"]
    for by in ("unit", "grid", "class", "urgency", "level", "lamp"):
        answer = await asked(town, "/counts", by=by)
        total = answer["total"]
        assert total == {name: sum(group[name] for group in answer["groups"]) for name in total}
        assert (total["overdue"], total["confirmed"] + total["unconfirmed"]) == (overdue, overdue)
    groups = (await asked(town, "/counts", by="lamp"))["groups"]
    assert all(group["open"] == group["running"] for group in groups if group["key"])
    for lamp, number in ((group["key"], group["running"]) for group in groups if group["key"]):
        listed = await asked(town, "/overdue", lamp=lamp)
        assert (listed["total"], listed["total_exact"]) == (number, True)
        assert {row["lamp"] for row in listed["items"]} <= {lamp}
    own = await asked(town, "/counts", person="tang-jing")
    assert own["groups"] == []


async def test_lists_are_read_by_a_spreadsheet(town: Town) -> None:
    board = await asked(town, "/overdue", limit=1)
    rows = await table(town, "supervision", "/overdue", limit=1)
    assert len(rows) == board["total"] == 2
    first = board["items"][0]
    assert {name: rows[0][name] for name in ("case_id", "unit_name", "lamp", "last_step.type")} == {
        "case_id": first["case_id"],
        "unit_name": first["unit_name"],
        "lamp": first["lamp"],
        "last_step.type": first["last_step"]["type"],
    }
    assert civil(rows[0]["due_at"]) == datetime.fromisoformat(first["due_at"])
    assert (rows[0]["confirmed"], int(rows[0]["overdue_seconds"])) == ("是", first["overdue_seconds"])

    assert [row["key"] for row in await table(town, "supervision", "/counts", by="grid")] == ["G03", "G04"]
    verdicts = await table(town, "supervision", "/verdicts", clock="sign")
    assert {row["verdict"] for row in verdicts} <= {"ON_TIME", "OVERDUE", "RUNNING"}
    past = await table(town, "supervision", "/overdue", as_of="2026-03-11T08:00:00+08:00")
    assert len(past) == 1
    cases = await table(town, "intake", "/cases", person="zhou-min")
    assert {row["state"] for row in cases} <= {"DISPATCHED", "IN_PROGRESS", "FEEDBACK", "WITHDRAWN"}
    work = await table(town, "routing", "/work", person="fang-yun")
    assert {row["held_by"] for row in work} == {HOUSING}
    assert await table(town, "routing", "/work", person="tang-jing") == []


async def test_what_nobody_answers_for_and_no_clock_watches_is_an_alarm(town: Town, running: Stack) -> None:
    lying = await town.appeal("2026-03-16 09:00", "zhou-min", "G03", "help", "楼道堆物")
    waiting = await town.appeal("2026-03-16 09:00", "zhou-min", "G03", "complaint", "下水道异味")
    await town.register("2026-03-16 09:10", waiting, "sewer-odour", "U3")
    assert (await asked(town, "/alarms"))["items"] == []

    await town.line.run_to(civil("2026-03-17 10:00"))
    assert [row["case_id"] for row in (await asked(town, "/alarms"))["items"]] == [waiting]
    await town.line.run_to(civil("2026-03-18 00:01"))
    answer = await asked(town, "/alarms")
    assert {row["case_id"]: row["kind"] for row in answer["items"]} == {lying: "NOT_REGISTERED", waiting: "NO_UNIT"}
    assert answer["total"] == 2
    assert [row["case_id"] for row in (await asked(town, "/alarms", kind="NO_UNIT"))["items"]] == [waiting]
    assert (await asked(town, "/alarms", person="fang-yun"))["items"] == []
    assert {row["kind"] for row in await table(town, "supervision", "/alarms")} == {"NO_UNIT", "NOT_REGISTERED"}


async def test_a_co_unit_finds_the_clocks_of_the_cases_that_it_helps_with(town: Town) -> None:
    case = await complaint(town, "2026-03-18 09:00")
    await town.accept("2026-03-18 09:10", case, "fang-yun")
    task = {"unit": "county-urban", "task": "清掏路面雨水口"}
    await town.act("2026-03-18 09:20", "routing", f"/cases/{case}/co-units", "fang-yun", task)
    await town.line.run_to(civil("2026-03-18 09:30"))
    query: dict[str, Any] = {"within": "30d", "role": "co"}

    for who in ({"person": "tang-jing"}, {"unit": "county-urban"}, {}):
        answer = await asked(town, "/due-soon", **query, **who)
        listed = [(row["case_id"], row["unit"], row["co_units"]) for row in answer["items"]]
        assert (listed, answer["total"]) == ([(case, HOUSING, ["county-urban"])], 1)
    assert (await asked(town, "/due-soon", **query, unit="county-water"))["items"] == []
    assert (await asked(town, "/due-soon", person="tang-jing", within="30d"))["items"] == []
    assert (await asked(town, "/due-soon", **query, as_of="2026-03-18T09:15:00+08:00"))["items"] == []
    assert (await asked(town, "/counts", person="tang-jing", role="co"))["total"]["open"] == 1
    done = {"report": "已清掏"}
    await town.act("2026-03-18 09:40", "routing", f"/cases/{case}/co-units/report", "tang-jing", done)
    assert (await asked(town, "/due-soon", **query))["items"] == []


async def test_a_reader_who_goes_away_gives_the_connection_back(town: Town) -> None:
    url, headers = town.line.apis["supervision"], {"Authorization": f"Bearer {town.line.sign(SUPERVISOR)}"}
    for _ in range(20):
        async with (
            httpx.AsyncClient(trust_env=False) as client,
            client.stream("GET", f"{url}/verdicts?format=csv", headers=headers) as answer,
        ):
            assert answer.status_code == 200
    assert await table(town, "supervision", "/verdicts")
