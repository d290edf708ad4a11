"""HTTP of attachments: taken in sealed with the key of their case, shown to those who may see the case."""

from __future__ import annotations

import asyncio
import re
from dataclasses import astuple, dataclass
from datetime import datetime
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
from libs.service.http.cases import CASE_ID
from libs.service.http.dependencies import CallerDep, CommandDep, Person, RuntimeDep
from libs.service.runtime import Runtime
from services.intake.domain.attachments import MOST_BYTES, MOST_PER_CASE, PDF, Attachment, TooManyAttachments, cleaned

router = APIRouter(tags=["附件 attachments"])

BODY_LIMITS = {"/attachments": MOST_BYTES + 65_536}
"""Room for the form around the file."""
AT_ONCE = asyncio.Semaphore(2)
"""Pictures that are drawn anew at the same time: each takes the memory of all its pixels."""
TURN_SECONDS = 10.0
SENDERS = ("OPERATOR", "GRID_WORKER")
FORM: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {
                        "file": {"type": "string", "format": "binary", "description": "JPEG, PNG, WebP, PDF, ≤ 8 MiB"},
                        "case_id": {
                            "type": "string",
                            "pattern": CASE_ID,
                            "description": "尚未立案时留空, 编号见应答 / absent before the case exists",
                        },
                    },
                }
            }
        },
    }
}
Sha256 = Annotated[str, Path(pattern=r"^[0-9a-f]{64}$")]
KEEP = """
    insert into attachments.attachment (case_id, sha256, media_type, size, sent_by, sent_at, sealed)
    values ($1, $2, $3, $4, $5, $6, $7) on conflict do nothing
"""
FIND = """
    select case_id::text as case_id, media_type from attachments.attachment where sha256 = $1 order by case_id limit 50
"""


@dataclass(frozen=True)
class Row:
    """One row of the table, in the order of its columns."""

    case_id: str
    sha256: bytes
    media_type: str
    size: int
    sent_by: str
    sent_at: datetime
    sealed: bytes


@router.post(
    "/attachments",
    status_code=201,
    summary="上传附件 / send an attachment",
    openapi_extra=FORM,
    responses={413: {"description": "文件过大 / too large"}, 415: {"description": "类型不支持 / wrong type"}},
)
async def send_attachment(request: Request, running: RuntimeDep, person: CallerDep, call: CommandDep) -> JSONResponse:
    raw, wanted = await _form(request)
    async with running.pool.acquire() as conn:
        case_id = await _case_of(running, conn, person, wanted)
        case = (await running.facts(conn, case_id)).case
    kept = await _drawn(raw)
    keys = await running.vault.keys_of(case_id) if wanted else await running.vault.create(case_id)
    sealed = keys.without(case.erased if case else ()).seal_file(kept.content, kept.sha256)
    said = {"case_id": case_id, "sha256": kept.sha256, "media_type": kept.media_type, "size": len(kept.content)}
    async with running.pool.acquire() as conn:

        async def work() -> Outcome:
            name = bytes.fromhex(kept.sha256)
            row = Row(case_id, name, kept.media_type, len(kept.content), call.actor.person, person.now, sealed)
            await _keep(conn, row)
            return Outcome(200, said)

        return answer(await at_most_once(conn, call.key, work), 201)


@router.get("/attachments/{sha256}", summary="附件 / one attachment", response_class=Response)
async def read_attachment(sha256: Sha256, running: RuntimeDep, person: CallerDep) -> Response:
    name = bytes.fromhex(sha256)
    async with running.pool.acquire() as conn:
        held = [(row, await _sees(running, conn, person, row["case_id"])) for row in await conn.fetch(FIND, name)]
        seen = [(row, case) for row, case in held if case is not None]
        if not seen:
            raise NotFound()
        # The same picture may hang on several cases; one that is not erased will do.
        row, case = min(seen, key=lambda one: "case" in one[1].erased)
        sealed = await conn.fetchval(
            "select sealed from attachments.attachment where case_id = $1 and sha256 = $2", row["case_id"], name
        )
    keys = (await running.vault.keys_of(row["case_id"])).without(case.erased)
    shown = "attachment" if row["media_type"] == PDF else "inline"
    headers = {
        "Cache-Control": "private, no-store",
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "sandbox; default-src 'none'",
        "Content-Disposition": shown,
        "ETag": f'"{sha256}"',
    }
    return Response(keys.open_file(sealed or b"", sha256), media_type=row["media_type"], headers=headers)


async def held(conn: Connection, case_id: str) -> list[dict[str, Any]]:
    """What hangs on the case and is not erased."""
    rows = await conn.fetch(
        "select encode(sha256, 'hex') as sha256, media_type, size from attachments.attachment"
        " where case_id = $1 and sealed is not null order by sent_at, sha256",
        case_id,
    )
    return [dict(row) for row in rows]


async def reserved(conn: Connection, case_id: str, person: str) -> bool:
    """Whether this person's first attachment made the id of a case that is still to come."""
    return bool(
        await conn.fetchval(
            "select exists (select from attachments.attachment where case_id = $1 and sent_by = $2)", case_id, person
        )
    )


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


async def _form(request: Request) -> tuple[bytes, str | None]:
    """The file and the case id of a multipart form; raises `WrongType` or `Malformed`."""
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        raise WrongType(zh="请以 multipart/form-data 上传", en="send multipart/form-data")
    parser = MultiPartParser(request.headers, request.stream(), max_files=1, max_fields=1)
    # Nothing that is not sealed yet is written to a disk.
    parser.spool_max_size = MOST_BYTES * 2
    try:
        form = await parser.parse()
    except (MultiPartException, KeyError, ValueError) as error:
        raise Malformed(zh="无法读取表单", en="the form cannot be read") from error
    return await _fields(form)


async def _fields(form: FormData) -> tuple[bytes, str | None]:
    file, case_id = form.get("file"), form.get("case_id") or None
    named = case_id is None or (isinstance(case_id, str) and re.fullmatch(CASE_ID, case_id))
    if not isinstance(file, UploadFile) or not named or set(form) - {"file", "case_id"}:
        raise Malformed(zh="表单应含 file, 可含 case_id", en="the form holds a file, and a case_id or none")
    try:
        return await file.read(), str(case_id) if case_id else None
    finally:
        await form.close()


async def _case_of(running: Runtime, conn: Connection, person: Person, wanted: str | None) -> str:
    """The case of the attachment; its id is made here where the case is still to come (architecture.md §8)."""
    by = person.actor
    if wanted is None:
        if not (by.role in SENDERS or "intake" in by.scopes):
            raise Forbidden(allowed=SENDERS)
        return new_id()
    if (await running.facts(conn, wanted)).case is None:
        known = await reserved(conn, wanted, by.person)
    else:
        known = await _sees(running, conn, person, wanted) is not None
    if not known:
        raise NotFound()
    return wanted


async def _sees(running: Runtime, conn: Connection, person: Person, case_id: str) -> Case | None:
    """The case, where this caller may see it."""
    case = (await running.facts(conn, case_id)).case
    return case if case and sight(person.actor, person.directory).sees(case) else None


async def _keep(conn: Connection, row: Row) -> None:
    held = await conn.fetchval(
        "select count(*) from attachments.attachment where case_id = $1 and sha256 <> $2", row.case_id, row.sha256
    )
    if held >= MOST_PER_CASE:
        raise TooManyAttachments()
    await conn.execute(KEEP, *astuple(row))
