"""After all scenarios: every read model equals the one rebuilt from the log, and the log verifies."""

import asyncio

import asyncpg
import pytest

from libs.audit.verify import verify
from operations.compare import opener, parts_of
from operations.embedded.stack import Stack
from operations.installation import SERVICES
from operations.rebuild import Comparison, compare
from trials.town import Town


async def compared(stack: Stack, service: str) -> Comparison:
    async with opener(stack.keys_url(), stack.instance.keys) as opens:
        return await compare(
            stack.database_url(service, owner=True), stack.bootstrap, parts_of(service), stack.public_keys.proves, opens
        )


@pytest.mark.parametrize("service", SERVICES)
async def test_a_killed_and_restarted_worker_leaves_what_a_rebuild_makes(
    town_stack: Stack, town: Town, service: str
) -> None:
    name = f"{service}-worker"
    town_stack.kill(name)
    await town.line.post(
        "intake",
        "/appeals",
        {"channel": "phone", "kind": "help", "content": "示例", "place": {"grid": "G03"}},
        person="zhou-min",
        at=town.line.now,
    )
    town_stack.start_process(name)
    await asyncio.to_thread(town_stack.wait_ready, name)
    await town.line.settle()

    found = await compared(town_stack, service)

    assert found.differences == ()
    assert found.events > 100
    assert found.rows["case_view"] > 5
    assert found.rows["directory_fact"] > 100


@pytest.mark.parametrize("service", SERVICES)
async def test_planted_differences_are_found_row_by_row(town_stack: Stack, town: Town, service: str) -> None:
    del town
    conn = await asyncpg.connect(town_stack.database_url(service, owner=True))
    row = await conn.fetchrow("select case_id, unit from read.case_view where unit is not null order by 1 limit 1")
    gone = await conn.fetchrow("delete from read.directory_fact where version = 7 returning *")
    await conn.execute("update read.case_view set unit = 'county-market' where case_id = $1", row["case_id"])
    try:
        found = await compared(town_stack, service)
    finally:
        await conn.execute("update read.case_view set unit = $2 where case_id = $1", *row)
        await conn.execute("insert into read.directory_fact values ($1, $2, $3, $4)", *gone)
        await conn.close()

    changed, missing = sorted(found.differences, key=lambda one: one.table)
    assert (changed.table, changed.key, changed.columns) == ("case_view", f"case_id={row['case_id']}", ("unit",))
    assert (missing.table, missing.key, missing.live, missing.rebuilt) == ("directory_fact", "version=7", False, True)


async def test_the_log_of_all_scenarios_verifies(town_stack: Stack, town: Town) -> None:
    await town.line.settle()

    report = await verify(town_stack.bootstrap)

    assert report.sound, report.findings
    assert report.events > 500
