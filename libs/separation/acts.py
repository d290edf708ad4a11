"""What a separation rule is asked about, and what it answers. Pure: no I/O, no clock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from libs.directory.facts.view import View
from libs.events.ids import PersonId, UnitId

Used = Mapping[str, tuple[str, ...]]
"""Person id → ids of the events in which the person used the power."""


class CaseParties(Protocol):
    """Who did what on a case, as the lifecycle fold (`libs.case.lifecycle.Case`) knows it."""

    @property
    def grid(self) -> str | None: ...
    @property
    def class_code(self) -> str | None: ...
    @property
    def units(self) -> tuple[str, ...]:
        """U_H(c): every unit that ever held the case."""

    @property
    def dual_hat(self) -> bool:
        """Flagged at a dispatch (SEP-06)."""

    @property
    def discoverers(self) -> Used:
        """D(c). A device may stand here; it bars nobody (d.2 #5)."""

    @property
    def dispatchers(self) -> Used:
        """R(c)."""

    @property
    def handlers(self) -> Used:
        """H(c)."""

    @property
    def verifiers(self) -> Used:
        """V(c)."""

    @property
    def closers(self) -> Used:
        """X(c): review, call-back and closing."""


@dataclass(frozen=True)
class Breach:
    """The rule that forbids an act, the others that it breaks too, the evidence (event ids) and who may act instead."""

    rule: str
    zh: str
    en: str
    evidence: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    allowed: tuple[PersonId, ...] = ()

    @property
    def code(self) -> str:
        """The stable error code: `E-SEP-01`."""
        return f"E-{self.rule}"


@dataclass(frozen=True)
class Act:
    """Somebody is about to use a power on a case.

    SEP-12: appointments are judged at `at`, the time of the act; having discovered a case never expires.
    SEP-14: the actor is the natural person, whatever account is used.
    """

    case: CaseParties
    actor: PersonId
    view: View
    at: datetime

    @property
    def strength(self) -> str:
        """How strictly the rulebook separates."""
        return self.view.rulebook.separation.strength

    @property
    def handling_units(self) -> tuple[UnitId, ...]:
        """Those of the case's units in which the actor holds any appointment."""
        return tuple(sorted(unit for unit in self.view.units_of(self.actor, self.at) if unit in self.case.units))

    def used(self, power: Used) -> tuple[str, ...]:
        """The events in which this natural person used a power on the case."""
        person = self.view.natural(self.actor)
        return tuple(event for who, ids in power.items() if self.view.natural(PersonId(who)) == person for event in ids)
