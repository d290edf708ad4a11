"""The grid worker's form: what he finds on patrol, with photos and the place where he stands."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import Response

from services.console.forms.act import Form, form_of, shown_again
from services.console.forms.intake import REPORT
from services.console.page import Screen, Seen, Typed, go
from services.console.screens.choices import choices
from services.console.upstream import Answer

router = APIRouter(include_in_schema=False)


def form(screen: Screen, shown: Form, refusal: Answer | None = None) -> Response:
    """The form, with what was typed before and why it was refused."""
    return screen.show(
        "report.html",
        refusal.status if refusal else 200,
        form=shown,
        problem=refusal.document if refusal else None,
        choices=choices(screen.visitor),
    )


@router.get("/report")
async def show(screen: Seen) -> Response:
    return form(screen, form_of(REPORT))


@router.post("/report")
async def submit(screen: Seen, typed: Typed) -> Response:
    """Report it; photos bring the id of the case with them."""
    body = REPORT.body(typed)
    if "photos" in body:
        body["case_id"] = typed.get("case_id")
    answer = await screen.tell("intake", "/grid-reports", body, typed.get("key", ""))
    if not answer.ok:
        return form(screen, shown_again(REPORT, typed, answer.status, answer.document), answer)
    case, position = answer.document["case_id"], answer.document.get("position")
    return go(f"/cases/{case}", received="reported", position=position)
