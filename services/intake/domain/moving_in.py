"""An order moves in from another system, with the life that it had there. Pure: no I/O, no clock."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from libs.case.facts import Facts
from libs.directory.facts.view import View
from libs.directory.rules.limits import handling_limit
from libs.events import telephones
from libs.events.contracts.intake import CaseImported, Urgency
from libs.events.contracts.parts.imported import ImportedTurn
from libs.events.decider import Actor
from libs.events.errors import Malformed
from libs.events.event import Event
from libs.events.ids import UnitId
from services.intake.domain.case_state import State, catalogue_item
from services.intake.domain.reception import AlreadyThere, SubmitAppeal, grid_of, point, require_receiver
from services.intake.domain.registration import RegisterCase

# Commands


@dataclass(frozen=True)
class Turn:
    """One department's turn: a unit of the directory where it is known, else its name; what it answered, and when."""

    unit: UnitId | None = None
    unit_name: str | None = None
    assigned_at: datetime | None = None
    answered_at: datetime | None = None
    reply: str | None = None
    rework: int = 0


@dataclass(frozen=True)
class Life:
    """What happened to the order where it comes from, by the source's own instants."""

    registered_at: datetime | None = None
    closed: bool = False
    closed_at: datetime | None = None
    turns: tuple[Turn, ...] = ()
    rework: int = 0
    satisfaction: str | None = None
    facts: Mapping[str, str] = field(default_factory=dict)
    """What the source knows besides, by its names."""
    confidential: bool = False


@dataclass(frozen=True)
class ImportCase:
    """An order of another system (rulebook.md c.8): what its citizen said, how it was classified, how it went on."""

    at: datetime
    by: Actor
    source: str
    appeal: SubmitAppeal
    registration: RegisterCase | None
    received_at: datetime | None
    life: Life


# Refusals


class ConfidentialNotKept(Malformed):
    """The source calls the order confidential, and nothing here would keep it so."""

    code = "E-CONFIDENTIAL"
    zh = "来源标明保密; 系统尚不能按保密件保管, 未导入"
    en = "the source calls it confidential, and nothing here keeps it so yet: not imported"


class ImpossibleLife(Malformed):
    """The source's instants contradict one another, or lie ahead."""

    code = "E-LIFE"
    zh = "来源的时间互相矛盾或晚于现在"
    en = "the source's instants contradict one another, or lie ahead"


# Decisions


def move_in(state: State, command: ImportCase, facts: Facts) -> Sequence[Event]:
    """One event, which tells nobody: closed it is closed at once, open it waits as what it is.

    Raises `ConfidentialNotKept`, `ImpossibleLife`, and whatever receiving and registering would refuse.
    """
    appeal, life = command.appeal, command.life
    require_receiver(command.by)
    if state.status != "NONE":
        raise AlreadyThere()
    if life.confidential:
        raise ConfidentialNotKept()
    _must_be_possible(command)
    if appeal.found_by and facts.directory.person(appeal.found_by) is None:
        raise Malformed(zh="没有这个网格员", en="no such grid worker")
    if appeal.reporter_phone is not None:
        telephones.read(appeal.reporter_phone)
    classified = command.registration
    return [
        CaseImported(
            imported_by=command.by.person,
            source=command.source,
            channel=appeal.channel,
            kind=(classified.kind if classified else None) or appeal.kind,
            content=appeal.content,
            grid=grid_of(appeal.place, facts.directory, command.at),
            address=appeal.place.address,
            location=point(appeal.place),
            reporter_kind="NAMED" if appeal.reporter_name or appeal.reporter_phone else "ANONYMOUS",
            reporter_name=appeal.reporter_name,
            reporter_phone=appeal.reporter_phone,
            found_by=appeal.found_by,
            external_id=appeal.external_id,
            received_at=command.received_at,
            registered_at=life.registered_at,
            class_code=classified.class_code if classified else None,
            urgency=_urgency(command, facts.directory),
            filing_condition=classified.filing_condition if classified else None,
            upstream_due_at=appeal.upstream_due_at,
            closed=life.closed,
            closed_at=life.closed_at,
            turns=tuple(_turn(one, facts.directory) for one in life.turns),
            rework=life.rework,
            record=_record(life),
        )
    ]


def _must_be_possible(command: ImportCase) -> None:
    life, received = command.life, command.received_at
    due = command.appeal.upstream_due_at
    if life.closed_at and not life.closed:
        raise ImpossibleLife(zh="有办结时间, 却不是已办结", en="it has an instant of closing and is not closed")
    past = (received, life.registered_at, life.closed_at)
    turned = [instant for one in life.turns for instant in (one.assigned_at, one.answered_at)]
    if any(instant and instant > command.at for instant in (*past, *turned)):
        raise ImpossibleLife(zh="来源的时间晚于现在", en="an instant of the source lies ahead")
    if received and any(instant and instant < received for instant in (life.registered_at, life.closed_at)):
        raise ImpossibleLife(zh="立案或办结早于来件", en="registered or closed before it was received")
    if life.registered_at and life.closed_at and life.closed_at < life.registered_at:
        raise ImpossibleLife(zh="办结早于立案", en="closed before it was registered")
    if received and due and due <= received:
        raise ImpossibleLife(zh="期限不晚于来件", en="due no later than it was received")


def _urgency(command: ImportCase, directory: View) -> Urgency | None:
    """As registering has it; what is closed needs no limit any more, only a class that exists."""
    classified = command.registration
    if classified is None:
        return None
    command.by.must_be("OPERATOR")
    item = catalogue_item(directory, classified.class_code)
    urgency: Urgency = "U1" if item.safety else classified.urgency
    if not command.life.closed:
        kind = classified.kind or command.appeal.kind
        handling_limit(directory, classified.class_code, kind, urgency, classified.filing_condition)
    return urgency


def _turn(one: Turn, directory: View) -> ImportedTurn:
    if one.unit and directory.unit(one.unit) is None:
        raise Malformed(zh="没有这个单位", en="no such unit")
    return ImportedTurn(unit=one.unit, assigned_at=one.assigned_at, answered_at=one.answered_at, rework=one.rework)


def _record(life: Life) -> str | None:
    """What the source says in words, as one text that is sealed; None where it says nothing."""
    turns = [{"unit": one.unit_name, "reply": one.reply} for one in life.turns]
    said = {
        "turns": turns if any(one["unit"] or one["reply"] for one in turns) else None,
        "satisfaction": life.satisfaction,
        "facts": dict(life.facts),
    }
    kept = {name: value for name, value in said.items() if value}
    return json.dumps(kept, ensure_ascii=False, sort_keys=True) if kept else None
