"""Erasing who reported, or the whole matter, by destroying its keys (rulebook.md c.3 #37a). Pure: no I/O, no clock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from libs.case.facts import Facts
from libs.events.contracts.intake import PersonalDataErased
from libs.events.decider import Actor
from libs.events.errors import NotFound
from libs.events.event import Event
from services.intake.domain.case_state import State

# Commands

EVERYTHING = frozenset({"reporter", "case"})
"""The two keys of a case."""

ErasureGround = Literal[
    "PURPOSE_ACHIEVED", "RETENTION_EXPIRED", "CONSENT_WITHDRAWN", "UNLAWFUL_PROCESSING", "OTHER_LAW"
]
"""个人信息保护法 art. 47."""


@dataclass(frozen=True)
class EraseCaseKeys:
    """Destroy the keys of a case; its personal fields become unreadable everywhere (c.3 #37a)."""

    at: datetime
    by: Actor
    kinds: tuple[Literal["reporter", "case"], ...]
    ground: ErasureGround


# Decisions


def erase(state: State, command: EraseCaseKeys, facts: Facts) -> Sequence[Event]:
    """Chain and counts stay; the worker destroys the keys when it reads this back (architecture.md §8)."""
    command.by.must_be("ADMIN")
    if state.status == "NONE":
        raise NotFound()
    kinds = tuple(kind for kind in command.kinds if kind not in state.erased)
    return [PersonalDataErased(erased_by=command.by.person, kinds=kinds, ground=command.ground)] if kinds else []
