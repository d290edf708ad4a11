"""The shape of every event: a frozen pydantic model with a wire type, and the marks of its personal fields. No I/O."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, ClassVar, Literal, get_args, get_type_hints

from pydantic import BaseModel, ConfigDict, Field


class Sealed(BaseModel):
    """A personal value as it stands in the log, bound to case, type, field and key (architecture.md §8)."""

    model_config = ConfigDict(frozen=True)

    sealed: str = Field(description="Key id, `<case id>/<reporter|case>`.")
    type: str = Field(description="`ce_type` of the event that first carried the value.")
    field: str
    nonce: str = Field(description="96 bits, base64.")
    data: str = Field(description="Cipher text and tag, base64.")


@dataclass(frozen=True)
class Personal:
    """Marks a field that is sealed at the append boundary, and with which of the case's two keys."""

    key: Literal["reporter", "case"]


ReporterText = Annotated[str | Sealed, Personal("reporter")]
"""Name, telephone, identity of the reporter."""
CaseText = Annotated[str | Sealed, Personal("case")]
"""Free text, exact address and whatever else may name a person."""


def kebab(name: str) -> str:
    """`CaseRegistered` → `case-registered`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", name).lower()


class Event(BaseModel):
    """A fact. The wire type is `<owner>.<kebab-name>.v<version>`; old bytes are never rewritten.

    An older version keeps a class of its own, `named` as the event, and is read as today's (`upcast`).
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    ce_type: ClassVar[str]
    owner: ClassVar[str]
    schema_version: ClassVar[int]
    title: ClassVar[tuple[str, str]]
    """What happened, in a word or two, Chinese and English; no part of the wire."""

    def __init_subclass__(cls, *, zh: str, en: str, version: int = 1, named: str = "", **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.title = zh, en
        cls.owner = cls.__module__.rpartition(".")[2]
        cls.schema_version = version
        cls.ce_type = f"{cls.owner}.{kebab(named or cls.__name__)}.v{version}"

    def upcast(self) -> Event:
        """The same fact as today's code knows it; an older version says here what became of it."""
        return self

    @classmethod
    @cache
    def personal_fields(cls) -> dict[str, Personal]:
        """Field name → its mark, for every field that is sealed when it is appended."""
        hints = get_type_hints(cls, include_extras=True)
        return {name: mark for name in cls.model_fields if (mark := _mark(hints[name]))}


def _mark(hint: Any) -> Personal | None:
    """The mark inside a type hint, also below `| None`."""
    own = [part for part in getattr(hint, "__metadata__", ()) if isinstance(part, Personal)]
    below = [mark for part in get_args(hint) if (mark := _mark(part))]
    return next(iter(own + below), None)
