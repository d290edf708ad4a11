"""The page of one case: the matter, what may be done, clocks, rule chain and time line; and every act on it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, HTTPException
from fastapi.responses import Response

from libs.directory.rules.naming import NOTICES
from libs.events.ids import new_id
from libs.events.text import as_number
from services.console.forms.act import Form, form_of, shown_again
from services.console.forms.catalogue import BY_NAME, IN_ANY_STATE, RESEND
from services.console.forms.intake import PURPOSES, TO_CONTACT
from services.console.page import CaseId, Screen, Seen, Typed, freshness, go, inside
from services.console.screens.choices import choices, handlers_of
from services.console.screens.intake.suspected import suspected_of
from services.console.upstream import Answer
from services.console.wording import TEXTS, lines_of_record

router = APIRouter(include_in_schema=False)

SERVICES = ("intake", "routing", "supervision")
ATTACHMENTS = "attachments"
"""Sent where photos are chosen, with no form of its own."""
TELL_APART = "tell-apart"
"""Where nothing looks like the case, there is nothing to tell it from."""
NOT_CONFIRMED: dict[str, Any] = {
    "code": "E-CONFIRM",
    "message_zh": "请输入本案编号的后六位以确认; 尚未执行",
    "message_en": "type the last six characters of the case's number; nothing was done",
    "rule_id": None,
    "evidence_event_ids": [],
    "allowed_actions": [],
    "errors": [{"at": "confirm", "error": "mismatch"}],
}


@dataclass(frozen=True)
class Told:
    """What the services say of one case: their documents, and what each of them recorded."""

    documents: Mapping[str, Answer]
    timelines: Mapping[str, Answer]
    told: Answer
    """Who was told of it, and what became of each message."""

    @property
    def newest(self) -> Answer:
        """The service that has heard most of the case; where none shows it, the reason why."""
        shown = [one for one in self.documents.values() if one.ok]
        return max(shown, key=lambda one: one.document["last_recorded_at"], default=self.documents["intake"])

    def of(self, service: str) -> dict[str, Any]:
        """A service's own part; empty while it has not heard of the case."""
        answer = self.documents[service]
        return answer.document if answer.ok else {}

    @property
    def missing(self) -> list[str]:
        """Services that do not show the case (yet)."""
        return [name for name in SERVICES if not (self.documents[name].ok and self.timelines[name].ok)]

    def line(self) -> list[dict[str, Any]]:
        """Everything that was recorded, oldest first."""
        items = [one for answer in self.timelines.values() if answer.ok for one in answer.document["items"]]
        return sorted(items, key=lambda one: one["recorded_at"])

    @property
    def messages(self) -> list[dict[str, Any]]:
        """Who was told what, oldest first."""
        return list(self.told.document["messages"]) if self.told.ok else []

    @property
    def resends(self) -> bool:
        """Whether the visitor may have one of them sent again."""
        return self.told.ok and RESEND.name in self.told.document["allowed_actions"]

    @property
    def parties(self) -> list[str]:
        """The units that dispute whose the case is."""
        return list((self.of("routing").get("dispute") or {}).get("parties", []))

    def versions(self) -> dict[str, int]:
        """Service → how many events it had recorded of the case when this page was made."""
        return {name: self.of(name)["version"] for name in SERVICES if self.of(name)}

    def since(self, form: Form | None) -> list[dict[str, Any]]:
        """What the service of the form's act has recorded after the form was made."""
        seen = form.typed.get("version", "") if form else ""
        if form is None or not seen.isdecimal():
            return []
        return [one for one in self.line() if one["service"] == form.act.service][int(seen) :]

    def allowed(self) -> list[tuple[str, str]]:
        """(service, act) that this visitor may do next; what the case waits for first."""
        acts = [(name, act) for name in SERVICES for act in self.of(name).get("allowed_actions", [])]
        return sorted(acts, key=lambda one: one[1] in IN_ANY_STATE)


@router.get("/find")
async def find(screen: Seen, case: str = "") -> Response:
    """Straight to a case by its number, or to the one of a receipt."""
    number = as_number(case).strip().lower()
    # A receipt is printed in groups; a case's number has letters too.
    if "".join(number.replace("-", " ").split()).isdecimal():
        return go("/cases", receipt=number)
    return go(f"/cases/{number}") if number else go("/")


@router.get("/cases/{case_id}")
async def show(screen: Seen, case_id: CaseId) -> Response:
    return await shown(screen, case_id, screen.request.query_params.get("position"))


@router.post("/cases/{case_id}/identity")
async def identity(screen: Seen, case_id: CaseId, typed: Typed) -> Response:
    """Part of the page: who reported it. Reading it is recorded, with its purpose."""
    body = {"purpose": typed.get("purpose", "")}
    answer = await screen.tell("intake", f"/cases/{case_id}/identity", body, new_id())
    return screen.show("identity.html", answer=answer)


@router.post("/cases/{case_id}/{name:path}")
async def do(screen: Seen, case_id: CaseId, name: str, typed: Typed) -> Response:
    """Carry out an act. Refused, the case is shown with the reason and with what was typed."""
    if (act := BY_NAME.get(name)) is None:
        raise HTTPException(404)
    if act.for_good and typed.get("confirm", "").strip().lower() != case_id[-6:]:
        answer = Answer(422, NOT_CONFIRMED)
    else:
        path, key, seen = f"/cases/{case_id}/{act.name}", typed.get("key", ""), typed.get("version")
        answer = await screen.tell(
            act.service, path, act.body(typed), key, version=seen, min_position=typed.get("position")
        )
    if answer.ok:
        back = inside(typed.get("back", ""), f"/cases/{case_id}")
        return go(back, done=act.name, position=answer.document.get("position"))
    return await shown(screen, case_id, None, answer, shown_again(act, typed, answer.status, answer.document))


async def read(screen: Screen, case_id: str, position: str | None) -> Told:
    """Ask all services at once."""
    paths = [(name, f"/cases/{case_id}{tail}") for tail in ("", "/timeline") for name in SERVICES]
    paths.append(("notify", f"/cases/{case_id}"))
    answers = await asyncio.gather(*(screen.ask(name, path, min_position=position) for name, path in paths))
    count = len(SERVICES)
    documents, timelines = (dict(zip(SERVICES, part, strict=True)) for part in (answers[:count], answers[count:-1]))
    return Told(documents, timelines, answers[-1])


async def shown(
    screen: Screen, case_id: str, position: str | None, refusal: Answer | None = None, again: Form | None = None
) -> Response:
    """The page; with a refusal, its status is the refusal's."""
    told = await read(screen, case_id, position)
    newest = told.newest
    if not newest.ok:
        problem = (refusal or newest).document
        return screen.show("refused.html", (refusal or newest).status, problem=problem)
    offered = {act: form_of(BY_NAME[act]) for _, act in told.allowed() if act in BY_NAME}
    suspected = await suspected_of(screen, case_id, position) if TELL_APART in offered else []
    if not suspected:
        offered.pop(TELL_APART, None)
    if again:
        offered = {again.act.name: again} | {name: form for name, form in offered.items() if name != again.act.name}
    return screen.show(
        "case.html",
        refusal.status if refusal else 200,
        case=newest.document,
        told=told,
        line=told.line(),
        forms=list(offered.values()),
        others=[act for _, act in told.allowed() if act not in BY_NAME and act != ATTACHMENTS],
        problem=refusal.document if refusal else None,
        versions=told.versions(),
        changed=told.since(again) if refusal and refusal.document.get("code") == "E-VERSION" else [],
        fresh=freshness(*told.documents.values()),
        choices=choices(screen.visitor)
        | {
            "handlers": handlers_of(screen.visitor, newest.document["unit"] or screen.visitor.unit),
            "suspected": suspected,
            "parties": [(one, screen.visitor.name("unit", one)) for one in told.parties],
        },
        purposes=TO_CONTACT if screen.visitor.role == "DEPT_HANDLER" else PURPOSES,
        texts=TEXTS,
        lines_of_record=lines_of_record,
        acts=BY_NAME,
        resend=form_of(RESEND) if told.resends else None,
        notices=NOTICES,
    )
