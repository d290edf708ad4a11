"""Photos of a form: sent to intake as soon as they are chosen; the form then names them by what intake answered."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response
from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from services.console.forms.act import lines
from services.console.page import CaseId, Screen, Seen
from services.console.upstream import File

router = APIRouter(include_in_schema=False)

MOST_BYTES = 34_000_000
"""Of one form: four pictures as large as intake takes them."""
UNREADABLE: dict[str, Any] = {"message_zh": "无法读取表单", "message_en": "the form cannot be read"}


async def files_in(request: Request) -> FormData:
    """The form, in memory: nothing that is not sealed yet is written to a disk. Raises `MultiPartException`."""
    parser = MultiPartParser(request.headers, request.stream(), max_files=20, max_fields=30)
    parser.spool_max_size = MOST_BYTES
    return await parser.parse()


@router.post("/photos")
async def take(screen: Seen) -> Response:
    """Of a case to come: the first one makes its id."""
    return await _taken(screen, None)


@router.post("/cases/{case_id}/photos")
async def add(screen: Seen, case_id: CaseId, position: str | None = None) -> Response:
    """Of a case that exists: each is its sender's act. `position`: what the page has shown."""
    return await _taken(screen, case_id, position)


async def _taken(screen: Screen, of_case: str | None, seen: str | None = None) -> Response:
    """Part of a form: what is taken so far, and why something was not."""
    try:
        form = await files_in(screen.request)
    except (MultiPartException, KeyError):
        return screen.show("photos_taken.html", case_id="", position=None, photos=[], problems=[UNREADABLE])
    case_id, position, photos, problems = of_case or str(form.get("case_id") or ""), None, [], []
    photos += [one for text in form.getlist("photos") if isinstance(text, str) for one in lines(text)]
    for file in form.getlist("file"):
        if not isinstance(file, UploadFile):
            continue
        sent = File(await file.read(), file.content_type or "application/octet-stream")
        if of_case:
            answer = await screen.send("intake", f"/cases/{of_case}/attachments", sent, {}, min_position=seen)
        else:
            fields = {"case_id": case_id} if case_id else {}
            answer = await screen.send("intake", "/attachments", sent, fields)
        if answer.ok:
            case_id, position = answer.document["case_id"], answer.document.get("position") or position
            photos.append(answer.document["sha256"])
        else:
            problems.append(answer.document)
    await form.close()
    taken = list(dict.fromkeys(photos))
    return screen.show("photos_taken.html", case_id=case_id, position=position, photos=taken, problems=problems)
