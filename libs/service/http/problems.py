"""RFC 9457 problem documents, Chinese and English; the one place that decides an HTTP status."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import asyncpg
import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from libs.events.errors import (
    Forbidden,
    IdempotencyMismatch,
    Malformed,
    NotFound,
    Rejected,
    TooLarge,
    TooMany,
    Unavailable,
    WrongType,
)
from libs.log.transient import AWAY
from libs.service.observe.metrics import PROBLEMS

log = structlog.get_logger()

STATUS: tuple[tuple[type[Rejected], int], ...] = (
    (Malformed, 422),
    (IdempotencyMismatch, 422),
    (NotFound, 404),
    (Forbidden, 403),
    (TooLarge, 413),
    (WrongType, 415),
    (TooMany, 429),
    (Unavailable, 503),
)
CASE_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
OF_THE_SCHEMA = ("expected", "pattern", "min_length", "max_length", "ge", "gt", "le", "lt")
"""What a validator tells of the rule that was broken, never of the value that broke it."""
NAME = re.compile(r"[a-z_]{1,24}")
"""What may be repeated of a caller's own word: it looks like a name of ours, perhaps mistyped."""
NOT_PARSED = "There was an error parsing the body"
"""What the framework says of a body that no reader of JSON takes: not UTF-8, endless digits, nesting without end."""
TITLES = {
    400: ("请求无法读取", "the request cannot be read"),
    401: ("需要有效的令牌", "a valid token is required"),
    403: ("没有权限", "not allowed"),
    404: ("没有找到", "not found"),
    405: ("不支持的方法", "method not allowed"),
    408: ("请求内容未在限时内送达", "the request body did not arrive in time"),
    409: ("与规则或当前状态冲突", "a rule or the state forbids it"),
    413: ("请求内容过大", "the request body is too large"),
    415: ("不支持的内容类型", "unsupported content type"),
    422: ("输入有误", "the input is not valid"),
    429: ("请求过于频繁", "too many requests"),
    503: ("服务暂不可用", "temporarily unavailable"),
}


def status_of(rejected: Rejected) -> int:
    """422 malformed or unknown code, 404, 403 no such role, 503 stale or away, 409 every other code."""
    return next((status for kind, status in STATUS if isinstance(rejected, kind)), 409)


def problem_document(status: int, document: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The members of a problem; `document` holds code, messages, rule, evidence and what is allowed instead."""
    zh, en = TITLES.get(status, ("出错了", "an error occurred"))
    return {
        "type": "about:blank",
        "title": zh,
        "status": status,
        "code": f"E-HTTP-{status}",
        "message_zh": zh,
        "message_en": en,
        "rule_id": None,
        "evidence_event_ids": [],
        "allowed_actions": [],
        **(document or {}),
    }


def problem(status: int, document: dict[str, Any] | None = None, headers: dict[str, str] | None = None) -> JSONResponse:
    """A problem document as the answer."""
    extra = {"Retry-After": "1"} if status == 503 else {}
    content = problem_document(status, document)
    PROBLEMS.labels(content["code"]).inc()
    return JSONResponse(
        content,
        status_code=status,
        media_type="application/problem+json",
        headers={**extra, **(headers or {})},
    )


def misshapen(errors: Sequence[Any]) -> dict[str, Any]:
    """What is said of an input of the wrong shape: place, kind of error, what is allowed there.

    No value: it may be personal.
    """
    where = [{"at": _place(entry), "error": entry["type"], **_limits(entry)} for entry in errors]
    unreadable = any(entry["error"] == "json_invalid" for entry in where)
    # Where a field's own check refuses it, its refusal says what would be right.
    refusal: dict[str, Any] = next((told for entry in errors if (told := entry.get("ctx", {}).get("refusal"))), {})
    return {"code": "E-JSON" if unreadable else "E-INPUT", **refusal, "errors": where}


def _limits(entry: Mapping[str, Any]) -> dict[str, Any]:
    told = entry.get("ctx", {})
    said = {name: told[name] for name in OF_THE_SCHEMA if isinstance(told.get(name), str | int | float)}
    return {"allowed": said} if said else {}


def install(app: FastAPI) -> None:
    """Every error of the app becomes a problem document that repeats nothing the caller sent."""

    @app.exception_handler(Rejected)
    async def rejected(_: Request, error: Rejected) -> JSONResponse:
        wait = {"Retry-After": str(error.retry_after)} if isinstance(error, TooMany) else None
        return problem(status_of(error), error.document(), wait)

    @app.exception_handler(RequestValidationError)
    async def malformed(_: Request, error: RequestValidationError) -> JSONResponse:
        return problem(422, misshapen(error.errors()))

    @app.exception_handler(HTTPException)
    async def http(_: Request, error: HTTPException) -> JSONResponse:
        if error.detail == NOT_PARSED:
            return problem(422, misshapen([{"type": "json_invalid", "loc": ("body",)}]))
        return problem(error.status_code, headers=dict(error.headers or {}))

    @app.exception_handler(Exception)
    async def bug(request: Request, error: Exception) -> JSONResponse:
        log.error("request_failed", **_about(request), exc_info=error)
        return problem(500)

    @app.exception_handler(asyncpg.DataError)
    async def unfit(request: Request, error: asyncpg.DataError) -> JSONResponse:
        # What reaches a statement unchecked is the caller's: a NUL, a cursor of another list.
        log.warning("value_refused", **_about(request), reason=type(error).__name__)
        return problem(422, Malformed().document())

    for busy in AWAY:
        app.add_exception_handler(busy, _unavailable)


async def _unavailable(request: Request, error: Exception) -> JSONResponse:
    log.warning("store_unavailable", **_about(request), reason=type(error).__name__)
    return problem(503, Unavailable().document())


def _about(request: Request) -> dict[str, str]:
    # A path's text is the caller's; only what is a case id or our own template goes into a log.
    found = str(request.path_params.get("case_id", ""))
    case = {"case_id": found} if CASE_ID.fullmatch(found) else {}
    return {"method": request.method, "route": getattr(request.scope.get("route"), "path", "-"), **case}


def _place(entry: dict[str, Any]) -> str:
    # Only names of our own schema: an unknown field's name is the caller's text, and so may be all of a place that was
    # found before anybody looked at the schema.
    named = entry["loc"][:-1] if entry["type"] == "extra_forbidden" else entry["loc"]
    is_name = NAME.fullmatch if entry["type"] == "nul" else str.isidentifier
    return ".".join(str(part) for part in named if isinstance(part, int) or is_name(str(part)))
