"""The three lists: a department's work, the dispatcher's queue, the overdue board. Reading only."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from fastapi import APIRouter
from fastapi.responses import Response

from services.console.acts import form_of
from services.console.choices import choices, handlers_of
from services.console.offered import BY_NAME
from services.console.screen import Seen, freshness

router = APIRouter(include_in_schema=False)

PAGE = 50
CLOCKS = ("handling", "dispatch", "sign", "rework", "overall", "response")


@router.get("/work")
async def work(
    screen: Seen, *, unit: str = "", state: str = "", lamp: str = "", due: str = "", cursor: str = ""
) -> Response:
    """Work orders by due time, with what the visitor may do to each."""
    position = screen.request.query_params.get("position")
    filters = {"unit": unit, "state": state, "lamp": lamp, "due": due}
    wanted = {"unit": unit, "state": state, "lamp": lamp, "due_before": screen.visitor.end_of(due)}
    answer = await screen.ask("routing", "/work", **wanted, cursor=cursor, limit=PAGE, min_position=position)
    rows = [{**row, "act": quick_act(screen.visitor.role, row)} for row in answer.document.get("items", [])]
    return screen.show(
        "work.html",
        answer.status,
        answer=answer,
        rows=rows,
        filters=filters,
        fresh=freshness(answer),
        handlers=handlers_of(screen.visitor, screen.visitor.unit),
        choices=choices(screen.visitor),
    )


def quick_act(role: str, row: dict[str, Any]) -> Any:
    """What a clerk does most: sign, then name the handler; everything else is on the case's own page."""
    if role != "DEPT_CLERK":
        return None
    name = {"DISPATCHED": "accept", "IN_PROGRESS": "assign"}.get(row["state"])
    return form_of(BY_NAME[name], {"handler": row["handler"] or ""}) if name else None


@router.get("/queue")
async def queue(screen: Seen, cursor: str = "") -> Response:
    """Registered cases, the proposal, why, and why nobody else."""
    position = screen.request.query_params.get("position")
    answer = await screen.ask("routing", "/queue", cursor=cursor, limit=PAGE, min_position=position)
    rows = [{**row, "form": form_of(BY_NAME["dispatch"])} for row in answer.document.get("items", [])]
    return screen.show(
        "queue.html",
        answer.status,
        answer=answer,
        rows=rows,
        fresh=freshness(answer),
        choices=choices(screen.visitor),
    )


@router.get("/overdue")
async def overdue(
    screen: Seen,
    *,
    clock: str = "handling",
    unit: str = "",
    lamp: str = "",
    confirmed: str = "",
    cursor: str = "",
    refresh: str = "on",
) -> Response:
    """The board; htmx asks for it again every few seconds and gets its changing part only."""
    filters = {"clock": clock, "unit": unit, "lamp": lamp, "confirmed": confirmed}
    answer = await screen.ask("supervision", "/overdue", **filters, cursor=cursor, limit=PAGE)
    template = "overdue_board.html" if screen.partial else "overdue.html"
    return screen.show(
        template,
        # A part that failed is shown as well: the board must never look fresher than it is.
        200 if screen.partial else answer.status,
        answer=answer,
        filters=filters,
        fresh=freshness(answer),
        refresh=refresh,
        clocks=CLOCKS,
        choices=choices(screen.visitor),
        late=late,
    )


def late(seconds: int) -> tuple[str, str]:
    """How long overdue, in the two largest parts, Chinese and English."""
    days, rest = divmod(timedelta(seconds=seconds), timedelta(days=1))
    hours, minutes = divmod(rest.seconds // 60, 60)
    if days:
        return f"{days} 天 {hours} 小时", f"{days} d {hours} h"
    return (f"{hours} 小时 {minutes} 分", f"{hours} h {minutes} min") if hours else (f"{minutes} 分", f"{minutes} min")
