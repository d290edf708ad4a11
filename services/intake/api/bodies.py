"""The request bodies of intake's commands, and what they share."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, model_validator

from libs.directory.rules.datum import Datum, on_wgs84
from libs.events import telephones
from libs.events.contracts.intake import Kind, NewCaseReason, Urgency
from libs.events.decider import Actor
from libs.events.ids import EXTERNAL_ID, ClassCode, ExternalId, GridCode, PersonId
from libs.service.http.cases import CASE_ID, Body, saying
from libs.service.http.commands import CommandBody
from libs.service.http.headers import Instant
from services.intake.domain import correction, erasure, reception, registration

Channel = Literal["phone", "web", "app", "counter", "wechat", "mail", "visit", "import"]
Photos = list[Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]]
"""SHA-256 of attachments, as `POST /attachments` answered."""
TelephoneText = Annotated[
    str,
    Field(
        max_length=telephones.LONGEST,
        examples=["13800000000"],
        description="手机或固定电话, 可带分机(转801)、说明(括号内), 两个号码用 / 隔开 / numbers, extension, remark",
    ),
    saying(telephones.read),
]
"""One or more numbers of a person; what cannot be read is said at once, with the field."""


class PlaceBody(Body):
    """A grid code, or a point in 1e-7 degrees, of WGS 84 unless it says otherwise; the exact address is sealed."""

    grid: GridCode | None = Field(default=None, max_length=32, examples=["G03"])
    longitude: int | None = Field(default=None, ge=-1_800_000_000, le=1_800_000_000)
    latitude: int | None = Field(default=None, ge=-900_000_000, le=900_000_000)
    address: str | None = Field(default=None, max_length=300)
    datum: Datum = Field(default="WGS84", description="坐标系 / what the point is measured in")

    def place(self) -> reception.Place:
        """The place as the command has it."""
        point = (self.longitude, self.latitude)
        if self.longitude is not None and self.latitude is not None:
            point = on_wgs84(self.longitude, self.latitude, self.datum)
        return reception.Place(self.grid, *point, self.address)


class AppealBody(CommandBody):
    """A citizen's appeal."""

    channel: Channel = Field(examples=["phone"])
    kind: Kind = Field(examples=["help"])
    content: str = Field(min_length=1, max_length=4000, examples=["小区门口路灯不亮"])
    place: PlaceBody
    reporter_name: str | None = Field(default=None, max_length=100)
    reporter_phone: TelephoneText | None = None
    found_by: PersonId | None = Field(
        default=None, max_length=64, description="来电的网格员 / a grid worker who phoned it in"
    )
    upstream_due_at: Instant | None = None
    external_id: ExternalId | None = Field(
        default=None,
        pattern=EXTERNAL_ID,
        examples=["110-2026-000123"],
        description="来源系统的编号: 字母、数字和 . _ : / # -, 不含文字 / an id in another system, no text",
    )
    case_id: str | None = Field(default=None, pattern=CASE_ID, description="导入程序指定, 或由先上传的附件给出")
    photos: Photos = Field(default=[], max_length=20)
    new_case: bool = Field(default=False, description="同一来电人同一事项仍另立一件 / not the open case of this caller")
    new_case_reason: NewCaseReason | None = None
    same_case: str | None = Field(
        default=None,
        pattern=CASE_ID,
        description="同一来电人的这件未结诉求 / the open case of this caller that is meant",
    )

    @model_validator(mode="after")
    def reasoned(self) -> AppealBody:
        """A case beside the caller's open one needs a reason; it is another one, or that one."""
        if self.new_case != (self.new_case_reason is not None):
            raise ValueError("new_case and new_case_reason go together")
        if self.same_case and (self.new_case or self.photos or self.case_id or self.external_id):
            raise ValueError("same_case opens no case: without new_case, case_id, external_id and photos")
        return self

    def command(self, at: datetime, by: Actor) -> reception.SubmitAppeal:
        fields = self.model_dump(exclude={"place", "case_id", "photos", "new_case", "same_case"})
        return reception.SubmitAppeal(at=at, by=by, place=self.place.place(), photos=tuple(self.photos), **fields)


class RegisterBody(CommandBody):
    """Classification."""

    class_code: ClassCode = Field(max_length=64)
    urgency: Urgency
    kind: Kind | None = None
    filing_condition: str | None = Field(default=None, max_length=64)

    def command(self, at: datetime, by: Actor) -> registration.RegisterCase:
        return registration.RegisterCase(at=at, by=by, **self.model_dump())


class GridReportBody(CommandBody):
    """What a grid worker found."""

    kind: Kind = Field(examples=["city_management"])
    class_code: ClassCode = Field(max_length=64)
    content: str = Field(min_length=1, max_length=4000)
    place: PlaceBody
    photos: Photos = Field(default=[], max_length=20)
    out_of_grid_reason: str | None = Field(default=None, max_length=500)
    case_id: str | None = Field(default=None, pattern=CASE_ID)

    def command(self, at: datetime, by: Actor) -> reception.ReportGridEvent:
        fields = self.model_dump(exclude={"place", "case_id", "photos"})
        return reception.ReportGridEvent(at=at, by=by, place=self.place.place(), photos=tuple(self.photos), **fields)


class VoidBody(CommandBody):
    """Why the entry was wrong."""

    reason: str = Field(min_length=1, max_length=500)

    def command(self, at: datetime, by: Actor) -> registration.VoidCase:
        return registration.VoidCase(at, by, self.reason)


class RejectBody(CommandBody):
    """Reason, legal basis, and where to go instead."""

    reason_code: registration.NotAcceptedReason
    legal_basis: str = Field(min_length=1, max_length=300)
    alternative: str = Field(min_length=1, max_length=300)

    def command(self, at: datetime, by: Actor) -> registration.RejectCase:
        return registration.RejectCase(at, by, self.reason_code, self.legal_basis, self.alternative)


class EraseBody(CommandBody):
    """Which keys, on which ground."""

    kinds: list[Literal["reporter", "case"]] = Field(min_length=1, max_length=2)
    ground: erasure.ErasureGround

    def command(self, at: datetime, by: Actor) -> erasure.EraseCaseKeys:
        return erasure.EraseCaseKeys(at, by, tuple(self.kinds), self.ground)


class CorrectBody(CommandBody):
    """What was written down wrongly; a field that is absent stays as it was."""

    reason: str = Field(min_length=1, max_length=500, examples=["登记时选错事项"])
    kind: Kind | None = None
    class_code: ClassCode | None = Field(default=None, max_length=64, examples=["sewer-odour"])
    urgency: Urgency | None = None
    filing_condition: str | None = Field(default=None, max_length=64)
    content: str | None = Field(default=None, min_length=1, max_length=4000)
    place: PlaceBody | None = None
    reporter_name: str | None = Field(default=None, max_length=100, examples=["某女士"])
    reporter_phone: TelephoneText | None = None

    def command(self, at: datetime, by: Actor) -> correction.CorrectCase:
        place = self.place.place() if self.place else None
        return correction.CorrectCase(at=at, by=by, place=place, **self.model_dump(exclude={"place"}))


class AnswerBody(CommandBody):
    """The answer, and the entry of the knowledge base that it rests on."""

    knowledge_entry: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$", examples=["social-insurance-0012"])
    reply: str = Field(min_length=1, max_length=4000, examples=["居民医保参保时间为每年9月至12月"])

    def command(self, at: datetime, by: Actor) -> correction.AnswerDirectly:
        return correction.AnswerDirectly(at, by, self.knowledge_entry, self.reply)
