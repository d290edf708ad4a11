"""Withdrawing an appeal and taking the withdrawal back (rulebook.md c.3 #41, #41a). Pure: no I/O, no clock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from libs.case.facts import Facts
from libs.directory.facts.view import View
from libs.directory.rules.calendar import Limit, due
from libs.directory.rules.work_calendar import calendar_at
from libs.events.contracts.intake import AppealRestored, AppealWithdrawn, OwnershipNotProved
from libs.events.decider import Actor
from libs.events.errors import Refused, Rejected
from libs.events.event import Event
from libs.events.ids import PersonId
from services.intake.domain.case_state import State, must_be_open, raise_not_here

Proof = Literal["SECRET", "PHONE"]

# Commands


@dataclass(frozen=True)
class WithdrawAppeal:
    """撤诉, by the citizen with the secret of his receipt, or recorded by an operator who sees the caller's number.

    `owner`: whether the proof fits the appeal; secrets and numbers are compared outside.
    """

    at: datetime
    by: Actor
    proof: Proof
    owner: bool
    reason: str | None = None


@dataclass(frozen=True)
class RestoreAppeal:
    """恢复: the withdrawal is taken back."""

    at: datetime
    by: Actor
    proof: Proof
    owner: bool


# Refusals


class NotTheOwner(Refused):
    """The caller could not show that the appeal is his; recorded, for somebody may be pressing the citizen."""

    code = "E-WD-OWNER"
    zh = "无法确认为诉求人本人, 不能撤回或恢复"
    en = "the caller is not known to be the appellant"


class TooLateToRestore(Rejected):
    """The window for a change of mind is over."""

    code = "E-WD-WINDOW"
    zh = "已超过撤诉后可恢复的时限"
    en = "the time in which a withdrawal can be taken back is over"


# Decisions


def withdraw(state: State, command: WithdrawAppeal, facts: Facts) -> Sequence[Event]:
    """A matter of public interest goes on without the reporter (scenario 14)."""
    _must_prove(state, command, "withdraw")
    if state.status == "WITHDRAWN" or state.reporter_left:
        return []
    must_be_open(state, facts.case)
    return [
        AppealWithdrawn(
            recorded_by=_operator(command.by),
            proof=command.proof,
            continues=is_public(state, facts.directory),
            reason=command.reason,
            restorable_until=_restorable_until(command.at, facts.directory),
        )
    ]


def restore(state: State, command: RestoreAppeal, facts: Facts) -> Sequence[Event]:
    """Within the rulebook's window, counted from the withdrawal."""
    _must_prove(state, command, "restore")
    if state.status != "WITHDRAWN":
        must_be_open(state, facts.case)
        if not state.reporter_left:
            return []
    if state.restorable_until and command.at > state.restorable_until:
        raise TooLateToRestore()
    return [AppealRestored(recorded_by=_operator(command.by), proof=command.proof)]


def is_public(state: State, directory: View) -> bool:
    """Whether the matter concerns others than the appellant: a danger, or a report of somebody's wrongdoing (举报)."""
    item = directory.catalogue(state.class_code) if state.class_code else None
    return state.kind == "report" or bool(item and item.safety)


def _must_prove(state: State, command: WithdrawAppeal | RestoreAppeal, asked: Literal["withdraw", "restore"]) -> None:
    command.by.must_be("OPERATOR" if command.proof == "PHONE" else "CITIZEN")
    if state.status == "NONE":
        raise_not_here(state)
    if not command.owner:
        # A wrong secret never comes so far: receipts.py tells nobody which of the two was wrong.
        not_proved = OwnershipNotProved(asked_of=command.by.person, asked_for=asked, proof="PHONE")
        raise NotTheOwner(events=[not_proved])


def _operator(by: Actor) -> PersonId | None:
    return by.person if by.role == "OPERATOR" else None


def _restorable_until(at: datetime, directory: View) -> datetime | None:
    window = Limit.parse(directory.rulebook.restore_window)
    return due(at, window, calendar_at(directory)) if window else None
