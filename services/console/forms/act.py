"""An act that the page offers, its fields and its form: how what is typed becomes the body of a command. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from libs.directory.rules.naming import Bilingual
from libs.events.ids import new_id
from libs.events.text import trimmed

Option = tuple[str, Bilingual]
NOTHING = Bilingual("", "")


def coded(*codes: str) -> tuple[Option, ...]:
    """Options that are said by their code's own words."""
    return tuple((one, NOTHING) for one in codes)


def lines(text: str) -> list[str]:
    """Several values of one name, as a form gives them: one on each line."""
    return text.split()


def degrees(text: str) -> int | str:
    """Degrees in units of 1e-7, as the APIs have them; what is no number is left for the API to find fault with."""
    try:
        return int((Decimal(text) * 10_000_000).to_integral_value())
    except (ArithmeticError, ValueError):
        return text


@dataclass(frozen=True)
class Field:
    """One input. `source` names a list that the page fills in: classes, conditions, units, handlers, parties …"""

    name: str
    """As the API calls it; `place.grid` stands inside `place`."""
    label: Bilingual
    kind: Literal["line", "text", "choice", "several", "photos", "degrees"] = "line"
    options: tuple[Option, ...] = ()
    source: str = ""
    required: bool = True
    longest: int = 500
    read: Callable[[str], Any] = str


def yes(text: str) -> bool:
    """A choice between yes and no."""
    return text == "true"


def reason(label_zh: str = "理由", label_en: str = "Reason", *, required: bool = True, longest: int = 500) -> Field:
    """Why."""
    return Field("reason", Bilingual(label_zh, label_en), "text", required=required, longest=longest)


YES_NO: tuple[Option, ...] = (("true", Bilingual("是", "yes")), ("false", Bilingual("否", "no")))
REACHED = Field("reached", Bilingual("是否接通", "Reached"), "choice", YES_NO, read=yes)
PHOTOS = Field("photos", Bilingual("照片", "Photos"), "photos", required=False, read=lines)


@dataclass(frozen=True)
class Act:
    """One command of one service on one case."""

    name: str
    """The last part of its path, and its name in `allowed_actions`."""
    service: str
    label: Bilingual
    fields: tuple[Field, ...] = ()
    hint: Bilingual = NOTHING
    for_good: bool = False
    """Nobody can take it back: the end of the case's number is typed beside it."""

    def body(self, typed: Mapping[str, str]) -> dict[str, Any]:
        """The command's body; what was left empty is left out."""
        whole: dict[str, Any] = {}
        for one in self.fields:
            if text := trimmed(typed.get(one.name, "")):
                parent, _, name = one.name.rpartition(".")
                (whole.setdefault(parent, {}) if parent else whole)[name] = one.read(text)
        return whole


@dataclass(frozen=True)
class Form:
    """An act as it is shown: with the key of the command that it sends, and what was typed before."""

    act: Act
    key: str
    typed: Mapping[str, str]
    wrong: frozenset[str] = frozenset()
    """Fields that the API found fault with."""

    @property
    def id(self) -> str:
        """Usable in an HTML id."""
        return self.act.name.replace("/", "-")


def form_of(act: Act, typed: Mapping[str, str] | None = None) -> Form:
    """A form shown for the first time: a key of its own, so that a double click sends one command."""
    return Form(act, new_id(), typed or {})


def shown_again(act: Act, typed: Mapping[str, str], status: int, document: Mapping[str, Any]) -> Form:
    """After a refusal: what was typed is kept; a new key, unless nobody knows whether the first was carried out."""
    key = typed.get("key", "") if status >= 500 else ""
    wrong = {str(one.get("at", "")).rpartition(".")[2] for one in document.get("errors", [])}
    return Form(act, key or new_id(), typed, frozenset(wrong))
