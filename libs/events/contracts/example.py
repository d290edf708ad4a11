"""One instance of an event type made from its fields, for its golden: invented people only (rulebook.md i). Pure."""

from __future__ import annotations

import types
from base64 import b64encode
from datetime import date, datetime
from hashlib import sha256
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from pydantic import AwareDatetime, BaseModel, JsonValue

from libs.events.event import Event, Personal, Sealed
from libs.events.ids import (
    AppointmentId,
    CaseId,
    ClassCode,
    ClockId,
    DraftId,
    EventId,
    ExternalId,
    GridCode,
    MessageId,
    PersonId,
    UnitId,
)

CASE = "0199a5b0-7c1e-7d3a-9f00-2b6c1d5e8a01"
EVENT = "0199a5b0-7c20-7000-8000-000000000001"
OF_TYPE: dict[Any, Any] = {
    AppointmentId: "li-fang-grid",
    CaseId: CASE,
    ClassCode: "manhole",
    ClockId: f"{EVENT}/handling",
    DraftId: "0199a5b0-7c30-7000-8000-000000000001",
    EventId: EVENT,
    ExternalId: "110-2026-000123",
    GridCode: "G03",
    MessageId: "5f0c1c3e9b7a4d528e6f10a2b3c4d5e6",
    PersonId: "li-fang",
    UnitId: "county-housing",
    AwareDatetime: "2026-11-02T01:10:00.123456Z",
    datetime: "2026-11-02T01:10:00.123456Z",
    date: "2026-11-02",
    JsonValue: "value",
    bool: True,
    int: 1,
}
PHOTO = sha256(b"a photo of the place").hexdigest()
OF_NAME = {
    "because": EVENT,
    "channel": "phone",
    "clock_id": f"{EVENT}/handling",
    "event_id": EVENT,
    "evidence": EVENT,
    "limit": "5wd",
    "media_type": "image/jpeg",
    "photos": PHOTO,
    "sha256": PHOTO,
}
"""Texts that are ids or codes; any other says its field's name."""


def example(kind: type[Event]) -> bytes:
    """Every field filled, personal ones as they stand in the log; raises `ValidationError` where a field wants more
    than its type says."""
    event = kind.model_validate(_document(kind, kind.ce_type))
    return event.model_dump_json(exclude_unset=True).encode()


def _document(model: type[BaseModel], ce_type: str) -> dict[str, Any]:
    hints = get_type_hints(model, include_extras=True)
    return {name: _value(name, hints[name], ce_type) for name in model.model_fields}


def _value(name: str, hint: Any, ce_type: str) -> Any:
    if hint in OF_TYPE:
        return OF_TYPE[hint]
    if hint is str:
        return OF_NAME.get(name, name)
    if isinstance(hint, type) and issubclass(hint, BaseModel):
        return _document(hint, ce_type)
    marks, inner = getattr(hint, "__metadata__", ()), get_args(hint)
    for mark in marks:
        if isinstance(mark, Personal):
            return _sealed(ce_type, name, mark)
    if marks:
        return _value(name, hint.__origin__, ce_type)
    return _of_several(name, get_origin(hint), inner, ce_type)


def _of_several(name: str, origin: Any, inner: tuple[Any, ...], ce_type: str) -> Any:
    if origin is Literal:
        return inner[0]
    if origin in (Union, types.UnionType):
        return _value(name, inner[0], ce_type)
    if origin is dict:
        return {_value(name, inner[0], ce_type): _value(name, inner[1], ce_type)}
    if origin is tuple:
        return [_value(name, one, ce_type) for one in inner if one is not Ellipsis]
    raise TypeError(f"{ce_type}: no example for {name}")


def _sealed(ce_type: str, name: str, mark: Personal) -> dict[str, Any]:
    """Nobody has the key, and nothing is inside."""
    noise = sha256(f"{ce_type} {name}".encode()).digest()
    nonce, data = (b64encode(part).decode() for part in (noise[:12], noise))
    return Sealed(sealed=f"{CASE}/{mark.key}", type=ce_type, field=name, nonce=nonce, data=data).model_dump()
