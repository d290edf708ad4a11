"""The last days of a year whose successor's holidays nobody knows yet, and the morning on which the notice is out."""

import asyncio
from collections import Counter
from datetime import datetime
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from libs.directory.publish.files import read_files
from operations.embedded.stack import Stack
from operations.installation import ROOT
from operations.rebuild import compare
from services.routing import main as routing
from services.supervision import main as supervision
from services.supervision.jobs import recount
from tests.town.cases import SUPERVISOR, clock_of, complaint
from trials.faults.clients import Clients
from trials.faults.deadlines import registered_at_once
from trials.faults.site import Site
from trials.publish import publish
from trials.town import Town, civil

pytestmark = pytest.mark.long

MORNING = "2026-12-28 08:00"
FIRST = civil("2027-01-06 00:00")
"""After five working days, if only New Year's Day is off."""
ANEW = civil("2027-01-07 00:00")
WORKER = "supervision-worker"
AT_ONCE = 120


async def publish_2027(town: Town, **year: Any) -> None:
    """The example's calendar with another 2027; nothing else of the directory changes."""
    raw = read_files(ROOT / "examples" / "town").raw
    raw["years"][2027] = year
    await publish(town.line, raw)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def before_the_notice(town: Town) -> str:
    """A complaint of 28 December, dispatched at once."""
    return await complaint(town, "2026-12-28 09:00")


async def test_a_limit_into_the_next_year_says_that_it_is_provisional(town: Town, before_the_notice: str) -> None:
    clock = await clock_of(town, before_the_notice)

    assert (datetime.fromisoformat(clock["due_at"]), clock["provisional"]) == (FIRST, True)


async def test_the_notice_comes_supervision_dies_half_way_and_every_open_limit_is_counted_anew_once(
    running: Stack, town: Town, before_the_notice: str, database: asyncpg.Connection
) -> None:
    site = Site(running, town.line, Clients(town.line))
    cases = {*await registered_at_once(site, AT_ONCE), before_the_notice}
    armed = await site.arm(WORKER, "timer.before_commit", 20)
    await asyncio.to_thread(running.wait_ready, WORKER)
    # A clock that is first set after the notice counts by it already.
    await town.line.settle()

    await publish_2027(town, source="放假通知", off=["01-01", "01-04"], work=["01-10"])
    await site.killed(armed, "supervision dies while it counts")
    half_way = await counted_anew(database)
    await site.restart(WORKER)
    await town.line.settle()

    assert set(half_way) < cases, "it died half way"
    assert await counted_anew(database) == {case: 2 if case == before_the_notice else 1 for case in cases}


async def counted_anew(database: asyncpg.Connection) -> Counter[str]:
    """Case → how many of its clocks say so; no older case runs into the new year."""
    rows = await database.fetch(
        "select case_id::text as case_id from log.event where type = 'supervision.deadline-recomputed.v1'"
    )
    return Counter(row["case_id"] for row in rows)


async def test_every_list_shows_the_new_due_instant(town: Town, before_the_notice: str) -> None:
    clock = await clock_of(town, before_the_notice)
    work = await town.line.get("routing", "/work", person="fang-yun", limit=200)
    (order,) = [one for one in work["items"] if one["case_id"] == before_the_notice]

    assert (datetime.fromisoformat(clock["due_at"]), clock["provisional"]) == (ANEW, False)
    assert (datetime.fromisoformat(order["due_at"]), order["provisional"]) == (ANEW, False)


async def test_nothing_is_left_to_be_counted_and_the_log_says_what_the_lists_show(
    running: Stack, town: Town, database: asyncpg.Connection
) -> None:
    await database.execute("set search_path = read")

    assert await recount.waiting(database) == 0
    for parts in (supervision.PARTS, routing.PARTS):
        found = await compare(
            running.database_url(parts.service, owner=True), running.bootstrap, parts, running.public_keys.proves
        )
        assert (found.differences, bool(found.rows)) == ((), True)


async def test_it_breaches_by_the_new_count_and_not_by_the_first(town: Town, before_the_notice: str) -> None:
    await town.line.run_to(civil("2027-01-06 12:00"))
    assert not await overdue(town, before_the_notice)

    await town.line.run_to(civil("2027-01-07 08:00"))
    assert await overdue(town, before_the_notice)


async def overdue(town: Town, case: str) -> bool:
    listed = await town.line.get("supervision", "/overdue", person=SUPERVISOR, limit=200)
    return case in [one["case_id"] for one in listed["items"]]
