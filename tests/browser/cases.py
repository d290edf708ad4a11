"""Cases for the console to show: what happened to them before somebody sits down at the screen."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime

from playwright.async_api import Locator, Page

from trials.town import Town, civil

DAY = "2026-11-02"
PAGES = {
    "zhou-min": ("/sign-in", "/intake", "/cases", "/suspected"),
    "chen-li": ("/queue", "/work"),
    "han-feng": ("/overdue", "/alarms", "/counts", "/messages", "/cases/{case}"),
    "li-fang": ("/report",),
}
"""Who looks at which page."""


async def registered(town: Town, at: str, day: str = DAY) -> str:
    """A complaint about a sewer, taken and registered by the operator."""
    case = await town.appeal(f"{day} {at}", "zhou-min", "G03", "complaint", "小区门口下水道异味")
    await town.register(f"{day} {at}", case, "sewer-odour", "U3")
    return case


async def dispatched(town: Town, at: str, day: str = DAY) -> str:
    """The same, sent to the housing bureau."""
    case = await registered(town, at, day)
    await town.dispatch(f"{day} {at}", case)
    return case


async def morning(town: Town, at: str, number: int) -> list[str]:
    """Complaints about a sewer, taken, registered and sent to the housing bureau side by side."""
    now = civil(f"{DAY} {at}")
    await town.line.run_to(now)
    body = {"channel": "phone", "kind": "complaint", "content": "小区门口下水道异味", "place": {"grid": "G03"}}

    async def each(service: str, person: str, paths: list[str], said: Mapping[str, object]) -> list[str]:
        posts = (town.line.post(service, path, said, person=person, at=now) for path in paths)
        answers = await asyncio.gather(*posts)
        await town.line.settle()
        return [str(one["case_id"]) for one in answers]

    cases = await each("intake", "zhou-min", ["/appeals"] * number, body)
    registered = {"class_code": "sewer-odour", "urgency": "U3"}
    await each("intake", "zhou-min", [f"/cases/{case}/register" for case in cases], registered)
    return await each("routing", "chen-li", [f"/cases/{case}/dispatch" for case in cases], {})


async def littered(town: Town, at: str) -> str:
    """Litter that the clerk of its own village found on patrol, for he is the grid worker too; sent to the village."""
    found = {"kind": "grid_livelihood", "appointment": "wang-jianguo-grid"}
    case = await town.report(f"{DAY} {at}", "wang-jianguo", "G04", "village-litter", "村口垃圾堆积", **found)
    await town.register(f"{DAY} {at}", case, "village-litter", "U3")
    await town.dispatch(f"{DAY} {at}", case)
    return case


async def drafted(town: Town, at: str) -> str:
    """Wages unpaid: the unit's answer waits for the word of its leader."""
    case = await town.appeal(f"{DAY} {at}", "zhou-min", "G03", "complaint", "拖欠工资")
    await town.register(f"{DAY} {at}", case, "wage-arrears", "U3")
    await town.dispatch(f"{DAY} {at}", case)
    await town.accept(f"{DAY} {at}", case, "jiang-li")
    await town.assign(f"{DAY} {at}", case, "jiang-li", "wei-dong")
    await town.feedback(f"{DAY} {at}", case, "wei-dong", "已责令支付")
    return case


async def due(town: Town, case: str) -> datetime:
    """When the handling of a case is due."""
    clocks = (await town.line.get("supervision", f"/cases/{case}", person="han-feng"))["clocks"]
    return datetime.fromisoformat(next(one["due_at"] for one in clocks if one["clock"] == "handling"))


def row(page: Page, case: str) -> Locator:
    """A case in a list."""
    return page.locator(f"#row-{case}")
