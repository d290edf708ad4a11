"""The body of an imported order's life in the system that it comes from."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from libs.events.ids import UnitId
from libs.service.http.cases import Body
from libs.service.http.headers import Instant
from services.intake.domain.moving_in import Life, Turn

Name = Annotated[str, Field(min_length=1, max_length=60)]


class TurnBody(Body):
    """One department's turn with the order."""

    unit: UnitId | None = Field(default=None, max_length=64, description="本系统的单位编号 / a unit of the directory")
    unit_name: str | None = Field(default=None, max_length=200, examples=["城管局"])
    assigned_at: Instant | None = None
    answered_at: Instant | None = None
    reply: str | None = Field(default=None, max_length=8000, examples=["已疏通下水道"])
    rework: int = Field(default=0, ge=0, le=1000)

    def turn(self) -> Turn:
        """The turn as the command has it."""
        return Turn(**self.model_dump())


class LifeBody(Body):
    """By the source's own instants and words; what no command here carries yet stays in the event, sealed."""

    registered_at: Instant | None = None
    closed: bool = False
    closed_at: Instant | None = None
    turns: list[TurnBody] = Field(default=[], max_length=100)
    rework: int = Field(default=0, ge=0, le=1000)
    satisfaction: str | None = Field(default=None, max_length=200, examples=["满意"])
    facts: dict[Name, Annotated[str, Field(max_length=2000)]] = Field(
        default={}, max_length=50, description="其他事实 / further facts, by the source's names"
    )
    confidential: bool = Field(default=False, description="来源标明保密: 暂不接收 / refused until it can be kept so")

    def life(self) -> Life:
        """The life as the command has it."""
        return Life(**self.model_dump(exclude={"turns"}), turns=tuple(one.turn() for one in self.turns))
