"""The supervisor's lists: overdue, about to be, nobody's; counts by group; each at a past instant too. Reading only."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, get_args
from urllib.parse import urlencode

from fastapi import APIRouter
from fastapi.responses import Response

from libs.directory.rules.naming import Bilingual
from libs.events.contracts.parts.clock import Clock
from services.console.forms.act import Option, coded, form_of
from services.console.forms.catalogue import BY_NAME
from services.console.page import Screen, Seen, freshness
from services.console.screens.choices import choices
from services.console.screens.filters import LISTS
from services.console.screens.work.lists import asked

router = APIRouter(include_in_schema=False)

CLOCKS = ("handling", *(clock for clock in get_args(Clock) if clock != "handling"))
"""As the filter offers them: what is looked at most first."""
WITHIN: tuple[Option, ...] = (
    ("4h", Bilingual("4 小时内", "in 4 hours")),
    ("24h", Bilingual("24 小时内", "in 24 hours")),
    ("3d", Bilingual("3 天内", "in 3 days")),
    ("7d", Bilingual("7 天内", "in 7 days")),
    ("14d", Bilingual("14 天内", "in 14 days")),
)
GROUPS: tuple[Option, ...] = (
    ("unit", Bilingual("承办单位", "Unit")),
    ("grid", Bilingual("网格", "Grid")),
    ("class", Bilingual("事项", "Class")),
    ("urgency", Bilingual("紧急程度", "Urgency")),
    ("level", Bilingual("督办级别", "Supervision level")),
    ("lamp", Bilingual("灯", "Lamp")),
)
FILTER_OF = {"unit": "unit", "grid": "grid", "class": "class_code"}
"""Groups whose cases a list can be narrowed to."""
ALARMS = coded("NOT_JUDGED", "NO_UNIT", "UNIT_ENDED", "UNIT_VACANT", "NO_CLOCK", "NO_STEP", "NOT_REGISTERED")


@router.get("/overdue")
async def overdue(screen: Seen, refresh: str = "on") -> Response:
    """The board; htmx asks for it again every few seconds and gets its changing part only."""
    return await board(screen, "overdue", refresh)


@router.get("/due-soon")
async def due_soon(screen: Seen, refresh: str = "on") -> Response:
    """The same of clocks that are due next."""
    return await board(screen, "due-soon", refresh)


async def board(screen: Screen, name: str, refresh: str) -> Response:
    """Running clocks, and urging where the visitor supervises; the past neither refreshes itself nor is acted on."""
    filters = LISTS[name].typed(screen.request.query_params)
    answer = await asked(screen, name, filters)
    urging = screen.visitor.role == "SUPERVISOR" and not filters["as_of"]
    return screen.show(
        "board_rows.html" if screen.partial else "board.html",
        # A part that failed is shown as well: the board must never look fresher than it is.
        200 if screen.partial else answer.status,
        name=name,
        answer=answer,
        filters=filters,
        fresh=freshness(answer),
        refresh="off" if filters["as_of"] else refresh,
        urge=form_of(BY_NAME["urge"]) if urging else None,
        clocks=CLOCKS,
        within=WITHIN,
        choices=choices(screen.visitor),
        late=late,
    )


@router.get("/alarms")
async def alarms(screen: Seen) -> Response:
    """Open cases that nobody answers for or no clock watches; always of now."""
    filters = LISTS["alarms"].typed(screen.request.query_params)
    answer = await asked(screen, "alarms", filters)
    return screen.show(
        "alarms.html", answer.status, answer=answer, filters=filters, fresh=freshness(answer), kinds=ALARMS
    )


@router.get("/counts")
async def counts(screen: Seen) -> Response:
    """How many cases are open, how many clocks run, are about to be overdue, are overdue – by one of the groups."""
    filters = LISTS["counts"].typed(screen.request.query_params)
    answer = await asked(screen, "counts", filters)
    groups = answer.document.get("groups", []) if answer.ok else []
    return screen.show(
        "counts.html",
        answer.status,
        answer=answer,
        filters=filters,
        fresh=freshness(answer),
        groups=groups,
        most=max((one["running"] for one in groups), default=0) or 1,
        by=GROUPS,
        clocks=CLOCKS,
        cases_of=lambda path, key: cases_of(path, filters, key),
        choices=choices(screen.visitor),
    )


def cases_of(path: str, filters: dict[str, Any], key: Any) -> str | None:
    """Where the cases of a group are listed; None where no list can be narrowed to it."""
    by = filters["by"]
    narrowed = {
        name: filters[name] for name in ("clock", "unit", "role", "grid", "class_code", "as_of") if filters.get(name)
    }
    if by in FILTER_OF and key is not None:
        return f"{path}?{urlencode(narrowed | {FILTER_OF[by]: key})}"
    return f"/overdue?{urlencode(narrowed | {'lamp': key})}" if by == "lamp" else None


def late(seconds: int) -> tuple[str, str]:
    """How long, in the two largest parts, Chinese and English."""
    days, rest = divmod(timedelta(seconds=seconds), timedelta(days=1))
    hours, minutes = divmod(rest.seconds // 60, 60)
    if days:
        return f"{days} 天 {hours} 小时", f"{days} d {hours} h"
    return (f"{hours} 小时 {minutes} 分", f"{hours} h {minutes} min") if hours else (f"{minutes} 分", f"{minutes} min")
