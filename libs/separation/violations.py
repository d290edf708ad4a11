"""SEP-18: a breach that shows only later rewrites nothing; it is recorded, once per person and rule. Pure: no I/O."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from libs.events.decider import Actor
from libs.events.event import Event
from libs.events.ids import PersonId


@dataclass(frozen=True)
class RecordViolation:
    """A power was used that the log, read in order, did not allow."""

    at: datetime
    by: Actor
    person: PersonId
    rule: str
    evidence: tuple[str, ...]


class Detected(Protocol):
    """A service's own `SeparationViolationDetected`."""

    def __call__(self, *, person: PersonId, rule: str, evidence: tuple[str, ...]) -> Event: ...


def record(known: Collection[tuple[str, str]], command: RecordViolation, detected: Detected) -> Sequence[Event]:
    """Once per person and rule; `known` are those that the service's own stream holds."""
    if (command.person, command.rule) in known:
        return []
    return [detected(person=command.person, rule=command.rule, evidence=command.evidence)]
