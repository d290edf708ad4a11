"""The lists of what is to be done: a department's work, the dispatcher's queue, cases as they came in. Reading only."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from fastapi.responses import Response

from libs.events.ids import new_id
from services.console.forms.act import form_of
from services.console.forms.catalogue import BY_NAME
from services.console.page import Screen, Seen, freshness
from services.console.screens.choices import choices, handlers_of
from services.console.screens.filters import LISTS
from services.console.upstream import Answer

router = APIRouter(include_in_schema=False)

PAGE = 50


async def asked(screen: Screen, name: str, typed: dict[str, str]) -> Answer:
    """One page of a list, with what is typed into its filters; after an act, with that act in it."""
    listed, given = LISTS[name], screen.request.query_params
    paged = {"cursor": given.get("cursor"), "limit": PAGE} if listed.paged else {}
    at = {**paged, "min_position": given.get("position")}
    return await screen.ask(listed.service, listed.path, **listed.query(screen.visitor, typed), **at)


@router.get("/work")
async def work(screen: Seen) -> Response:
    """Work orders by due time, with what the visitor may do to each."""
    filters = LISTS["work"].typed(screen.request.query_params)
    answer = await asked(screen, "work", filters)
    rows = [{**row, "act": quick_act(screen.visitor.role, row)} for row in answer.document.get("items", [])]
    return screen.show(
        "work.html",
        answer.status,
        answer=answer,
        rows=rows,
        filters=filters,
        fresh=freshness(answer),
        key=new_id(),
        handlers=handlers_of(screen.visitor, screen.visitor.unit or filters["unit"] or None),
        choices=choices(screen.visitor),
    )


def quick_act(role: str, row: dict[str, Any]) -> Any:
    """What a clerk of the lead does most: sign, then name the handler; all else is on the case's own page."""
    if role != "DEPT_CLERK" or not row.get("lead", True):
        return None
    name = {"DISPATCHED": "accept", "IN_PROGRESS": "assign"}.get(row["state"])
    return form_of(BY_NAME[name], {"handler": row["handler"] or ""}) if name else None


@router.get("/cases")
async def cases(screen: Seen) -> Response:
    """Cases by state – what is to be registered, unless asked otherwise –, or the one of a receipt."""
    filters = LISTS["cases"].typed(screen.request.query_params)
    if filters["receipt"] and "state" not in screen.request.query_params:
        filters["state"] = ""
    answer = await asked(screen, "cases", filters)
    return screen.show("cases.html", answer.status, answer=answer, filters=filters, fresh=freshness(answer))


@router.get("/queue")
async def queue(screen: Seen) -> Response:
    """Registered cases, the proposal, why, and why nobody else; or those that no rule fits; disputes too."""
    filters = LISTS["queue"].typed(screen.request.query_params)
    answer = await asked(screen, "queue", filters)
    rows = [{**row, "form": form_of(BY_NAME["dispatch"])} for row in answer.document.get("items", [])]
    return screen.show(
        "queue.html",
        answer.status,
        answer=answer,
        rows=rows,
        filters=filters,
        fresh=freshness(answer),
        choices=choices(screen.visitor),
    )
