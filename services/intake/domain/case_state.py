"""What intake itself decided about a case: its state, and the guards that ask it. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal, NoReturn, assert_never

from libs.case.refusals import NotInThisState, require_living
from libs.case.state import Case
from libs.directory.facts.view import View
from libs.directory.rules.limits import UnknownClass
from libs.events.contracts.directory import CatalogueItemPublished
from libs.events.contracts.intake import (
    AnsweredDirectly,
    AppealReceived,
    AppealRestored,
    AppealWithdrawn,
    AttachmentAdded,
    CaseCorrected,
    CaseImported,
    CaseNotAccepted,
    CaseRegistered,
    CasesToldApart,
    CaseVoided,
    FilingPassedOn,
    GridEventReported,
    IdentityNotShown,
    IdentityRead,
    IntakeEvent,
    Kind,
    OwnershipNotProved,
    PersonalDataErased,
    RepeatContactReceived,
    SeparationViolationAttempted,
    SeparationViolationDetected,
    Urgency,
)
from libs.events.errors import NotFound
from libs.events.ids import CaseId, ClassCode, GridCode

ALLOWED = {
    "RECEIVED": ("register", "reject", "void", "answer", "correct", "withdraw", "tell-apart"),
    "REGISTERED": ("void", "correct", "withdraw", "tell-apart"),
    "WITHDRAWN": ("restore",),
}
"""State → what can be done next, whoever does it; beside it a reporter who left an open case may come back."""

# State

Status = Literal["NONE", "RECEIVED", "REGISTERED", "NOT_ACCEPTED", "VOID", "ANSWERED", "WITHDRAWN", "CLOSED"]
"""`CLOSED`: by the system that it was imported from."""


@dataclass(frozen=True)
class State:
    """What intake itself decided about a case."""

    status: Status = "NONE"
    kind: Kind = "help"
    grid: GridCode | None = None
    class_code: ClassCode | None = None
    urgency: Urgency | None = None
    filing_condition: str | None = None
    upstream_due_at: datetime | None = None
    erased: frozenset[str] = frozenset()
    reporter_left: bool = False
    """Withdrew while the matter goes on in the public interest."""
    registered: bool = False
    told_apart: frozenset[CaseId] = frozenset()
    """Cases that look like the same matter and are another."""
    restorable_until: datetime | None = None


def evolve(state: State, event: IntakeEvent) -> State:
    """Intake's own facts, one later."""
    status: Status
    match event:
        case AppealReceived():
            return replace(
                state, status="RECEIVED", kind=event.kind, grid=event.grid, upstream_due_at=event.upstream_due_at
            )
        case GridEventReported():
            return replace(state, status="RECEIVED", kind=event.kind, grid=event.grid, class_code=event.class_code)
        case CaseImported():
            status = "CLOSED" if event.closed else "REGISTERED" if event.class_code else "RECEIVED"
            names = ("kind", "grid", "class_code", "urgency", "filing_condition", "upstream_due_at")
            told = {name: getattr(event, name) for name in names}
            return replace(state, **told, status=status, registered=event.class_code is not None)
        case CaseRegistered():
            return replace(
                state,
                status="REGISTERED",
                registered=True,
                kind=event.kind,
                class_code=event.class_code,
                urgency=event.urgency,
                filing_condition=event.filing_condition,
            )
        case CaseCorrected():
            return _corrected(state, event)
        case FilingPassedOn():
            passed = replace(state, grid=event.grid or state.grid, urgency=event.urgency or state.urgency)
            if event.class_code is None:
                return passed
            return replace(passed, class_code=event.class_code, filing_condition=None)
        case AnsweredDirectly():
            return replace(state, status="ANSWERED")
        case AppealWithdrawn(continues=True):
            return replace(state, reporter_left=True, restorable_until=event.restorable_until)
        case AppealWithdrawn():
            return replace(state, status="WITHDRAWN", restorable_until=event.restorable_until)
        case AppealRestored():
            status = "REGISTERED" if state.registered else "RECEIVED"
            return replace(state, status=status, reporter_left=False, restorable_until=None)
        case CaseNotAccepted():
            return replace(state, status="NOT_ACCEPTED")
        case CaseVoided():
            return replace(state, status="VOID")
        case PersonalDataErased():
            return replace(state, erased=state.erased | set(event.kinds))
        case CasesToldApart():
            return replace(state, told_apart=state.told_apart | set(event.others))
        case RepeatContactReceived() | AttachmentAdded():
            return state
        case IdentityRead() | IdentityNotShown() | OwnershipNotProved():
            return state
        case SeparationViolationAttempted() | SeparationViolationDetected():
            return state
        case _:
            assert_never(event)


def _corrected(state: State, event: CaseCorrected) -> State:
    return replace(
        state,
        kind=event.kind or state.kind,
        grid=event.grid or state.grid,
        class_code=event.class_code or state.class_code,
        urgency=event.urgency or state.urgency,
        # A filing condition belongs to a class: another class does not inherit it.
        filing_condition=event.filing_condition or (None if event.class_code else state.filing_condition),
    )


# Guards


def raise_not_here(state: State) -> NoReturn:
    """`NotFound` where there is no such case, else the state's refusal."""
    if state.status == "NONE":
        raise NotFound()
    raise NotInThisState(allowed=ALLOWED.get(state.status, ()))


def must_be_open(state: State, case: Case | None) -> None:
    """Raises unless the case is open, as far as intake and its read model know; `NotFound` where there is none."""
    if state.status not in ("RECEIVED", "REGISTERED"):
        raise_not_here(state)
    if case and case.ended:
        raise NotInThisState(evidence=[case.last_event_id])


def catalogue_item(directory: View, code: ClassCode) -> CatalogueItemPublished:
    """The class of matter; raises `UnknownClass`."""
    if (item := directory.catalogue(code)) is None:
        raise UnknownClass()
    return item


def living_class(directory: View, code: ClassCode, at: datetime) -> CatalogueItemPublished:
    """The class of matter for what starts under it now; raises `UnknownClass`, `HasEnded`."""
    item = catalogue_item(directory, code)
    require_living(item, directory, at)
    return item
