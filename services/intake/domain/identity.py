"""Who calls: the telephone as a blind index, reading an identity for a purpose, the same caller again. Pure."""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Literal

from libs.case.facts import Facts
from libs.case.refusals import NotInThisState
from libs.case.state import Case
from libs.events.contracts.intake import (
    AppealReceived,
    CaseCorrected,
    CaseImported,
    IdentityNotShown,
    IdentityRead,
    RepeatContactReceived,
)
from libs.events.decider import Actor
from libs.events.errors import Forbidden, Rejected
from libs.events.event import Event, Sealed
from libs.events.telephones import find
from services.intake.domain.case_state import State, raise_not_here

Purpose = Literal["TAKE_CALL", "CALL_BACK", "ASK_DETAILS", "EMERGENCY", "LAW", "CONTACT"]
"""受话识别, 回访, 补充了解, 紧急救助, 依法查询; 办理联系: the handler's alone."""
IdentityField = Literal["reporter_name", "reporter_phone"]
IDENTITY: tuple[IdentityField, ...] = ("reporter_name", "reporter_phone")
HANDLING = ("DEPT_CLERK", "DEPT_HANDLER", "DEPT_LEADER")


def index_entries(telephone: str | None, key: bytes) -> frozenset[bytes]:
    """The keyed hashes under which a case is found by each number of its reporter."""
    return frozenset(keyed(name, key) for one in find(telephone) for name in one.indexed_as)


def sought_entries(telephone: str | None, key: bytes) -> frozenset[bytes]:
    """Under which entries the cases of these numbers stand; none where there is no number."""
    return frozenset(keyed(name, key) for one in find(telephone) for name in one.sought_as)


def keyed(name: str, key: bytes) -> bytes:
    """An entry of a search copy, which tells nothing without the key."""
    return hmac.new(key, name.encode(), sha256).digest()


def reporter_of(own: Iterable[Event]) -> dict[IdentityField, str | Sealed]:
    """Who the reporter is by the case's own events, corrected where he was written down wrongly; sealed as they are."""
    found: dict[IdentityField, str | Sealed] = {}
    for event in own:
        if isinstance(event, AppealReceived | CaseImported | CaseCorrected):
            told = {name: getattr(event, name) for name in IDENTITY}
            found |= {name: value for name, value in told.items() if value is not None}
    return found


# Commands


@dataclass(frozen=True)
class ReadIdentity:
    """Read who the reporter is, or which cases are his, for a purpose (rulebook.md c.3 #14)."""

    at: datetime
    by: Actor
    purpose: Purpose


@dataclass(frozen=True)
class ReceiveRepeatContact:
    """The same caller calls again on the same matter (rulebook.md c.5, d.5)."""

    at: datetime
    by: Actor
    channel: str
    content: str | None = None


# Refusals


class TelephoneUnreadable(Rejected):
    """What an older version kept as the reporter's telephone is none: nobody can be compared with it."""

    code = "E-TELEPHONE"
    zh = "登记的电话无法识别, 请先更正"
    en = "the telephone that was written down is none: correct it first"


class NotYoursToCall(Forbidden):
    """Departments see a number only to call whom they work for."""

    code = "E-CALLER"
    zh = "承办单位只有经办人员在办理期间, 为联系诉求人, 可以查看"
    en = "only who handles the case reads it, to call the reporter, while the case lies with his unit"


# Decisions


def require_reader(by: Actor, purpose: Purpose, case: Case | None) -> None:
    """Who may read who the reporter of this case (None: not shown to him) is. Raises `Forbidden`.

    Who handles it reads it to call him, while it is his to handle (rulebook.md c.3 #14).
    """
    if by.role in HANDLING:
        if case and not (purpose == "CONTACT" and handles(by, case)):
            raise NotYoursToCall(allowed=[case.handler] if case.handler else [])
        return
    by.must_be("OPERATOR", "CALLBACK_AGENT")
    if purpose == "CONTACT":
        raise NotYoursToCall(allowed=["CALL_BACK", "ASK_DETAILS"])


def handles(by: Actor, case: Case) -> bool:
    """The handler who was named, or any handler of the unit, while the case lies there."""
    named = by.person == case.handler or by.role == "DEPT_HANDLER"
    return by.unit == case.unit and named and case.state in ("DISPATCHED", "IN_PROGRESS")


def not_shown(command: ReadIdentity) -> Sequence[Event]:
    """That somebody asked who may not is a fact too."""
    return [IdentityNotShown(asked_by=command.by.person, role=command.by.role, purpose=command.purpose)]


def read_identity(command: ReadIdentity, fields: Sequence[IdentityField]) -> Sequence[Event]:
    """Every reading of an identity is a fact; where there is none to show, nothing was read."""
    if not fields:
        return []
    return [IdentityRead(read_by=command.by.person, purpose=command.purpose, fields=tuple(fields))]


def look_up(command: ReadIdentity) -> Sequence[Event]:
    """What a look-up says of each case that it shows: whose telephone it came from."""
    command.by.must_be("OPERATOR")
    return read_identity(command, ("reporter_phone",))


def repeat_contact(state: State, command: ReceiveRepeatContact, facts: Facts) -> Sequence[Event]:
    """Each contact counts; who may take an appeal may take its repetition. An ended case takes none."""
    by, case = command.by, facts.case
    if not may_take_repeat_contact(by):
        raise Forbidden(allowed=["OPERATOR", "GRID_WORKER"])
    if state.status == "NONE":
        raise_not_here(state)
    if case is None or case.ended:
        raise NotInThisState(evidence=[case.last_event_id] if case else [], allowed=["appeal"])
    return [RepeatContactReceived(channel=command.channel, recorded_by=by.person, content=command.content)]


def may_take_repeat_contact(by: Actor) -> bool:
    """Whoever may take an appeal."""
    return by.role in ("OPERATOR", "GRID_WORKER") or "intake" in by.scopes
