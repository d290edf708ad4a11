"""A read model that is not what the log makes of it is found, row for row."""

import asyncpg

from deploy.faults.checker import read_model_faults
from deploy.faults.site import Site


async def test_a_planted_difference_is_found_and_named(site: Site) -> None:
    case = await site.clients.dispatched()
    await site.line.settle()
    conn = await asyncpg.connect(site.stack.admin_url("supervision"))
    change = "update read.case_view set unit = $2 where case_id = $1"
    await conn.execute(change, case, "county-water")
    try:
        found = await read_model_faults(site.stack, ["supervision"])
    finally:
        await conn.execute(change, case, "county-housing")
        await conn.close()

    assert found == [f"read model: supervision case_view case_id={case} ('unit',)"]
