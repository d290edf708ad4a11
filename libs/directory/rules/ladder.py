"""The levels of the ladder that a rulebook states (rulebook.md f.2). Pure; its steps are supervision's."""

from __future__ import annotations

from collections.abc import Mapping

from libs.directory.rules.calendar import Limit, Unit
from libs.directory.rules.limits import Urgency
from libs.events.contracts.parts.rulebook import Ladder

Levels = Mapping[int, Limit | None]
"""Ladder level → how long after the due instant; None is at once."""


def levels_of(working_days: Ladder, hours: Ladder, urgency: Urgency) -> Levels:
    """The ladder of the rulebook for an urgency: L1 with the breach, the others after it. Raises ValueError."""
    ladder, unit = (hours, Unit.HOUR) if urgency in ("U1", "U2") else (working_days, Unit.WORK_DAY)
    after = {2: ladder.L2, 3: ladder.L3, 4: ladder.L4, 5: ladder.L5}
    return {1: None} | {level: Limit(amount, unit) if amount else None for level, amount in after.items()}
