"""What the request bodies of intake's endpoints share."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from libs.events.ids import GridCode
from libs.service.cases import Body
from services.intake import reception

Channel = Literal["phone", "web", "app", "counter", "wechat", "mail", "visit", "import"]
Photos = list[Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]]
"""SHA-256 of attachments, as `POST /attachments` answered."""


class PlaceBody(Body):
    """A grid code, or a point in 1e-7 degrees; the exact address is sealed."""

    grid: GridCode | None = Field(default=None, max_length=32, examples=["G03"])
    longitude: int | None = Field(default=None, ge=-1_800_000_000, le=1_800_000_000)
    latitude: int | None = Field(default=None, ge=-900_000_000, le=900_000_000)
    address: str | None = Field(default=None, max_length=300)

    def place(self) -> reception.Place:
        """The place as the command has it."""
        return reception.Place(self.grid, self.longitude, self.latitude, self.address)
