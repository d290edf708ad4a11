"""A rule that nobody can carry out, as older versions let it out: its case waits alone, and goes on by itself."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Iterator
from datetime import datetime
from typing import Any

import asyncpg
import httpx
import pytest
import pytest_asyncio

from libs.directory.publish.documents import read_documents
from libs.directory.publish.files import read_files
from libs.events.decider import SYSTEM
from libs.events.envelope import Provenance, draft
from libs.events.lanes import lane_of
from libs.log.store import event_store
from libs.log.write.seal import plain_body
from operations.embedded.stack import Stack
from operations.installation import ROOT
from operations.rebuild import compare
from services.routing.directory.log import SOURCE
from services.supervision import main as supervision
from tests.integration.logs import eventually
from trials.clock_driver import Timeline
from trials.publish import apply_directory, publish
from trials.town import Town, civil

EXAMPLE = ROOT / "examples" / "town"
SUPERVISOR = "han-feng"


@pytest.fixture(scope="module")
def running() -> Iterator[Stack]:
    with Stack(f"test-{secrets.token_hex(4)}") as stack:
        yield stack


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def town(running: Stack) -> AsyncIterator[Town]:
    """绥山镇 on the morning of Monday, 2026-11-02."""
    async with Timeline.of(running) as line:
        await line.advance(civil("2026-11-02 08:00"))
        await apply_directory(line, EXAMPLE)
        yield Town(line)


@pytest_asyncio.fixture(loop_scope="session")
async def database(running: Stack) -> AsyncIterator[asyncpg.Connection]:
    """Supervision's database as a superuser has it whom no trigger stops."""
    conn = await asyncpg.connect(running.admin_url("supervision"))
    await conn.execute("set session_replication_role = replica")
    yield conn
    await conn.close()


async def received(town: Town, at: str) -> str:
    return await town.appeal(at, "zhou-min", "G03", "complaint", "小区门口下水道异味", reporter_name="某女士")


async def dispatched(town: Town, at: str, case: str) -> None:
    await town.register(at, case, "sewer-odour", "U3")
    await town.dispatch(at, case)


async def published_unasked(running: Stack, at: str, **changes: Any) -> None:
    """Another rulebook stands in the directory's lane, as an older version would have let it."""
    (book,) = read_documents({"rulebook": read_files(EXAMPLE).raw["rulebook"] | changes}).events()
    conn = await asyncpg.connect(running.admin_url("routing"))
    try:
        version = await conn.fetchval("select seq from log.lane_head where lane = 64")
        by = Provenance(SYSTEM, version)
        of = {"source": SOURCE, "subject": "rulebook", "stream": "rulebook"}
        told = draft(book, plain_body(book), **of, at=civil(at), by=by)
        await event_store.append(conn, "rulebook", [told], expected=None, given=civil(at))
    finally:
        await conn.close()


async def of_supervision(town: Town, path: str, **query: Any) -> Any:
    return await town.line.get("supervision", path, person=SUPERVISOR, **query)


async def clocks_of(town: Town, case: str) -> dict[str, dict[str, Any]]:
    return {one["clock"]: one for one in (await of_supervision(town, f"/cases/{case}"))["clocks"]}


async def waits(town: Town) -> list[str]:
    found = await of_supervision(town, "/alarms", kind="NOT_JUDGED")
    return [one["case_id"] for one in found["items"]]


async def is_ready(running: Stack) -> bool:
    async with httpx.AsyncClient(trust_env=False) as client:
        answer = await client.get(f"{running.worker_url('supervision')}/readyz")
        return bool(answer.json()["halted"] == {})


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def pair(town: Town) -> tuple[str, str]:
    """Two cases of one lane."""
    of_lane: dict[int, str] = {}
    for minute in range(10, 60):
        one = await received(town, f"2026-11-02 08:{minute}")
        if other := of_lane.get(lane_of(one)):
            return other, one
        of_lane[lane_of(one)] = one
    raise AssertionError("fifty cases in fifty lanes")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def sound(town: Town, pair: tuple[str, str]) -> str:
    """Dispatched while the rules were right."""
    await dispatched(town, "2026-11-02 09:00", pair[0])
    return pair[0]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def case(running: Stack, town: Town, sound: str, pair: tuple[str, str]) -> str:
    """Of the same lane, registered and dispatched under a rulebook by which no lamp can turn."""

    async def version() -> int:
        return int((await town.line.get("routing", "/directory/units", person="chen-li"))["version"])

    before = await version()
    await published_unasked(running, "2026-11-02 10:00", lamp={"yellow_ratio": "2/3", "long_red_ratio": "0"})

    async def known() -> bool:
        return await version() > before

    await eventually(known, "the directory has it")
    await town.line.settle()
    await dispatched(town, "2026-11-02 10:30", pair[1])
    return pair[1]


async def test_a_case_that_cannot_be_judged_waits_alone_and_stands_on_a_list(
    running: Stack, town: Town, sound: str, case: str
) -> None:
    await town.line.settle()

    assert await waits(town) == [case]
    (item,) = (await of_supervision(town, "/alarms"))["items"]
    assert (item["kind"], item["waits"]["why"]) == ("NOT_JUDGED", "ValueError")
    assert item["reason"]["zh"].startswith("依现行规则无法判定")
    (listed,) = (await of_supervision(town, "/waiting"))["items"]
    assert (listed["case_id"], listed["event_type"]) == (case, "intake.case-registered.v1")
    assert listed["events"] > 1, "what came after waits with it"
    assert (await town.line.get("routing", "/waiting", person=SUPERVISOR))["items"] == []
    assert await is_ready(running)
    assert await clocks_of(town, case) == {}


async def test_the_other_cases_of_its_lane_go_on(running: Stack, town: Town, sound: str, case: str) -> None:
    await town.accept("2026-11-02 11:00", sound, "fang-yun")
    await town.line.settle()

    assert lane_of(sound) == lane_of(case)
    assert (await clocks_of(town, sound))["sign"]["stopped_at"] is not None
    assert await waits(town) == [case]
    assert await is_ready(running)


async def test_it_is_tried_again_after_a_restart_and_still_waits(running: Stack, town: Town, case: str) -> None:
    running.kill("supervision-worker")
    running.start_process("supervision-worker")
    await asyncio.to_thread(running.wait_ready, "supervision-worker")
    await town.line.settle()

    assert case in await waits(town)


async def test_it_goes_on_by_itself_once_the_rule_is_right_and_counts_from_its_own_instants(
    running: Stack, town: Town, case: str
) -> None:
    right = read_files(EXAMPLE).raw["rulebook"] | {"version": 2}
    await publish(town.line, {"rulebook": right})

    async def gone() -> bool:
        return await waits(town) == []

    await eventually(gone, "it goes on")
    await town.line.settle()

    clocks = await clocks_of(town, case)
    assert datetime.fromisoformat(clocks["handling"]["started_at"]) == civil("2026-11-02 10:30")
    assert datetime.fromisoformat(clocks["handling"]["due_at"]) == civil("2026-11-10 00:00")
    assert clocks["dispatch"]["stopped_at"] is not None, "the dispatch that waited behind the registration was followed"
    assert (await of_supervision(town, "/waiting"))["items"] == []


async def test_what_it_missed_is_recorded_and_a_rebuild_says_the_same(running: Stack, town: Town, case: str) -> None:
    await town.line.run_to(civil("2026-11-10 08:00"))
    listed = await of_supervision(town, "/overdue", limit=200)
    assert case in [one["case_id"] for one in listed["items"]]

    found = await compare(
        running.database_url("supervision", owner=True),
        running.bootstrap,
        supervision.PARTS,
        running.public_keys.proves,
    )
    assert (found.differences, bool(found.rows)) == ((), True)


# A look of the service's own -----------------------------------------------------------------------------------------


BROKEN = "update log.event set body = convert_to('{', 'UTF8') where event_id = $1"
SOUND = "update log.event set body = $2 where event_id = $1"
CLOCK = """
    select event_id, body from log.event
     where stream = 'case-' || $1 and type = 'supervision.deadline-set.v1' order by version limit 1
"""


async def steps_of(town: Town, case: str) -> list[str]:
    items = (await of_supervision(town, f"/cases/{case}/timeline"))["items"]
    return [one["event_type"].split(".")[1] for one in items]


async def test_a_case_whose_steps_cannot_be_said_waits_alone_is_listed_and_goes_on_by_itself(
    running: Stack, town: Town, database: asyncpg.Connection
) -> None:
    odd, plain = [await received(town, f"2026-11-10 09:0{minute}") for minute in (1, 2)]
    for case in (odd, plain):
        await dispatched(town, "2026-11-10 09:10", case)
    event = await database.fetchrow(CLOCK, odd)
    await database.execute(BROKEN, event["event_id"])

    await town.line.run_to(civil("2026-11-13 09:00"))
    await town.line.settle()

    assert "deadline-breached" in await steps_of(town, plain)
    assert await waits(town) == [odd]
    (listed,) = (await of_supervision(town, "/waiting"))["items"]
    assert (listed["case_id"], listed["events"]) == (odd, 0)
    assert await is_ready(running)

    await town.accept("2026-11-13 09:10", odd, "fang-yun")
    (listed,) = (await of_supervision(town, "/waiting"))["items"]
    assert listed["events"] > 0, "what comes after waits with it"

    await database.execute(SOUND, event["event_id"], event["body"])
    await publish(town.line, {"rulebook": read_files(EXAMPLE).raw["rulebook"] | {"version": 3}})

    async def gone() -> bool:
        return await waits(town) == []

    await eventually(gone, "it goes on")
    await town.line.settle()
    assert "deadline-breached" in await steps_of(town, odd)
    assert (await of_supervision(town, "/waiting"))["items"] == []
    assert (await clocks_of(town, odd))["sign"]["stopped_at"] is not None
