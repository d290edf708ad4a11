"""Who looks at the page: token, appointment and language from the cookies, names from the directory."""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from time import monotonic
from typing import Any

import orjson

from libs.directory.facts.view import Fact, Key, View
from libs.directory.rules.naming import Bilingual, Naming
from libs.events.contracts.directory import (
    CatalogueItemPublished,
    GridPublished,
    PersonPublished,
    RulebookPublished,
    UnitPublished,
)
from libs.events.event import Event
from libs.service.clock import real_now
from services.console.forms.catalogue import BY_NAME
from services.console.upstream import Answer, Caller, SignedOut, Upstream
from services.console.wording import step, word

LISTS: dict[str, tuple[type[Event], str]] = {
    "units": (UnitPublished, "id"),
    "people": (PersonPublished, "id"),
    "grids": (GridPublished, "code"),
    "classes": (CatalogueItemPublished, "code"),
}
KEPT_SECONDS = 30.0
KEPT_CALLERS = 500


@dataclass(frozen=True)
class Names:
    """The directory as one caller was shown it."""

    naming: Naming
    posts: dict[str, list[dict[str, Any]]]
    """Person → appointments that are active now."""
    ended: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """`units`, `grids`, `classes` → those that have ended: nothing new starts there."""

    @property
    def view(self) -> View:
        """Units, people, grids and classes; no appointments."""
        return self.naming.view

    def post(self, appointment: str) -> dict[str, Any] | None:
        """An appointment by its id."""
        return next((one for posts in self.posts.values() for one in posts if one["id"] == appointment), None)


@dataclass
class NamesKept:
    """Names for half a minute, per caller: nobody is shown what another one asked for."""

    upstream: Upstream
    _kept: OrderedDict[bytes, tuple[float, Names]] = field(default_factory=OrderedDict)

    async def of(self, caller: Caller) -> Names | Answer:
        """The names, or the problem that the directory answered. Raises `SignedOut`, for what is no token unasked."""
        if not subject(caller.token):
            raise SignedOut
        key = sha256(f"{caller.token} {caller.appointment}".encode()).digest()
        until, names = self._kept.get(key, (0.0, None))
        if names and until > monotonic():
            return names
        fresh = await read_names(self.upstream, caller)
        if isinstance(fresh, Names):
            self._kept[key] = (monotonic() + KEPT_SECONDS, fresh)
            while len(self._kept) > KEPT_CALLERS:
                self._kept.popitem(last=False)
        return fresh


async def read_names(upstream: Upstream, caller: Caller) -> Names | Answer:
    """Ask the directory for everything that has a name."""
    paths = [f"/directory/{path}" for path in (*LISTS, "rulebook")]
    # Whether the token is accepted at all is asked once.
    first = await upstream.get(caller, "routing", paths[0])
    others = await asyncio.gather(*(upstream.get(caller, "routing", path) for path in paths[1:] if first.ok))
    answers = [first, *others]
    if refused := next((answer for answer in answers[: len(LISTS)] if not answer.ok), None):
        return refused
    facts: dict[Key, Fact] = {}
    for (kind, key), answer in zip(LISTS.values(), answers, strict=False):
        for item in answer.document["items"]:
            # Contact points are no names, and shown to few.
            named = {name: value for name, value in item.items() if name != "contacts"}
            facts[kind, item[key]] = Fact(0, kind.model_validate(named))
    if answers[-1].ok:
        facts[RulebookPublished, ""] = Fact(0, RulebookPublished.model_validate(answers[-1].document["rulebook"]))
    posts = {item["id"]: item["appointments"] for item in answers[1].document["items"]}
    ended = {name: frozenset(answer.document.get("ended", ())) for name, answer in zip(LISTS, answers, strict=False)}
    return Names(Naming(View(0, facts)), posts, ended)


def subject(token: str) -> str:
    """Who the token says it is for; nobody where it is none, or is over. The APIs verify it, the page only greets."""
    try:
        payload = token.split(".")[1]
        claims = orjson.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return str(claims["sub"]) if int(claims["exp"]) >= real_now().timestamp() else ""
    except (IndexError, KeyError, TypeError, ValueError, binascii.Error):
        return ""


@dataclass(frozen=True)
class Visitor:
    """The person in front of the page; says everything in his language."""

    english: bool = False
    caller: Caller | None = None
    names: Names | None = None

    @property
    def person(self) -> str:
        """Id of the person."""
        return subject(self.caller.token) if self.caller else ""

    @property
    def posts(self) -> list[dict[str, Any]]:
        """The appointments that he may act in."""
        return self.names.posts.get(self.person, []) if self.names else []

    @property
    def post(self) -> dict[str, Any] | None:
        """The appointment that he acts in: the chosen one, or his only one."""
        chosen = self.caller.appointment if self.caller else None
        held = [one for one in self.posts if chosen in (None, one["id"])]
        return held[0] if len(held) == 1 else None

    @property
    def role(self) -> str:
        """Role code, or nothing for a machine."""
        return str(self.post["role"]) if self.post else ""

    @property
    def unit(self) -> str | None:
        """The unit he acts for."""
        return str(self.post["unit"]) if self.post else None

    @property
    def lang(self) -> str:
        """For `<html lang>`."""
        return "en" if self.english else "zh-CN"

    def say(self, zh: str, en: str) -> str:
        """One of the two."""
        return en if self.english else zh

    def said(self, said: Bilingual) -> str:
        """The same of a pair."""
        return self.say(*said)

    def word(self, value: str | None) -> str:
        """A code in words: state, lamp, role, urgency, clock, kind …"""
        return self.said(word(value)) if value else "—"

    def step(self, event_type: str) -> str:
        """What happened, by the type of its event."""
        return self.said(step(event_type))

    def name(self, kind: str, key: str | None) -> str:
        """Name of a unit, person, grid or class (`matter`)."""
        if not key:
            return "—"
        return self.said(getattr(self.names.naming, kind)(key)) if self.names else key

    def recipient(self, recipient: str) -> str:
        """Whom a message is for."""
        return self.said(self.names.naming.recipient(recipient)) if self.names else recipient

    def who(self, key: str) -> str:
        """Whom or what a refusal names: an act, a person, a unit, a role, a scope."""
        if key in BY_NAME:
            return self.said(BY_NAME[key].label)
        view = self.names.view if self.names else None
        if view and view.person(key):
            return self.name("person", key)
        if view and view.catalogue(key):
            return self.name("matter", key)
        return self.name("unit", key) if view and view.unit(key) else self.word(key)

    def moment(self, at: str | None) -> str:
        """An instant on the town's clock, to the minute."""
        return self._local(at, "moment")[:16]

    def second(self, at: str | None) -> str:
        """The same to the second."""
        return self._local(at, "moment")

    def due(self, at: str | None) -> str:
        """A due instant; midnight is 24:00 of the day that it ends."""
        return self._local(at, "due")

    def instant(self, local: str, *, days: int = 0) -> str:
        """A day or a minute of the town's calendar, some days later, as an instant; what is neither stays as it is."""
        try:
            begin = datetime.fromisoformat(local).replace(tzinfo=self.names.naming.zone if self.names else None)
            return (begin + timedelta(days=days)).isoformat()
        except (ValueError, OverflowError):
            return local

    def _local(self, at: str | None, how: str) -> str:
        if not at or not self.names:
            return "—"
        return str(getattr(self.names.naming, how)(datetime.fromisoformat(at)))
