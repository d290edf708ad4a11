"""Correcting what was written down wrongly, and answering a question on the spot. Pure: no I/O, no clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from libs.case.facts import Facts
from libs.case.refusals import NotInThisState
from libs.directory.facts.view import View
from libs.directory.rules.limits import handling_limit
from libs.events import telephones
from libs.events.contracts.intake import AnsweredDirectly, CaseCorrected, Kind, Urgency
from libs.events.decider import Actor
from libs.events.errors import Malformed, Rejected
from libs.events.event import Event
from libs.events.ids import ClassCode
from services.intake.domain.case_state import State, catalogue_item, living_class, must_be_open, raise_not_here
from services.intake.domain.reception import Place, grid_of, point

TEXTS = ("content", "reporter_name", "reporter_phone")
FILED = ("class_code", "urgency", "filing_condition")
"""What is written down by registering."""

# Commands


@dataclass(frozen=True)
class CorrectCase:
    """更正: what is given replaces what stands there, the rest stays (c.3 #6a)."""

    at: datetime
    by: Actor
    reason: str
    kind: Kind | None = None
    class_code: ClassCode | None = None
    urgency: Urgency | None = None
    filing_condition: str | None = None
    content: str | None = None
    place: Place | None = None
    reporter_name: str | None = None
    reporter_phone: str | None = None


@dataclass(frozen=True)
class AnswerDirectly:
    """直接办结: a question answered from the knowledge base (c.3 #7)."""

    at: datetime
    by: Actor
    knowledge_entry: str
    reply: str


# Refusals


class NothingToCorrect(Malformed):
    """A correction that names nothing."""

    zh = "请写明要更正的内容"
    en = "say what is to be corrected"


class NobodyToCorrect(Malformed):
    """What was found on patrol, or told without a name, has no reporter."""

    code = "E-REPORTER"
    zh = "本案没有实名诉求人, 无从更正其姓名或电话"
    en = "this case has no named reporter whose name or telephone could be corrected"


class NotAQuestion(Rejected):
    """Only a consultation can be answered on the spot."""

    code = "E-KIND"
    zh = "只有咨询类诉求可以直接答复办结"
    en = "only a consultation can be answered directly"


# Decisions


def correct(state: State, command: CorrectCase, facts: Facts) -> Sequence[Event]:
    """What was filed wrongly. A class that is dangerous by itself is U1 at once (R0)."""
    command.by.must_be("OPERATOR")
    must_be_open(state, facts.case)
    given = _given(command, facts.directory)
    if not given:
        raise NothingToCorrect()
    _check_reporter(command, facts)
    changed = {name: value for name, value in given.items() if value != getattr(state, name, None)}
    if state.registered:
        changed |= _filing(state, changed, command.at, facts.directory)
    elif any(getattr(state, name) is None for name in FILED if name in changed):
        raise NotInThisState(allowed=["register"])
    elif "class_code" in changed:
        living_class(facts.directory, changed["class_code"], command.at)
    if not changed:
        return []
    return [CaseCorrected(corrected_by=command.by.person, reason=command.reason, **changed)]


def _given(command: CorrectCase, directory: View) -> dict[str, Any]:
    """Every value that the command states, under its name in the event; raises `PlaceUnknown`."""
    stated = {name: getattr(command, name) for name in ("kind", *FILED, *TEXTS)} | _where(command, directory)
    return {name: value for name, value in stated.items() if value is not None}


def _check_reporter(command: CorrectCase, facts: Facts) -> None:
    """Raises `NobodyToCorrect`, or `NoTelephone` for what nobody could look up afterwards."""
    if command.reporter_name is None and command.reporter_phone is None:
        return
    if facts.known_case().reporter_kind != "NAMED":
        raise NobodyToCorrect()
    if command.reporter_phone is not None:
        telephones.read(command.reporter_phone)


def _where(command: CorrectCase, directory: View) -> dict[str, Any]:
    if (place := command.place) is None:
        return {}
    elsewhere = any(part is not None for part in (place.grid, place.longitude, place.latitude))
    grid = grid_of(place, directory, command.at) if elsewhere else None
    return {"grid": grid, "location": point(place), "address": place.address}


def _filing(state: State, changed: Mapping[str, Any], at: datetime, directory: View) -> dict[str, Any]:
    """What else follows from another classification; raises `UnknownClass`, `HasEnded`."""
    if not changed.keys() & {"kind", *FILED}:
        return {}
    if "class_code" in changed:
        living_class(directory, changed["class_code"], at)
    dropped = {"filing_condition": None} if "class_code" in changed else {}
    after: dict[str, Any] = {name: getattr(state, name) for name in ("kind", *FILED)} | dropped | dict(changed)
    urgency: Urgency = "U1" if catalogue_item(directory, after["class_code"]).safety else after["urgency"]
    handling_limit(directory, after["class_code"], after["kind"], urgency, after["filing_condition"])
    return {"urgency": urgency} if urgency != state.urgency else {}


def answer(state: State, command: AnswerDirectly, facts: Facts) -> Sequence[Event]:
    """Itself the end of the case, close_kind DIRECT."""
    command.by.must_be("OPERATOR")
    if state.status == "ANSWERED":
        return []
    if state.status != "RECEIVED":
        raise_not_here(state)
    if state.kind != "consult":
        raise NotAQuestion(allowed=["register"])
    answered_by = command.by.person
    return [AnsweredDirectly(answered_by=answered_by, knowledge_entry=command.knowledge_entry, reply=command.reply)]
