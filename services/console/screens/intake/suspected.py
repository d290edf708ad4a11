"""Open cases that look like one matter: the list of their groups, and that some are not. Reading, and one act."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import Response

from services.console.forms.act import form_of
from services.console.forms.catalogue import BY_NAME
from services.console.page import Screen, Seen, freshness
from services.console.screens.choices import Choice

router = APIRouter(include_in_schema=False)


@router.get("/suspected")
async def suspected(screen: Seen) -> Response:
    """The groups, newest first, with the form by which one case leaves its group."""
    answer = await screen.ask("intake", "/duplicates", min_position=screen.request.query_params.get("position"))
    groups = answer.document.get("items", []) if answer.ok else []
    act = BY_NAME["tell-apart"]
    rows = [
        {**group, "forms": [(case, form_of(act), others_of(screen, group["cases"], case["case_id"])) for case in cases]}
        for group in groups
        if (cases := group["cases"])
    ]
    return screen.show("suspected.html", answer.status, answer=answer, rows=rows, fresh=freshness(answer))


async def suspected_of(screen: Screen, case_id: str, position: str | None) -> list[Choice]:
    """The cases that look like one matter with this one; none where nobody may say so."""
    answer = await screen.ask("intake", "/duplicates", case_id=case_id, min_position=position)
    groups = answer.document["items"] if answer.ok else []
    return [choice for group in groups for choice in others_of(screen, group["cases"], case_id)]


def others_of(screen: Screen, cases: list[dict[str, str]], case_id: str) -> list[Choice]:
    """The other cases of a group, in the visitor's words."""
    visitor = screen.visitor
    return [
        (one["case_id"], f"{one['case_id'][-6:]} · {visitor.moment(one['received_at'])}")
        for one in cases
        if one["case_id"] != case_id
    ]
