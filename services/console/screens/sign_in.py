"""Signing in and out, the appointment one acts in, the language: the four cookies' pages."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from services.console.page import HOMES, LANGUAGE, POST, TOKEN, PostUnclear, Seen, Typed, go, inside, page, visitor_of
from services.console.session.visitor import Names, Visitor, read_names, subject
from services.console.upstream import Answer, Caller, SignedOut

router = APIRouter(include_in_schema=False)


def remember(response: Response, request: Request, name: str, value: str) -> None:
    """A cookie that no script reads and no other site sends; it ends with the browser."""
    secure = request.app.state.settings.secure_cookies
    response.set_cookie(name, value, httponly=True, samesite="strict", secure=secure, path="/")


@router.get("/")
async def home(screen: Seen) -> RedirectResponse:
    """Where the visitor's work is."""
    return go(HOMES.get(screen.visitor.role, "/overdue"))


@router.get("/sign-in")
async def form(request: Request) -> Response:
    return page("sign_in.html", request, Visitor(visitor_of(request).english), refused=False)


@router.post("/sign-in")
async def sign_in(request: Request, typed: Typed) -> Response:
    """The token is asked for once, tried at the directory, and kept in a cookie."""
    token = "".join(typed.get("token", "").split())
    try:
        await read_names(request.app.state.names.upstream, Caller(token))
    except (SignedOut, ValueError):
        visitor = Visitor(visitor_of(request).english)
        return page("sign_in.html", request, visitor, 401, refused=True)
    response = go(inside(typed.get("next", "/")))
    remember(response, request, TOKEN, token)
    response.delete_cookie(POST)
    return response


@router.post("/sign-out")
async def sign_out() -> Response:
    response = go("/sign-in")
    response.delete_cookie(TOKEN)
    response.delete_cookie(POST)
    return response


@router.post("/language")
async def language(request: Request, typed: Typed) -> Response:
    """Chinese is first; the switch keeps the page."""
    response = go(inside(typed.get("back", "/")))
    remember(response, request, LANGUAGE, "en" if typed.get("lang") == "en" else "zh")
    return response


@router.post("/post")
async def choose(request: Request, typed: Typed) -> Response:
    """In which of his appointments the visitor acts from now on."""
    response = go("/")
    remember(response, request, POST, typed.get("appointment", ""))
    return response


async def ask_for_post(request: Request, unclear: PostUnclear) -> Response:
    """Several appointments: the visitor says which one, in words."""
    visitor = visitor_of(request)
    if visitor.caller is None:
        return go("/sign-in")
    first = Caller(visitor.caller.token, unclear.held[0])
    names = await request.app.state.names.of(first)
    shown = visitor_of(request, names) if isinstance(names, Names) else visitor
    held = names.posts.get(subject(first.token), []) if isinstance(names, Names) else []
    return page("posts.html", request, shown, held=held)


def nothing_to_show(request: Request, answer: Answer) -> Response:
    """The directory refuses this caller, or is away."""
    return page("refused.html", request, Visitor(visitor_of(request).english), answer.status, problem=answer.document)
