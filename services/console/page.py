"""What every page needs of a request: the visitor, the APIs asked in his name, and the template engine."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Annotated, Any
from urllib.parse import urlencode

import httpx
from fastapi import Depends, Path, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response, StreamingResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from libs.service.http.cases import CASE_ID
from services.console.forms.catalogue import BY_NAME
from services.console.session.visitor import Names, NamesKept, Visitor
from services.console.upstream import Answer, Caller, File, Sending, SignedOut, Upstream
from services.console.wording import LAMP_SIGNS

HERE = FilePath(__file__).parent
TOKEN, POST, LANGUAGE = "xunban_token", "xunban_post", "xunban_lang"
TEMPLATES = Environment(
    loader=FileSystemLoader(HERE / "templates"),
    autoescape=select_autoescape(),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
PASSED_ON = ("content-type", "content-disposition", "xunban-as-of")
"""Of a file's headers; everything else is the console's own to say."""
HOMES = {
    "OPERATOR": "/intake",
    "DISPATCHER": "/queue",
    "REVIEWER": "/work?state=FEEDBACK",
    "CALLBACK_AGENT": "/work?state=CALLBACK",
    "ARBITER": "/work?state=ARBITRATION",
    "GRID_WORKER": "/work?state=VERIFYING",
    "DEPT_CLERK": "/work",
    "DEPT_HANDLER": "/work",
    "DEPT_LEADER": "/work",
}
"""Where a role starts its day; everybody else at the board."""
PAGES = (
    ("/intake", "1", "受理", "Intake"),
    ("/report", "0", "上报", "Report"),
    ("/cases", "9", "案件", "Cases"),
    ("/queue", "2", "待派", "Dispatch"),
    ("/work", "3", "工单", "Work"),
    ("/overdue", "4", "督办", "Board"),
)
"""Address, access key, name."""
BOARDS = (
    ("/overdue", "4", "超期", "Overdue"),
    ("/due-soon", "5", "即将超期", "Due soon"),
    ("/alarms", "6", "无主、无时限", "Nobody's, or no clock"),
    ("/counts", "7", "分组计数", "Counts"),
    ("/messages", "8", "告知", "Messages"),
)
"""The pages of the supervision board, reached from one another."""


def pages_of(role: str) -> list[tuple[str, str, str, str]]:
    """The pages that a role has something to do on; its powers are the APIs' business."""
    hidden = set() if role in ("OPERATOR", "GRID_WORKER") else {"/intake"}
    if role != "GRID_WORKER":
        hidden |= {"/report"}
    if role.startswith(("DEPT_", "GRID_")):
        hidden |= {"/queue", "/cases"}
    return [one for one in PAGES if one[0] not in hidden]


TEMPLATES.globals.update(LAMP_SIGNS=LAMP_SIGNS, BOARDS=BOARDS, pages_of=pages_of)


class PostUnclear(Exception):
    """The person holds several appointments and has not chosen one: `held` are their ids."""

    def __init__(self, held: list[str]) -> None:
        super().__init__("several appointments")
        self.held = held


class NoNames(Exception):
    """The directory refused or does not answer; nothing can be shown."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(str(answer.status))
        self.answer = answer


@dataclass(frozen=True)
class Screen:
    """One request of a visitor who has signed in."""

    request: Request
    upstream: Upstream
    visitor: Visitor
    caller: Caller

    async def ask(self, service: str, path: str, **query: Any) -> Answer:
        """One answer in the visitor's name."""
        return await self.upstream.get(self.caller, service, path, **query)

    async def tell(
        self, service: str, path: str, body: Any, key: str, *, version: str | None = None, **query: Any
    ) -> Answer:
        """One command in the visitor's name; `version`: what its form was made from."""
        return await self.upstream.post(self.caller, service, path, body, Sending(key, version), **query)

    async def send(self, service: str, path: str, file: File, fields: Mapping[str, str], **query: Any) -> Answer:
        """One file in the visitor's name."""
        return await self.upstream.upload(self.caller, service, path, file, fields, **query)

    async def pass_on(self, service: str, path: str, **query: Any) -> Response:
        """A file of an API as it is, without ever holding it whole; or the page that says why not."""
        answer = await self.upstream.fetch(self.caller, service, path, **query)
        if isinstance(answer, Answer):
            return self.show("refused.html", answer.status, problem=answer.document)
        kept = {name: answer.headers[name] for name in PASSED_ON if name in answer.headers}
        return StreamingResponse(_parts(answer), headers=kept)

    @property
    def partial(self) -> bool:
        """Whether htmx asks for a part of the page only."""
        return "hx-request" in self.request.headers

    def show(self, template: str, status: int = 200, **context: Any) -> Response:
        """A page in the visitor's language."""
        return page(template, self.request, self.visitor, status, **context)


async def _parts(answer: httpx.Response) -> AsyncIterator[bytes]:
    try:
        async for part in answer.aiter_bytes():
            yield part
    finally:
        await answer.aclose()


def page(template: str, request: Request, visitor: Visitor, status: int = 200, **context: Any) -> HTMLResponse:
    """A page for anybody; says on it what was done just now."""
    done = BY_NAME.get(request.query_params.get("done", ""))
    asked = {name: value for name, value in request.query_params.items() if name not in ("done", "position")}
    here = request.url.path + (f"?{urlencode(asked)}" if asked else "")
    shown = TEMPLATES.get_template(template).render(
        v=visitor, path=request.url.path, here=here, query=request.query_params, done=done, **context
    )
    return HTMLResponse(shown, status)


def visitor_of(request: Request, names: Names | None = None) -> Visitor:
    """The visitor as his cookies say, whoever he is."""
    token = request.cookies.get(TOKEN)
    caller = Caller(token, request.cookies.get(POST)) if token else None
    return Visitor(request.cookies.get(LANGUAGE) == "en", caller, names)


async def get_screen(request: Request) -> Screen:
    """Raises `SignedOut`, `PostUnclear` or `NoNames`."""
    visitor = visitor_of(request)
    if visitor.caller is None:
        raise SignedOut
    kept: NamesKept = request.app.state.names
    names = await kept.of(visitor.caller)
    if isinstance(names, Answer):
        if names.document.get("code") == "E-APPOINTMENT":
            raise PostUnclear(names.document["allowed_actions"])
        raise NoNames(names)
    return Screen(request, kept.upstream, visitor_of(request, names), visitor.caller)


Seen = Annotated[Screen, Depends(get_screen)]


async def typed_in(request: Request) -> dict[str, str]:
    """The form as it was typed, several values of one name on a line each; files are none of ours."""
    form = await request.form()
    return {name: "\n".join(value for value in form.getlist(name) if isinstance(value, str)) for name in form}


Typed = Annotated[dict[str, str], Depends(typed_in)]


CaseId = Annotated[str, Path(pattern=CASE_ID)]


def inside(path: str, otherwise: str = "/") -> str:
    """A path of this site: nobody is sent elsewhere by a form."""
    fits = path.startswith("/") and not path.startswith("//") and "\\" not in path and path.isprintable()
    return path if fits else otherwise


def go(path: str, **query: str | None) -> RedirectResponse:
    """After a form: look at the result."""
    wanted = {name: value for name, value in query.items() if value}
    joint = "&" if "?" in path else "?"
    return RedirectResponse(path + (joint + urlencode(wanted) if wanted else ""), 303)


def freshness(*answers: Answer) -> dict[str, Any]:
    """The oldest `as_of`, the longest lag, and whether an act of the visitor's own is not in it yet."""
    shown = [one.document for one in answers if one.ok and "as_of" in one.document]
    lags = [lag for one in shown for lag in one["lag_seconds"].values()]
    return {
        "as_of": min((one["as_of"] for one in shown), default=None),
        "lag": max(lags, default=None),
        "unconfirmed": any("unconfirmed" in one for one in shown),
    }
