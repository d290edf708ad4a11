"""Many orders at once: sign, or name a handler; what became of each is shown, and the same form may be sent again."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from fastapi.responses import Response

from services.console.forms.act import lines
from services.console.forms.catalogue import BY_NAME
from services.console.page import Screen, Seen, Typed, inside

router = APIRouter(include_in_schema=False)


@router.post("/work/accept")
async def accept(screen: Seen, typed: Typed) -> Response:
    """Sign for every order that is ticked."""
    return await each(screen, typed, "accept", lines(typed.get("items", "")))


@router.post("/work/assign")
async def assign(screen: Seen, typed: Typed) -> Response:
    """Name one handler for every order that is ticked."""
    handler = typed.get("handler", "")
    items = [{"case_id": case, "handler": handler, **seen(typed, case)} for case in lines(typed.get("items", ""))]
    return await each(screen, typed, "assign", items)


def seen(typed: dict[str, str], case: str) -> dict[str, int]:
    """The version of the line that was ticked."""
    said = typed.get(f"version-{case}", "")
    return {"version": int(said)} if said.isdecimal() else {}


async def each(screen: Screen, typed: Typed, name: str, items: list[Any]) -> Response:
    """One request, one answer per order; its key is the form's, so that sent twice it is done once."""
    answer = await screen.tell("routing", f"/bulk/{name}", {"items": items}, f"{typed.get('key', '')}-{name}")
    return screen.show(
        "bulk.html",
        answer.status,
        act=BY_NAME[name],
        answer=answer,
        handler=typed.get("handler", "") if name == "assign" else "",
        back=inside(typed.get("back", ""), "/work"),
    )
