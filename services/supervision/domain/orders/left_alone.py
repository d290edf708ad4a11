"""久无人过问: an open case that no clock watches, and nobody touches, is told to whoever must act (e.3). Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from libs.case.facts import Facts
from libs.events.contracts.parts.clock import Alarm
from libs.events.contracts.supervision import CaseLeftAlone
from libs.events.decider import Actor
from libs.events.event import Event
from libs.events.ids import UnitId


@dataclass(frozen=True)
class SayLeftAlone:
    """The list of alarms shows it; `since` is the last step that it shows."""

    at: datetime
    by: Actor
    alarm: Alarm
    since: datetime


def say(said: datetime | None, command: SayLeftAlone, facts: Facts) -> Sequence[Event]:
    """Once of each last step, and not where somebody has acted meanwhile."""
    case = facts.known_case()
    if case.ended or case.last_step_at != command.since or said == command.since:
        return []
    unit = UnitId(case.unit) if case.unit else None
    return [CaseLeftAlone(alarm=command.alarm, since=command.since, unit=unit)]
