"""The operator's form: a citizen's appeal, the caller's earlier cases, and cases that may be the same matter."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from fastapi.responses import Response

from libs.events.ids import new_id
from libs.events.text import trimmed
from services.console.forms.act import lines
from services.console.forms.intake import CHANNELS, KINDS, NEW_CASE
from services.console.page import Screen, Seen, Typed
from services.console.screens.choices import choices

router = APIRouter(include_in_schema=False)


def form(screen: Screen, status: int = 200, typed: dict[str, str] | None = None, problem: Any = None) -> Response:
    """The form, with what was typed before; after a refusal with a key of its own."""
    typed = typed or {}
    key = typed.get("key", "") if status >= 500 else ""
    wrong = {str(one.get("at", "")).rpartition(".")[2] for one in (problem or {}).get("errors", [])}
    return screen.show(
        "intake.html",
        status,
        typed=typed,
        problem=problem,
        wrong=wrong,
        key=key or new_id(),
        channels=[code for code, _ in CHANNELS],
        kinds=[code for code, _ in KINDS],
        reasons=NEW_CASE,
        photos=lines(typed.get("photos", "")),
        open_cases=(problem or {}).get("open_cases", []),
        choices=choices(screen.visitor),
    )


def appeal(typed: dict[str, str]) -> dict[str, Any]:
    """The body of `POST /appeals`; what was left empty is left out. Photos bring the id of the case with them."""
    given = {name: text for name, said in typed.items() if (text := trimmed(said))}
    fields = ("channel", "kind", "content", "reporter_name", "reporter_phone", "new_case_reason", "same_case")
    body: dict[str, Any] = {name: given[name] for name in fields if name in given}
    body["place"] = {name: given[name] for name in ("grid", "address") if name in given}
    if "new_case_reason" in given:
        body["new_case"] = True
    if "photos" in given:
        body |= {"case_id": given.get("case_id"), "photos": lines(given["photos"])}
    return body


@router.get("/intake")
async def show(screen: Seen) -> Response:
    return form(screen)


@router.post("/intake")
async def submit(screen: Seen, typed: Typed) -> Response:
    """Receive the appeal, then go on with its page: register it, refuse it."""
    answer = await screen.tell("intake", "/appeals", appeal(typed), typed.get("key", ""))
    if not answer.ok:
        return form(screen, answer.status, typed, answer.document)
    # Shown once, here: the secret belongs to the citizen and never into an address.
    return screen.show("received.html", answer=answer.document)


@router.post("/intake/caller")
async def caller(screen: Seen, typed: Typed) -> Response:
    """Part of the page: what this telephone asked for earlier. Looking is recorded, with its purpose."""
    body = {"phone": typed.get("reporter_phone", "").strip(), "purpose": "TAKE_CALL"}
    answer = await screen.tell("intake", "/callers/lookup", body, new_id())
    return screen.show("intake_caller.html", answer=answer)


@router.post("/intake/duplicates")
async def duplicates(screen: Seen, typed: Typed) -> Response:
    """Part of the page: open cases nearby that sound like this one."""
    told = appeal(typed)
    if not ({"kind", "content"} <= told.keys() and told["place"]):
        return screen.show("intake_duplicates.html", answer=None)
    body = {name: told[name] for name in ("kind", "content", "place")}
    answer = await screen.tell("intake", "/duplicates", body, new_id())
    return screen.show("intake_duplicates.html", answer=answer)
