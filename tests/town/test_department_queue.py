"""A department's day on the real broker and server: work list, many orders at once, feed, reconciliation, queue."""

import asyncio
from typing import Any

import httpx
import pytest

from examples.department.client import Department
from libs.case.state import TERMINAL
from libs.directory.publish.files import read_files
from libs.events.ids import new_id
from libs.service.http.cases import encode_cursor
from operations.embedded.stack import Stack
from operations.installation import ROOT
from operations.rebuild import compare
from services.routing.main import PARTS
from tests.integration.logs import eventually
from trials.clock_driver import Unexpected
from trials.publish import publish
from trials.town import Town, civil

pytestmark = pytest.mark.long

DAY = "2026-07-27"
MORNING = f"{DAY} 08:00"
HOUSING, URBAN, MARKET = "county-housing", "county-urban", "county-market"
CLERK = "liang-xue"
"""Of the market bureau, which no other day sends anything."""


def system(running: Stack, unit: str = HOUSING) -> Department:
    """The unit's own system, with a token for this unit alone."""
    token = running.token(client=f"{unit}-system", scopes=(f"unit:{unit}",))
    return Department(running.api_url("routing"), unit, token)


async def dispatched(town: Town, number: int, *, at: str = f"{DAY} 09:00", unit: str | None = None) -> list[str]:
    """Complaints about a sewer, registered and dispatched to the housing bureau, or to another unit."""
    fields = {"unit": unit, "override_reason": "就近办理"} if unit else {}
    cases = [await odour(town, at) for _ in range(number)]
    for case in cases:
        await town.line.post("routing", f"/cases/{case}/dispatch", fields, person="chen-li", at=civil(at))
    await town.line.settle()
    return cases


async def odour(town: Town, at: str, class_code: str = "sewer-odour") -> str:
    """A registered complaint, about a sewer unless it says otherwise, which routing has heard of."""
    instant = civil(at)
    if town.line.now is None or town.line.now < instant:
        await town.line.run_to(instant)
    body = {"channel": "phone", "kind": "complaint", "content": "下水道异味", "place": {"grid": "G03"}}
    case = str((await town.line.post("intake", "/appeals", body, person="zhou-min", at=instant))["case_id"])
    named = {"class_code": class_code, "urgency": "U3"}
    answer = await town.line.post("intake", f"/cases/{case}/register", named, person="zhou-min", at=instant)
    await town.line.visible("routing", answer["position"], person="zhou-min")
    return case


async def work(town: Town, person: str = "fang-yun", **query: Any) -> dict[str, Any]:
    answer: dict[str, Any] = await town.line.get("routing", "/work", person=person, **query)
    return answer


async def asked(town: Town, path: str, person: str, key: str, body: Any) -> httpx.Response:
    """One request with a key of its own choice."""
    headers = town.line._headers(person, None, None) | {"Idempotency-Key": key}
    return await town.line.client.post(f"{town.line.apis['routing']}{path}", headers=headers, json=body)


async def test_the_work_list_is_narrowed_sorted_and_counted(town: Town) -> None:
    first, second, third = await dispatched(town, 3, unit=MARKET)
    await town.accept(f"{DAY} 09:10", first, CLERK)
    await town.assign(f"{DAY} 09:12", first, CLERK, "xie-jun")

    open_orders = await work(town, CLERK)
    assert (open_orders["count"], open_orders["count_exact"], bool(open_orders["as_of"])) == (3, True, True)
    assert (await work(town, CLERK, state="DISPATCHED"))["count"] == 2
    assert [one["case_id"] for one in (await work(town, CLERK, handler="xie-jun"))["items"]] == [first]
    assert (await work(town, CLERK, role="co"))["count"] == 0
    assert (await work(town, CLERK, lamp="GREEN"))["count"] == 3
    assert (await work(town, CLERK, lamp="RED"))["count"] == 0
    assert (await work(town, CLERK, due_before="2026-08-03T16:00:01Z"))["count"] == 3
    assert (await work(town, CLERK, due_before="2026-08-03T16:00:00Z"))["count"] == 0
    assert (await work(town, CLERK, due_after="2026-08-03T16:00:00Z"))["count"] == 3

    pages = [await work(town, CLERK, limit=2)]
    pages.append(await work(town, CLERK, limit=2, cursor=pages[0]["next_cursor"]))
    assert [one["case_id"] for page in pages for one in page["items"]] == sorted([first, second, third])
    everything = await work(town, "han-feng", unit=MARKET, role="lead")
    assert everything["items"] == open_orders["items"]
    assert (await work(town, "han-feng"))["count"] >= 3


async def test_many_orders_are_signed_at_once_each_with_its_own_answer(town: Town) -> None:
    mine = await dispatched(town, 2, at=f"{DAY} 10:00")
    [foreign] = await dispatched(town, 1, at=f"{DAY} 10:00", unit=URBAN)
    unknown = "0191f2a0-0000-7000-8000-000000000001"
    body = {"items": [mine[0], foreign, unknown, mine[1]]}

    answer = await asked(town, "/bulk/accept", "fang-yun", "signed-together", body)
    document = answer.json()
    assert (answer.status_code, document["done"], document["refused"]) == (200, 2, 2)
    assert [(one["status"], one.get("code")) for one in document["items"]] == [
        (200, None),
        (403, "E-UNIT"),
        (404, "E-NOT-FOUND"),
        (200, None),
    ]
    assert all(one["position"] and len(one["events"]) == 1 for one in document["items"][::3])

    again = (await asked(town, "/bulk/accept", "fang-yun", "signed-together", body)).json()
    assert again == document
    other = await asked(town, "/bulk/accept", "fang-yun", "signed-together", {"items": mine})
    assert (other.status_code, other.json()["code"]) == (422, "E-IDEM")
    twice = await asked(town, "/bulk/accept", "fang-yun", "twice", {"items": [mine[0], mine[0]]})
    assert (twice.status_code, twice.json()["code"]) == (422, "E-INPUT")

    handlers = {"items": [{"case_id": mine[0], "handler": "zheng-kai"}, {"case_id": mine[1], "handler": "nobody"}]}
    assigned = (await asked(town, "/bulk/assign", "fang-yun", "named-together", handlers)).json()
    assert [(one["status"], one.get("code")) for one in assigned["items"]] == [(200, None), (422, "E-PERSON")]
    await town.line.settle()


async def test_a_bulk_request_that_was_cut_off_goes_on_where_it_ended(running: Stack, town: Town) -> None:
    cases = await dispatched(town, 12, at=f"{DAY} 10:30")
    client = system(running)
    before = client.pull()
    cut_off = asyncio.create_task(asked(town, "/bulk/accept", "fang-yun", "cut-off", {"items": cases}))

    async def some_are_signed() -> bool:
        return client.pull() > 0

    await eventually(some_are_signed, "the first signatures are in the feed")
    running.kill("routing-api")
    await asyncio.gather(cut_off, return_exceptions=True)
    running.start_process("routing-api")
    await asyncio.to_thread(running.wait_ready, "routing-api")

    answer = (await asked(town, "/bulk/accept", "fang-yun", "cut-off", {"items": cases})).json()
    assert (answer["done"], answer["refused"]) == (12, 0)
    await town.line.settle()
    client.pull()
    signatures = [one["case_id"] for one in client.received.values() if one["type"].endswith("accepted.v1")]
    assert before > 0
    assert sorted(case for case in signatures if case in cases) == sorted(cases)


async def test_the_feed_tells_a_unit_everything_in_pages_of_any_size(running: Stack, town: Town) -> None:
    whole, by_three = system(running), system(running)
    whole.pull()
    by_three.pull(limit=3)
    assert whole.received == by_three.received
    assert whole.pull() == 0
    lanes: dict[int, int] = {}
    for lane, sequence in sorted(whole.received):
        assert sequence == lanes.get(lane, 0) + 1
        lanes[lane] = sequence


async def test_the_order_as_the_feed_tells_it_is_the_order_of_the_work_list(running: Stack, town: Town) -> None:
    client = system(running)
    client.pull()
    newest = {entry["case_id"]: entry for _, entry in sorted(client.received.items())}
    held = {case: entry for case, entry in newest.items() if entry["role"] and entry["state"] not in TERMINAL}
    listed = {one["case_id"]: one for one in (await work(town, limit=200))["items"]}
    assert held.keys() == listed.keys()
    for case, entry in held.items():
        assert [entry[name] for name in ("state", "handler", "due_at", "round")] == [
            listed[case][name] for name in ("state", "handler", "due_at", "round")
        ]


async def test_a_unit_that_loses_an_order_hears_of_it_and_a_co_unit_of_its_part(running: Stack, town: Town) -> None:
    [returned, shared] = await dispatched(town, 2, at=f"{DAY} 11:00")
    why = {"basis": "县住建局职责清单第12条", "suggested_unit": URBAN}
    correction = {"reason": "误选", "urgency": "U2"}
    for service, case, path, person, body in (
        ("routing", returned, "return", "fang-yun", why),
        ("routing", returned, "return/approve", "chen-li", {}),
        ("routing", returned, "dispatch", "chen-li", {"unit": URBAN, "override_reason": "按职责"}),
        ("routing", shared, "accept", "fang-yun", {}),
        ("routing", shared, "co-units", "fang-yun", {"unit": URBAN, "task": "清掏路面雨水口"}),
        ("intake", shared, "correct", "zhou-min", correction),
    ):
        await town.act(f"{DAY} 11:10", service, f"/cases/{case}/{path}", person, body)
    together = (await work(town, "tang-jing", role="co"))["items"]
    assert [(one["case_id"], one["unit"], one["held_by"]) for one in together] == [(shared, HOUSING, URBAN)]
    both = {"role": "co", "limit": 1}
    environment = {"unit": "county-environment", "task": "夜间监测"}
    await town.act(f"{DAY} 11:12", "routing", f"/cases/{shared}/co-units", "fang-yun", environment)
    first = await work(town, "han-feng", **both)
    second = await work(town, "han-feng", **both, cursor=first["next_cursor"])
    assert [one["held_by"] for page in (first, second) for one in page["items"]] == ["county-environment", URBAN]
    done = {"report": "已清掏"}
    await town.act(f"{DAY} 11:20", "routing", f"/cases/{shared}/co-units/report", "tang-jing", done)
    assert (await work(town, "tang-jing", role="co"))["count"] == 0

    lost, urban = await told(running, HOUSING, returned), await told(running, URBAN, shared)
    assert [step for step in lost if step[0].startswith(("return", "case"))] == [
        ("case-dispatched", "lead"),
        ("return-requested", "lead"),
        ("return-approved", None),
    ]
    assert lost[-1] == ("return-approved", None)
    assert (await told(running, URBAN, returned))[0] == ("case-dispatched", "lead")
    assert (urban[0], urban[-1]) == (("co-unit-added", "co"), ("co-unit-reported", None))
    assert ("case-corrected", "co") in urban
    assert ("case-corrected", "lead") in await told(running, HOUSING, shared)


async def told(running: Stack, unit: str, case: str) -> list[tuple[str, str | None]]:
    """What the unit was told of one case, and in which role."""
    client = system(running, unit)
    client.pull()
    entries = [entry for _, entry in sorted(client.received.items()) if entry["case_id"] == case]
    return [(entry["type"].split(".")[1], entry["role"]) for entry in entries]


async def test_a_department_system_reads_its_own_unit_only(running: Stack, town: Town) -> None:
    client = system(running)
    mine = {"Authorization": f"Bearer {client.token}"}
    routes = {f"/units/{URBAN}/feed": 403, "/units/nowhere/feed": 403, "/queue": 403, f"/work?unit={URBAN}": 403}
    for path, status in routes.items():
        answer = await town.line.client.get(client.url + path, headers=mine)
        assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    unknown = await town.line.client.get(
        f"{client.url}/units/nowhere/feed", headers=town.line._headers("han-feng", None, None)
    )
    assert unknown.status_code == 404
    assert (await town.line.client.get(f"{client.url}/work", headers=mine)).json()["count"] > 0
    attempt = {"items": [one["case_id"] for one in (await work(town, limit=5))["items"]]}
    mine |= {"Idempotency-Key": "by-a-machine"}
    by_machine = await town.line.client.post(f"{client.url}/bulk/accept", headers=mine, json=attempt)
    assert {one["code"] for one in by_machine.json()["items"]} == {"E-ROLE"}


@pytest.mark.parametrize("by", ["lane", "hour"])
async def test_a_message_that_the_department_lost_is_found_in_the_one_bucket(
    running: Stack, town: Town, by: str
) -> None:
    await town.line.run_to(civil(f"{DAY} 12:00"))
    client = system(running)
    client.pull()
    span = (f"{DAY}T08:00:00+08:00", f"{DAY}T12:00:00+08:00", by)
    assert client.reconcile(*span) == []

    key = max(key for key, entry in client.received.items() if entry["recorded_at"] > DAY)
    lost = client.received.pop(key)
    [bucket] = client.reconcile(*span)
    assert bucket.startswith(f"{key[0]}.")
    client.repair(bucket)
    assert client.received[key] == lost
    assert client.reconcile(*span) == []


async def test_a_cursor_ahead_of_the_feed_is_refused_instead_of_waiting_for_ever(running: Stack, town: Town) -> None:
    ahead = encode_cursor(HOUSING, [10**6] + [0] * 63)
    with pytest.raises(Unexpected) as refused:
        await town.line.get("routing", f"/units/{HOUSING}/feed", person="fang-yun", after=ahead)
    assert "E-CURSOR" in str(refused.value)


async def test_a_span_that_is_too_long_or_turned_round_is_refused(running: Stack, town: Town) -> None:
    client = system(running)
    for begin, end in ((f"{DAY}T12:00:00Z", f"{DAY}T08:00:00Z"), ("2026-01-01T00:00:00Z", f"{DAY}T00:00:00Z")):
        with pytest.raises(httpx.HTTPStatusError) as refused:
            client.reconcile(begin, end)
        assert (refused.value.response.status_code, refused.value.response.json()["code"]) == (422, "E-RANGE")


async def test_the_queue_shows_what_no_rule_fits_and_why_nobody_was_chosen(town: Town) -> None:
    """A matter that the catalogue gives to a unit without anybody who could take it."""
    catalogue = read_files(ROOT / "examples" / "town").raw["catalogue"]
    changed = [{**one, "leads": [{"unit": "county-government"}]} for one in catalogue if one["code"] == "water-outage"]
    await publish(town.line, {"catalogue": changed})
    routed = await odour(town, f"{DAY} 13:00")
    nowhere = await odour(town, f"{DAY} 13:01", "water-outage")
    await town.line.settle()

    waiting = {one["case_id"]: one for one in (await queued(town))["items"]}
    tried = [(one["unit"], one["proposed"]) for one in waiting[routed]["candidates"]]
    assert tried == [(HOUSING, True), (URBAN, False), ("county-water", False)]
    assert (waiting[routed]["lamp"], waiting[routed]["unrouted"]) == ("GREEN", False)

    nobody = await queued(town, unrouted=True)
    [item] = nobody["items"]
    assert (item["case_id"], nobody["count"], item["class_code"], item["urgency"]) == (nowhere, 1, "water-outage", "U3")
    [skipped] = item["candidates"]
    assert (skipped["unit"], skipped["rejected"]["rule"]) == ("county-government", "SEP-07")
    assert skipped["rejected"]["zh"]
    assert item["dispatch_due_at"] > item["registered_at"]

    path = f"/cases/{nowhere}/dispatch"
    explained = {"unit": "county-water", "override_reason": "供水职责"}
    unexplained = await asked(town, path, "chen-li", "without-a-reason", {"unit": "county-water"})
    assert (unexplained.status_code, unexplained.json()["code"]) == (422, "E-REASON")
    assert (await asked(town, path, "chen-li", "with-a-reason", explained)).status_code == 200
    await town.line.settle()
    assert (await queued(town, unrouted=True))["count"] == 0


async def queued(town: Town, **query: Any) -> dict[str, Any]:
    answer: dict[str, Any] = await town.line.get("routing", "/queue", person="chen-li", limit=200, **query)
    return answer


async def test_a_line_says_from_which_version_it_is_so_that_a_stale_page_undoes_nothing(town: Town) -> None:
    (case,) = await dispatched(town, 1, at=f"{DAY} 16:00", unit=MARKET)
    await town.accept(f"{DAY} 16:10", case, CLERK)
    (line,) = [one for one in (await work(town, CLERK, limit=200))["items"] if one["case_id"] == case]
    await town.assign(f"{DAY} 16:20", case, CLERK, "xie-jun")

    seen = {"If-Match": f'"{line["version"]}"', "Idempotency-Key": new_id()}
    url, headers = f"{town.line.apis['routing']}/cases/{case}/assign", town.line._headers(CLERK, None, None) | seen
    stale = await town.line.client.post(url, headers=headers, json={"handler": "xie-jun"})
    assert (stale.status_code, stale.json()["code"]) == (409, "E-VERSION")
    many = {"items": [{"case_id": case, "handler": "xie-jun", "version": line["version"]}]}
    (item,) = (await asked(town, "/bulk/assign", CLERK, new_id(), many)).json()["items"]
    assert (item["status"], item["code"]) == (409, "E-VERSION")
    (now,) = [one for one in (await work(town, CLERK, limit=200))["items"] if one["case_id"] == case]
    assert now["version"] == line["version"] + 1


async def test_lists_counts_and_feeds_built_anew_from_the_log_are_the_same(running: Stack, town: Town) -> None:
    await town.line.settle()
    found = await compare(running.admin_url("routing"), running.bootstrap, PARTS, running.public_keys.proves)
    assert found.differences == ()
    assert min(found.rows[name] for name in ("held_order", "unit_lane", "feed_entry")) > 0
