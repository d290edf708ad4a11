"""What intake itself decided about a case: its state, and the guards that ask it. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from libs.directory.limits import UnknownClass
from libs.directory.view import View
from libs.events.contracts.directory import CatalogueItemPublished
from libs.events.contracts.intake import (
    AppealReceived,
    CaseNotAccepted,
    CaseRegistered,
    CaseVoided,
    GridEventReported,
    Kind,
    PersonalDataErased,
)
from libs.events.errors import NotFound, Rejected
from libs.events.event import Event
from libs.events.ids import ClassCode, GridCode

# Refusals


class NotInThisState(Rejected):
    """The case has gone on."""

    code = "E-STATE"


ALLOWED = {"RECEIVED": ["register", "reject", "void"], "REGISTERED": ["void"]}
"""State → what intake's operator may still do."""

# State


@dataclass(frozen=True)
class State:
    """What intake itself decided about a case."""

    status: Literal["NONE", "RECEIVED", "REGISTERED", "NOT_ACCEPTED", "VOID"] = "NONE"
    kind: Kind = "help"
    grid: GridCode | None = None
    class_code: ClassCode | None = None
    upstream_due_at: datetime | None = None
    erased: frozenset[str] = frozenset()


def evolve(state: State, event: Event) -> State:
    """Intake's own facts, one later."""
    match event:
        case AppealReceived():
            return replace(
                state, status="RECEIVED", kind=event.kind, grid=event.grid, upstream_due_at=event.upstream_due_at
            )
        case GridEventReported():
            return replace(state, status="RECEIVED", kind=event.kind, grid=event.grid, class_code=event.class_code)
        case CaseRegistered():
            return replace(state, status="REGISTERED", kind=event.kind, class_code=event.class_code)
        case CaseNotAccepted():
            return replace(state, status="NOT_ACCEPTED")
        case CaseVoided():
            return replace(state, status="VOID")
        case PersonalDataErased():
            return replace(state, erased=state.erased | set(event.kinds))
        case _:
            return state


# Guards


def raise_not_here(state: State) -> None:
    """`NotFound` where there is no such case, else the state's refusal."""
    if state.status == "NONE":
        raise NotFound()
    raise NotInThisState(allowed=ALLOWED.get(state.status, []))


def catalogue_item(directory: View, code: ClassCode) -> CatalogueItemPublished:
    """The class of matter; raises `UnknownClass`."""
    if (item := directory.catalogue(code)) is None:
        raise UnknownClass()
    return item
