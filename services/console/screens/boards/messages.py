"""Messages and what became of them: the undelivered ones, events of which nobody was told, sending one again."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path
from fastapi.responses import Response

from libs.directory.rules.naming import NOTICES, Bilingual
from services.console.forms.act import form_of
from services.console.forms.catalogue import RESEND
from services.console.page import CaseId, Screen, Seen, Typed, freshness, go, inside
from services.console.screens.filters import LISTS
from services.console.screens.work.lists import asked

router = APIRouter(include_in_schema=False)

STATES = ("DROPPED", "FAILED", "DUE", "SENT")
REASONS = ("UNDELIVERABLE", "NO_RECIPIENT", "NO_CONTACT", "NOT_ALLOWED", "ANONYMOUS", "OBSOLETE", "COVERED")
TITLES = {
    "messages": Bilingual("告知台账", "Messages"),
    "untold": Bilingual("无人知悉的事项", "Events of which nobody was told"),
}


@router.get("/messages")
async def messages(screen: Seen) -> Response:
    """Undelivered ones, unless asked otherwise."""
    return await ledger(screen, "messages")


@router.get("/untold")
async def untold(screen: Seen) -> Response:
    """What somebody should have been told and nobody was."""
    return await ledger(screen, "untold")


async def ledger(screen: Screen, name: str) -> Response:
    """One of the two lists, with sending again where the visitor may."""
    filters = LISTS[name].typed(screen.request.query_params)
    answer = await asked(screen, name, filters)
    may = screen.visitor.role in ("SUPERVISOR", "ADMIN")
    return screen.show(
        "messages.html",
        answer.status,
        name=name,
        title=TITLES[name],
        answer=answer,
        filters=filters,
        fresh=freshness(answer),
        states=[(code, screen.visitor.word(code)) for code in STATES],
        reasons=[(code, screen.visitor.word(code)) for code in REASONS],
        resend=form_of(RESEND) if may else None,
        notices=NOTICES,
    )


@router.post("/cases/{case_id}/messages/{message_id}/resend")
async def again(
    screen: Seen, case_id: CaseId, message_id: Annotated[str, Path(pattern=r"^[0-9a-f]{32}$")], typed: Typed
) -> Response:
    """Have an undelivered message sent again, under the same id."""
    path = f"/cases/{case_id}/messages/{message_id}/resend"
    answer = await screen.tell("notify", path, {}, typed.get("key", ""))
    if not answer.ok:
        return screen.show("refused.html", answer.status, problem=answer.document)
    back = inside(typed.get("back", ""), f"/cases/{case_id}")
    return go(back, done=RESEND.name, position=answer.document.get("position"))
