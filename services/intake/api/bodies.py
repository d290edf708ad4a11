"""What the request bodies of intake's endpoints share."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, model_validator

from libs.events.contracts.intake import Kind, NewCaseReason, Urgency
from libs.events.decider import Actor
from libs.events.ids import ClassCode, GridCode, PersonId
from libs.service.http.cases import CASE_ID, Body
from libs.service.http.headers import Instant
from services.intake.domain import reception, registration

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


class AppealBody(Body):
    """A citizen's appeal."""

    channel: Channel = Field(examples=["phone"])
    kind: Kind = Field(examples=["help"])
    content: str = Field(min_length=1, max_length=4000, examples=["小区门口路灯不亮"])
    place: PlaceBody
    reporter_name: str | None = Field(default=None, max_length=100)
    reporter_phone: str | None = Field(default=None, max_length=40)
    found_by: PersonId | None = Field(
        default=None, max_length=64, description="来电的网格员 / a grid worker who phoned it in"
    )
    upstream_due_at: Instant | None = None
    external_id: str | None = Field(default=None, max_length=64)
    case_id: str | None = Field(default=None, pattern=CASE_ID, description="导入程序指定, 或由先上传的附件给出")
    photos: Photos = Field(default=[], max_length=20)
    new_case: bool = Field(default=False, description="同一来电人同一事项仍另立一件 / not the open case of this caller")
    new_case_reason: NewCaseReason | None = None

    @model_validator(mode="after")
    def reasoned(self) -> AppealBody:
        """A case beside the caller's open one needs a reason."""
        if self.new_case != (self.new_case_reason is not None):
            raise ValueError("new_case and new_case_reason go together")
        return self

    def command(self, at: datetime, by: Actor) -> reception.SubmitAppeal:
        """What is decided on."""
        fields = self.model_dump(exclude={"place", "case_id", "photos", "new_case"})
        return reception.SubmitAppeal(at=at, by=by, place=self.place.place(), photos=tuple(self.photos), **fields)


class RegisterBody(Body):
    """Classification."""

    class_code: ClassCode = Field(max_length=64)
    urgency: Urgency
    kind: Kind | None = None
    filing_condition: str | None = Field(default=None, max_length=64)

    def command(self, at: datetime, by: Actor) -> registration.RegisterCase:
        """What is decided on."""
        return registration.RegisterCase(at=at, by=by, **self.model_dump())
