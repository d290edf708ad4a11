"""What an order brings along from the system that it lived in; the event is in contracts/intake.py."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from libs.events.ids import UnitId

SOURCE_NAME = r"^[a-z0-9][a-z0-9-]{0,63}$"
SourceName = Annotated[str, Field(pattern=SOURCE_NAME)]
"""Name of the mapping by which a file was read, or of the system that sends."""


class ImportedTurn(BaseModel):
    """One department's turn with the order, by the source's instants; its name and reply stand in the record."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    unit: UnitId | None = None
    """Where the mapping knows which unit of the directory it is."""
    assigned_at: datetime | None = None
    answered_at: datetime | None = None
    rework: int = 0
