"""An archive and a backlog move into a running town: 3,571 orders of 2020, judged, told to nobody, no board the slower.

Real broker and server, manual clock; the last days of the town, for the orders stay.
"""

from collections.abc import Iterator
from datetime import datetime
from statistics import median
from time import monotonic
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from libs.events.ids import derived_id
from operations.embedded.stack import Stack
from operations.rebuild import compare
from services.supervision.main import PARTS
from tests.town.cases import SUPERVISOR, clock_of, complaint
from trials.town import CIVIL, Town, civil

pytestmark = pytest.mark.long

MORNING = "2027-01-11 08:00"
MANY, OPEN_ONES = 3_571, 600
DUE_LATER = "2027-01-13 18:00"
IMPORTER = "zhou-min"
LISTS: tuple[tuple[str, str, dict[str, str]], ...] = (
    ("supervision", "/overdue", {"clock": "overall"}),
    ("supervision", "/overdue", {"clock": "handling"}),
    ("supervision", "/due-soon", {"clock": "overall"}),
    ("supervision", "/counts", {"clock": "overall", "by": "unit"}),
    ("supervision", "/alarms", {}),
    ("routing", "/queue", {}),
)
STEPS = ("deadline-warned", "deadline-breached", "auto-escalated", "case-left-alone")
AS_OFTEN_AS_BEFORE, AT_LEAST_SECONDS = 20, 3.0
"""A list may take so many times what it took before, or so long on a busy machine: it was minutes."""


def order(number: int) -> dict[str, Any]:
    """An invented order of 2020: the first ones open, of the others every second one closed too late."""
    day = number % 27 + 1
    is_open, late = number < OPEN_ONES, number % 2 == 0
    due = DUE_LATER if number == 1 else f"2020-03-{day:02d} 18:00"
    appeal = {
        "case_id": derived_id("yesterday", str(number)),
        "external_id": f"OLD-{number}",
        "channel": "phone",
        "kind": "complaint",
        "content": "小区门口下水道异味",
        "place": {"grid": "G03"},
        "reporter_name": "某女士",
        "upstream_due_at": civil(due).isoformat(),
    }
    closed_at = civil(f"2020-03-{day:02d} {'19' if late else '17'}:00").isoformat()
    turn = {"unit_name": "住建局", "answered_at": closed_at, "reply": "已疏通"}
    life = {"closed": False} if is_open else {"closed": True, "closed_at": closed_at, "turns": [turn]}
    return {
        "appeal": appeal,
        "registration": {"class_code": "sewer-odour", "urgency": "U3"},
        "source": "old-hotline",
        "received_at": civil("2020-02-20 09:00").isoformat(),
        "life": life,
    }


CASES = [derived_id("yesterday", str(number)) for number in range(MANY)]


async def seconds(town: Town) -> dict[str, float]:
    """How long each list takes, of several times the middle one."""
    found: dict[str, float] = {}
    for service, path, query in LISTS:
        person = "chen-li" if service == "routing" else SUPERVISOR
        times = []
        for _ in range(5):
            begun = monotonic()
            await town.line.get(service, path, person=person, **query)
            times.append(monotonic() - begun)
        found[f"{path} {query}"] = median(times)
    return found


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def moved(town: Town) -> dict[str, Any]:
    """Everything has moved in, and everybody has read it: how the lists answered before, and what intake said."""
    await complaint(town, "2027-01-11 08:30")
    before = await seconds(town)
    done = 0
    for first in range(0, MANY, 100):
        items = [order(number) for number in range(first, min(first + 100, MANY))]
        answer = await town.line.post("intake", "/import", {"items": items}, person=IMPORTER)
        done += answer["done"]
    await town.line.settle(patience=900)
    return {"before": before, "done": done}


async def events(running: Stack, service: str, kinds: tuple[str, ...]) -> int:
    """How many events of these kinds a service has recorded of the orders that moved in."""
    conn = await asyncpg.connect(running.admin_url(service))
    try:
        streams, types = [f"case-{case}" for case in CASES], [f"{service}.{kind}.v%" for kind in kinds]
        counted = "select count(*) from log.event where stream = any($1) and type like any($2)"
        return int(await conn.fetchval(counted, streams, types))
    finally:
        await conn.close()


async def asked(town: Town, path: str, **query: Any) -> Any:
    return await town.line.get("supervision", path, person=SUPERVISOR, **query)


async def pages(town: Town, path: str, **query: Any) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        page = await asked(town, path, **query, **cursor)
        items += page["items"]
        if page["next_cursor"] is None:
            return items
        cursor = {"cursor": page["next_cursor"]}


def test_every_order_moved_in(moved: dict[str, Any]) -> None:
    assert moved["done"] == MANY


async def test_nothing_is_escalated_and_nobody_is_told(running: Stack, moved: dict[str, Any]) -> None:
    assert await events(running, "supervision", ("clock-imported",)) == MANY
    assert await events(running, "supervision", STEPS) == 0
    assert await events(running, "notify", ("message-due", "message-sent", "message-failed")) == 0


async def test_lists_answer_in_their_usual_time(town: Town, moved: dict[str, Any]) -> None:
    after = await seconds(town)
    allowed = {name: max(AS_OFTEN_AS_BEFORE * was, AT_LEAST_SECONDS) for name, was in moved["before"].items()}
    assert {name: took for name, took in after.items() if took > allowed[name]} == {}


async def test_verdicts_come_from_the_instants_of_the_source_and_say_so(town: Town, moved: dict[str, Any]) -> None:
    verdicts = [one for one in await pages(town, "/verdicts", clock="overall", limit=1000) if one["case_id"] in CASES]
    assert len(verdicts) == MANY
    assert all(one["imported"] for one in verdicts)
    closed = {one["case_id"]: one for one in verdicts if one["stopped_at"]}
    expected = {case: "OVERDUE" if number % 2 == 0 else "ON_TIME" for number, case in enumerate(CASES)}
    assert {case: one["verdict"] for case, one in closed.items()} == dict(list(expected.items())[OPEN_ONES:])
    last = closed[CASES[-1]]
    assert [civil_text(last[name]) for name in ("started_at", "due_at", "stopped_at")] == list(instants(MANY - 1))


def civil_text(instant: str) -> str:
    return f"{datetime.fromisoformat(instant).astimezone(CIVIL):%Y-%m-%d %H:%M}"


def instants(number: int) -> Iterator[str]:
    day = number % 27 + 1
    yield "2020-02-20 09:00"
    yield f"2020-03-{day:02d} 18:00"
    yield f"2020-03-{day:02d} {'19' if number % 2 == 0 else '17'}:00"


async def test_what_is_open_stands_on_the_boards_as_what_it_is(town: Town, moved: dict[str, Any]) -> None:
    total = (await asked(town, "/counts", clock="overall"))["total"]
    assert total["imported"] == OPEN_ONES
    late = [one for one in await pages(town, "/overdue", clock="overall", limit=200) if one["imported"]]
    assert {one["case_id"] for one in late} == set(CASES[:OPEN_ONES]) - {CASES[1]}
    assert all(one["confirmed"] and one["supervision_level"] == 0 for one in late)
    shown = await town.line.get("intake", f"/cases/{CASES[-1]}", person=IMPORTER)
    assert (shown["state"], shown["close_kind"], shown["imported_from"]) == ("CLOSED", "IMPORTED", "old-hotline")
    queue = await town.line.get("routing", "/queue", person="chen-li", limit=200)
    waiting = [row for row in queue["items"] if row["imported"]]
    assert queue["count"] >= OPEN_ONES, "other tests of this town leave orders there too"
    assert waiting
    assert all(row["proposed"] == "county-housing" for row in waiting)


async def test_sent_again_nothing_moves_in_twice(town: Town, moved: dict[str, Any]) -> None:
    items = [order(number) for number in (0, 1, MANY - 1)]
    answer = await town.line.post("intake", "/import", {"items": items}, person=IMPORTER)
    assert answer["done"] == 3
    await town.line.settle()
    assert (await asked(town, "/counts", clock="overall"))["total"]["imported"] == OPEN_ONES


async def test_a_unit_that_gets_an_old_order_has_limits_of_its_own(
    town: Town, running: Stack, moved: dict[str, Any]
) -> None:
    await town.dispatch("2027-01-11 14:00", CASES[0])
    handling = await clock_of(town, CASES[0])
    assert (handling["verdict"], handling["lamp"]) == ("RUNNING", "GREEN")
    assert await events(running, "supervision", STEPS) == 0


async def test_what_falls_due_after_the_import_is_told_as_ever(
    town: Town, running: Stack, moved: dict[str, Any]
) -> None:
    await town.line.run_to(civil("2027-01-13 18:30"))
    answer = await town.line.get("notify", "/messages", person=SUPERVISOR, case_id=CASES[1], limit=200)
    # Its lamp had turned yellow long before it came: of that nobody is told.
    assert {one["template"] for one in answer["items"]} == {"breached", "urged"}
    assert (await asked(town, f"/cases/{CASES[1]}"))["supervision_level"] == 1


async def test_what_is_shown_follows_from_the_log(running: Stack, moved: dict[str, Any]) -> None:
    found = await compare(
        running.database_url("supervision", owner=True), running.bootstrap, PARTS, running.public_keys.proves
    )
    assert found.differences == ()
