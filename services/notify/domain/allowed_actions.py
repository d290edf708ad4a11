"""What a caller may do next with the messages of a case. Pure; `decide` decides."""

from __future__ import annotations

from datetime import datetime

from libs.case.facts import Facts
from libs.events.decider import Actor
from services.notify.domain.fates import State
from services.notify.domain.resending import RESENDERS


def allowed(state: State, by: Actor, facts: Facts, at: datetime) -> list[str]:
    """`resend_message`, where the case has a message whose every try failed."""
    undelivered = any(fate.reason == "UNDELIVERABLE" for fate in state.fates.values())
    return ["resend_message"] if undelivered and by.role in RESENDERS else []
