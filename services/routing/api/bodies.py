"""The request bodies of routing's commands on one case."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from libs.events.ids import PersonId, UnitId
from libs.service.http.cases import Body

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class DispatchBody(Body):
    """Nothing: the proposed unit. Another unit needs a reason."""

    unit: UnitId | None = Field(default=None, max_length=64, examples=["county-housing"])
    override_reason: str | None = Field(default=None, min_length=1, max_length=500)


class AssignBody(Body):
    """Who is to handle it."""

    handler: PersonId = Field(max_length=64, examples=["zheng-kai"])


class ContactBody(Body):
    """Whether the reporter was reached."""

    reached: bool = Field(examples=[True])
    note: str | None = Field(default=None, min_length=1, max_length=1000)


class ProgressBody(Body):
    """What has been done so far."""

    note: str = Field(min_length=1, max_length=2000, examples=["已到现场, 明日更换井盖"])


class FeedbackBody(Body):
    """The result, the reply to the reporter, and photos of the finished work (SHA-256 of attachments)."""

    result: Literal["SOLVED", "EXPLAINED", "PARTLY"] = Field(examples=["SOLVED"])
    reply: str = Field(min_length=1, max_length=4000, examples=["路面已修复, 井盖已更换"])
    photos: list[Sha256] = Field(default=[], max_length=20)


class ReturnBody(Body):
    """The basis – article or entry of the duty list –, the unit believed responsible, and words beside it."""

    basis: str | None = Field(default=None, max_length=300, examples=["县住建局职责清单第12条: 供水管网不在本局职责内"])
    suggested_unit: UnitId | None = Field(default=None, max_length=64, examples=["county-water"])
    reason: str | None = Field(default=None, min_length=1, max_length=2000)


class ApprovalBody(Body):
    """Words beside the approval, if any."""

    reason: str | None = Field(default=None, min_length=1, max_length=2000)


class RejectionBody(Body):
    """Why the unit keeps the case."""

    reason: str = Field(min_length=1, max_length=2000, examples=["小区内下水道由住建部门监管"])


class EndorsementBody(Body):
    """Whether the draft of the unit is sent; given back only with a reason."""

    approved: bool = Field(examples=[True])
    reason: str | None = Field(default=None, min_length=1, max_length=2000, examples=["请补充现场照片"])


class RulingBody(Body):
    """The unit that has to handle the case, the parties whose return had no ground, and why."""

    unit: UnitId = Field(max_length=64, examples=["county-urban"])
    groundless: list[UnitId] = Field(default=[], max_length=20, examples=[["county-urban"]])
    reason: str = Field(min_length=1, max_length=4000, examples=["市政排水管网由城管部门养护"])


class CoUnitBody(Body):
    """Another unit, and its part."""

    unit: UnitId = Field(max_length=64, examples=["county-environment"])
    task: str = Field(min_length=1, max_length=2000, examples=["夜间扬尘监测"])


class CoReportBody(Body):
    """What the co-unit did."""

    report: str = Field(min_length=1, max_length=4000, examples=["已连续监测三晚, 数据见附表"])
