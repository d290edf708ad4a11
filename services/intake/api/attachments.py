"""HTTP of attachments: taken in sealed with the key of their case, shown to those who may see the case."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Collection
from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response
from fastapi.responses import JSONResponse
from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from libs.case.access import sight
from libs.case.state import Case
from libs.events.errors import Forbidden, Malformed, NotFound, Unavailable, WrongType
from libs.events.ids import new_id
from libs.log.store.event_store import Connection
from libs.log.write.idempotency import Outcome, at_most_once
from libs.service.http.answers import answer
from libs.service.http.cases import CASE_ID, CaseRef, MinPosition, carry_out
from libs.service.http.dependencies import CallerDep, CommandDep, Person, RuntimeDep
from libs.service.http.freshness import wait_for_position
from libs.service.http.shapes import told
from libs.service.runtime import Runtime
from services.intake.api import files
from services.intake.api.answers import FILE_ITSELF, FileAdded, FileKept
from services.intake.domain.attachments import (
    MOST_BYTES,
    PDF,
    AddAttachment,
    Attachment,
    TooManyAttachments,
    cleaned,
    require_sender,
)
from services.intake.domain.reception import AlreadyThere

router = APIRouter(tags=["附件 attachments"])

BODY_LIMITS = {"/attachments": MOST_BYTES + 65_536}
"""Room for the form around the file."""
AT_ONCE = asyncio.Semaphore(2)
"""Pictures that are drawn anew at the same time: each takes the memory of all its pixels."""
TURN_SECONDS = 10.0
SENDERS = ("OPERATOR", "GRID_WORKER")
"""Who receives what is new; a machine with scope `intake` does too."""
MOST_WAITING = 200
"""Files of one sender that no report has named yet."""
FILE = {"type": "string", "format": "binary", "description": "JPEG, PNG, WebP, HEIC, PDF, ≤ 8 MiB"}
RESERVED = {"type": "string", "pattern": CASE_ID, "description": "首个附件的应答给出 / as the first one was answered"}
Sha256 = Annotated[str, Path(pattern=r"^[0-9a-f]{64}$")]


def form_of(**more: dict[str, str]) -> dict[str, Any]:
    """What OpenAPI says of a form with a file."""
    schema = {"type": "object", "required": ["file"], "properties": {"file": FILE, **more}}
    return {"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": schema}}}}


@router.post(
    "/attachments",
    status_code=201,
    summary="上传附件, 案件尚未受理 / send an attachment of a case to come",
    openapi_extra=form_of(case_id=RESERVED),
    responses=told(FileKept, 201, may=(404, 409, 415)),
)
async def send_ahead(request: Request, running: RuntimeDep, person: CallerDep, call: CommandDep) -> JSONResponse:
    """It is its sender's until his report names it, and gone after a day if none does."""
    by = person.actor
    if not (by.role in SENDERS or "intake" in by.scopes):
        raise Forbidden(allowed=SENDERS)
    raw, wanted = await _form(request, {"file", "case_id"})
    async with running.pool.acquire() as conn:
        if wanted and not await files.is_reserved(conn, wanted, by.person):
            raise NotFound()
        if wanted and (await running.facts(conn, wanted)).case is not None:
            raise AlreadyThere(allowed=["attachments"])
        if await files.waiting_of(conn, by.person) >= MOST_WAITING:
            raise TooManyAttachments()
    case_id, kept = wanted or new_id(), await _drawn(raw)
    sealed = (await running.vault.create(case_id)).seal_file(kept.content, kept.sha256)
    file = files.File.waiting(case_id, kept, by.person, person.now, sealed)

    async def work() -> Outcome:
        await files.keep(conn, file)
        return Outcome(200, file.document())

    async with running.pool.acquire() as conn:
        return answer(await at_most_once(conn, call.key, work), 201)


@router.post(
    "/cases/{case_id}/attachments",
    status_code=201,
    summary="上传附件 / add an attachment",
    openapi_extra=form_of(),
    responses=told(FileAdded, 201, may=(409, 415)),
)
async def add_attachment(  # noqa: PLR0917 - FastAPI passes them by name
    case_id: CaseRef,
    request: Request,
    running: RuntimeDep,
    person: CallerDep,
    call: CommandDep,
    min_position: MinPosition = None,
) -> JSONResponse:
    """A command like every other: judged by role and state, with an event that names the file and its sender."""
    await wait_for_position(running, min_position)
    async with running.pool.acquire() as conn:
        case = await _seen(running, conn, person, case_id)
    # Nobody's picture is drawn for a refusal.
    require_sender(person.actor, case)
    raw, _ = await _form(request, {"file"})
    kept = await _drawn(raw)
    keys = (await running.vault.keys_of(case_id)).without(case.erased)
    sealed = keys.seal_file(kept.content, kept.sha256)
    file = files.File.waiting(case_id, kept, person.actor.person, person.now, sealed)
    async with running.pool.acquire() as conn:
        await files.keep(conn, file)
    outcome = await carry_out(
        running,
        case_id,
        # It was some time ago that the case was looked at.
        replace(call, prefetched=None),
        lambda now: AddAttachment(now, call.actor, kept.sha256, kept.media_type, len(kept.content)),
        note=file.document(),
    )
    if outcome.status < 400:
        await files.settle(running.pool, case_id, [kept.sha256])
    return answer(outcome, 201)


@router.get("/attachments/{sha256}", summary="附件 / one attachment", response_class=Response, responses=FILE_ITSELF)
async def read_attachment(sha256: Sha256, running: RuntimeDep, person: CallerDep) -> Response:
    """What the events of a case name, to whoever sees it; what is still waiting for its report, to its sender."""
    name = bytes.fromhex(sha256)
    async with running.pool.acquire() as conn:
        held = [(row, await _shows(running, conn, person, row, sha256)) for row in await files.named_so(conn, name)]
        shown = [(row, erased) for row, erased in held if erased is not None]
        if not shown:
            raise NotFound()
        # The same picture may hang on several cases; one that is not erased will do.
        row, erased = min(shown, key=lambda one: "case" in one[1])
        sealed = await files.sealed(conn, row["case_id"], name)
    keys = (await running.vault.keys_of(row["case_id"])).without(erased)
    headers = {
        "Cache-Control": "private, no-store",
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "sandbox; default-src 'none'",
        "Content-Disposition": "attachment" if row["media_type"] == PDF else "inline",
        "ETag": f'"{sha256}"',
    }
    return Response(keys.open_file(sealed or b"", sha256), media_type=row["media_type"], headers=headers)


async def _shows(running: Runtime, conn: Connection, person: Person, row: Any, sha256: str) -> Collection[str] | None:
    """Which keys of the file's case are destroyed, where this caller may see the file."""
    case = (await running.facts(conn, row["case_id"])).case
    if case is None:
        return () if row["sent_by"] == person.actor.person else None
    named = row["named"] or any(one.sha256 == sha256 for one in case.attachments)
    return case.erased if named and sight(person.actor, person.directory, person.now).sees(case) else None


async def _drawn(raw: bytes) -> Attachment:
    """The file as it is kept; whoever waits too long for his turn is told to come again. Raises `Unavailable`."""
    try:
        async with asyncio.timeout(TURN_SECONDS):
            await AT_ONCE.acquire()
    except TimeoutError:
        raise Unavailable() from None
    try:
        return await asyncio.to_thread(cleaned, raw)
    finally:
        AT_ONCE.release()


async def _form(request: Request, fields: Collection[str]) -> tuple[bytes, str | None]:
    """The file of a multipart form, and the case id where it may have one; raises `WrongType` or `Malformed`."""
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        raise WrongType(zh="请以 multipart/form-data 上传", en="send multipart/form-data")
    parser = MultiPartParser(request.headers, request.stream(), max_files=1, max_fields=1)
    # Nothing that is not sealed yet is written to a disk.
    parser.spool_max_size = MOST_BYTES * 2
    try:
        form = await parser.parse()
    except (MultiPartException, KeyError, ValueError) as error:
        raise Malformed(zh="无法读取表单", en="the form cannot be read") from error
    return await _fields(form, fields)


async def _fields(form: FormData, known: Collection[str]) -> tuple[bytes, str | None]:
    file, case_id = form.get("file"), form.get("case_id") or None
    named = case_id is None or (isinstance(case_id, str) and re.fullmatch(CASE_ID, case_id))
    if not isinstance(file, UploadFile) or not named or set(form) - set(known):
        raise Malformed(
            zh=f"表单的字段为 {', '.join(sorted(known))}", en=f"the form's fields are {', '.join(sorted(known))}"
        )
    try:
        return await file.read(), str(case_id) if case_id else None
    finally:
        await form.close()


async def _seen(running: Runtime, conn: Connection, person: Person, case_id: str) -> Case:
    """The case; raises `NotFound` where this caller may not see it."""
    case = (await running.facts(conn, case_id)).case
    if case is None or not sight(person.actor, person.directory, person.now).sees(case):
        raise NotFound()
    return case
