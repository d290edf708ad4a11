"""Cases for the desks to work at, and what supervision says of them."""

from datetime import datetime
from typing import Any

import asyncpg

from operations.embedded.stack import Stack
from trials.town import Town

SUPERVISOR = "han-feng"


async def odour(town: Town, at: str, grid: str = "G03", **reporter: str) -> str:
    """A registered complaint about a sewer; the router proposes the housing bureau."""
    who = {"reporter_name": "某女士", **reporter}
    case = await town.appeal(at, "zhou-min", grid, "complaint", "小区门口下水道异味", **who)
    await town.register(at, case, "sewer-odour", "U3")
    return case


async def complaint(town: Town, at: str, grid: str = "G03", **reporter: str) -> str:
    """The same, dispatched to the housing bureau: five working days."""
    case = await odour(town, at, grid, **reporter)
    await town.dispatch(at, case)
    return case


async def clock_of(town: Town, case: str, name: str = "handling") -> dict[str, Any]:
    document = await town.line.get("supervision", f"/cases/{case}", person=SUPERVISOR)
    found: dict[str, Any] = next(one for one in document["clocks"] if one["clock"] == name)
    return found


async def due_of(town: Town, case: str) -> datetime:
    """When the handling of a case is due."""
    return datetime.fromisoformat((await clock_of(town, case))["due_at"])


async def events_of(running: Stack, stream: str, service: str = "routing") -> list[str]:
    """What a service's own stream says, in words: `case-dispatched`."""
    conn = await asyncpg.connect(running.admin_url(service))
    try:
        rows = await conn.fetch("select type from log.event where stream = $1 order by version", stream)
        return [row["type"].split(".")[1] for row in rows]
    finally:
        await conn.close()
