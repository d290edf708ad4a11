"""What supervision shows of a case, for scenarios."""

from datetime import datetime
from typing import Any

from trials.town import Town


async def view(town: Town, case: str) -> dict[str, Any]:
    document: dict[str, Any] = await town.line.get("supervision", f"/cases/{case}", person="han-feng")
    return document


async def clock_of(town: Town, case: str, name: str) -> dict[str, Any]:
    return next(one for one in (await view(town, case))["clocks"] if one["clock"] == name)


async def due(town: Town, case: str, name: str = "handling") -> datetime:
    return datetime.fromisoformat((await clock_of(town, case, name))["due_at"])
