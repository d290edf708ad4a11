"""The calendar of a year that runs is published again: what is open counts anew, and nothing ends earlier than told."""

from datetime import datetime
from typing import Any

import asyncpg
import pytest_asyncio

from libs.directory.publish.files import read_files
from operations.embedded.stack import Stack
from operations.installation import ROOT
from operations.rebuild import compare
from services.supervision import main as supervision
from services.supervision.jobs import recount
from tests.town.cases import SUPERVISOR, clock_of, complaint
from trials.publish import publish
from trials.town import Town, civil

MORNING = "2026-04-13 08:00"
TOLD = civil("2026-04-22 00:00")
"""After five working days from Tuesday the 14th."""
LATER = civil("2026-04-23 00:00")
RECOMPUTED = """
    select count(*) from log.event where stream = $1 and type = 'supervision.deadline-recomputed.v1'
"""


async def publish_2026(town: Town, **more: list[Any]) -> dict[str, Any]:
    """The example's 2026 with more days off, more days at work, or working hours of its own."""
    raw = read_files(ROOT / "examples" / "town").raw
    for name, days in more.items():
        raw["years"][2026][name] = [*raw["years"][2026].get(name, ()), *days]
    answer = await publish(town.line, raw)
    await town.line.settle()
    return answer


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def running_clock(town: Town) -> str:
    """A complaint of Tuesday, dispatched at once."""
    return await complaint(town, "2026-04-14 09:00")


async def test_a_day_off_more_moves_the_due_instant_of_what_runs_over_it(
    town: Town, running_clock: str, database: asyncpg.Connection
) -> None:
    clock = await clock_of(town, running_clock)
    assert (datetime.fromisoformat(clock["due_at"]), clock["provisional"]) == (TOLD, False)

    await publish_2026(town, off=["04-17"])

    clock = await clock_of(town, running_clock)
    assert (datetime.fromisoformat(clock["due_at"]), clock["provisional"]) == (LATER, False)
    assert await database.fetchval(RECOMPUTED, f"case-{running_clock}") == 2, "handling and overall"
    work = await town.line.get("routing", "/work", person="fang-yun", limit=200)
    (order,) = [one for one in work["items"] if one["case_id"] == running_clock]
    assert datetime.fromisoformat(order["due_at"]) == LATER


async def test_a_make_up_day_never_makes_it_earlier_and_a_day_outside_says_nothing(
    town: Town, running_clock: str, database: asyncpg.Connection
) -> None:
    answer = await publish_2026(town, off=["04-17", "06-15"], work=["04-18"])
    assert any("不再" in one["zh"] or "少休" in one["zh"] for one in answer["findings"])
    clock = await clock_of(town, running_clock)
    assert datetime.fromisoformat(clock["due_at"]) == LATER

    said = await database.fetchval(RECOMPUTED, f"case-{running_clock}")
    await publish_2026(town, off=["04-17", "06-15", "07-15"], work=["04-18"])
    assert await database.fetchval(RECOMPUTED, f"case-{running_clock}") == said


async def test_working_hours_of_a_unit_count_its_own_work_anew_and_that_of_no_other(
    town: Town, running_clock: str, database: asyncpg.Connection
) -> None:
    before = await clock_of(town, running_clock)
    said = await database.fetchval(RECOMPUTED, f"case-{running_clock}")
    season = {"windows": ["09:00-12:00", "14:00-17:00"], "first_day": "04-20", "last_day": "04-21"}
    known = {"off": ["04-17", "06-15", "07-15"], "work": ["04-18"]}

    await publish_2026(town, **known, hours=[{**season, "unit": "county-urban"}])
    assert await database.fetchval(RECOMPUTED, f"case-{running_clock}") == said

    await publish_2026(town, **known, hours=[{**season, "unit": "county-housing"}])
    assert await database.fetchval(RECOMPUTED, f"case-{running_clock}") == said + 1, "handling, and not overall"
    clock = await clock_of(town, running_clock)
    assert datetime.fromisoformat(clock["due_at"]) == LATER
    assert clock["yellow_at"] != before["yellow_at"], "a share of a working day is over at another hour"


async def test_nothing_is_left_to_be_counted_and_a_rebuild_says_the_same(
    running: Stack, town: Town, database: asyncpg.Connection
) -> None:
    await database.execute("set search_path = read")

    assert await recount.waiting(database) == 0
    found = await compare(
        running.database_url("supervision", owner=True),
        running.bootstrap,
        supervision.PARTS,
        running.public_keys.proves,
    )
    assert (found.differences, bool(found.rows)) == ((), True)


async def test_it_breaches_by_the_new_count(town: Town, running_clock: str) -> None:
    async def overdue() -> list[str]:
        listed = await town.line.get("supervision", "/overdue", person=SUPERVISOR, limit=200)
        return [one["case_id"] for one in listed["items"]]

    await town.line.run_to(civil("2026-04-22 12:00"))
    assert running_clock not in await overdue()
    await town.line.run_to(civil("2026-04-23 08:00"))
    assert running_clock in await overdue()
