"""HTTP of supervision's commands. Reads nothing."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter
from pydantic import Field, model_validator

from libs.events.decider import Actor
from libs.events.ids import PersonId
from libs.service.http.commands import CommandBody, post_command
from services.supervision.api.clock_query import SHOWN
from services.supervision.domain.closing.callback import Answers, RecordCallback, Satisfaction
from services.supervision.domain.closing.review import CloseCase, OrderRework, ReviewFeedback
from services.supervision.domain.closing.verification import AssignVerification, SubmitVerification
from services.supervision.domain.orders.orders import IssueSupervision, LiftSupervision, RespondSupervision
from services.supervision.domain.orders.urging import UrgeCase

router = APIRouter(tags=["督办 supervision"])

Reason = Annotated[str, Field(min_length=1, max_length=500)]
Photo = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class ReviewBody(CommandBody):
    """The centre's judgement of the feedback; sent back only with a reason."""

    accepted: bool = Field(examples=[True])
    reason: Reason | None = Field(default=None, examples=["未附办理后照片"])

    def command(self, at: datetime, by: Actor) -> ReviewFeedback:
        return ReviewFeedback(at, by, self.accepted, self.reason)


class VerifierBody(CommandBody):
    """Who is to look at the place."""

    verifier: PersonId = Field(min_length=1, max_length=64, examples=["li-fang"])

    def command(self, at: datetime, by: Actor) -> AssignVerification:
        return AssignVerification(at, by, self.verifier)


class FindingBody(CommandBody):
    """What the verifier found at the place, in 1e-7 degrees."""

    passed: bool
    longitude: int = Field(ge=-1_800_000_000, le=1_800_000_000, examples=[1_193_050_000])
    latitude: int = Field(ge=-900_000_000, le=900_000_000, examples=[321_050_000])
    photos: list[Photo] = Field(default=[], max_length=20)
    note: Reason | None = None

    def command(self, at: datetime, by: Actor) -> SubmitVerification:
        place = (self.longitude, self.latitude)
        return SubmitVerification(at, by, self.passed, *place, photos=tuple(self.photos), note=self.note)


class CallbackBody(CommandBody):
    """One try: reached means that all three questions were answered."""

    reached: bool
    contacted: bool | None = None
    solved: bool | None = None
    satisfaction: Satisfaction | None = None
    remark: Reason | None = None

    @model_validator(mode="after")
    def answers_are_whole(self) -> CallbackBody:
        """Three answers or none: part of an answer is not a valid call-back."""
        given = [self.contacted is not None, self.solved is not None, self.satisfaction is not None]
        if given != [self.reached] * 3:
            raise ValueError("three answers when reached, none otherwise")
        return self

    def answers(self) -> Answers | None:
        """The three answers, where he was reached."""
        if self.contacted is None or self.solved is None or self.satisfaction is None:
            return None
        return Answers(self.contacted, self.solved, self.satisfaction)

    def command(self, at: datetime, by: Actor) -> RecordCallback:
        return RecordCallback(at, by, self.answers(), self.remark)


class CloseBody(CommandBody):
    """How the matter ended."""

    close_kind: Literal["HANDLED", "EXPLAINED"] = "HANDLED"

    def command(self, at: datetime, by: Actor) -> CloseCase:
        return CloseCase(at, by, self.close_kind)


class ReworkBody(CommandBody):
    """Why it has to be done again."""

    reason: Reason = Field(examples=["第二天又堆了"])

    def command(self, at: datetime, by: Actor) -> OrderRework:
        return OrderRework(at, by, self.reason)


class OrderBody(CommandBody):
    """The supervisor's order; L0 is the system's reminder, levels 4 and 5 follow the level below them."""

    level: Literal[1, 2, 3, 4, 5] = Field(examples=[2])
    order: str = Field(min_length=1, max_length=2000, examples=["请于两个工作日内报送整改计划"])

    def command(self, at: datetime, by: Actor) -> IssueSupervision:
        return IssueSupervision(at, by, self.level, self.order)


class UrgeBody(CommandBody):
    """催办; the unit reads the note in the case, never in a message."""

    note: Reason | None = Field(default=None, examples=["市民多次来电, 请尽快到场"])

    def command(self, at: datetime, by: Actor) -> UrgeCase:
        return UrgeCase(at, by, self.note)


class PlanBody(CommandBody):
    """The unit leader's answer: a plan and a date."""

    plan: str = Field(min_length=1, max_length=2000)

    def command(self, at: datetime, by: Actor) -> RespondSupervision:
        return RespondSupervision(at, by, self.plan)


class LiftBody(CommandBody):
    """The new level, and why the cause is gone."""

    level: int = Field(default=0, ge=0, le=4)
    reason: Reason

    def command(self, at: datetime, by: Actor) -> LiftSupervision:
        return LiftSupervision(at, by, self.level, self.reason)


post_command(
    router, "/cases/{case_id}/review", ReviewBody, summary="办结审核 / accept or send back the feedback", complete=SHOWN
)
post_command(
    router, "/cases/{case_id}/verification", VerifierBody, summary="指派核实 / ask somebody to verify", complete=SHOWN
)
post_command(
    router,
    "/cases/{case_id}/verification/result",
    FindingBody,
    summary="提交核实结果 / the verifier's finding",
    complete=SHOWN,
)
post_command(router, "/cases/{case_id}/callback", CallbackBody, summary="回访 / record a call-back", complete=SHOWN)
post_command(router, "/cases/{case_id}/close", CloseBody, summary="结案 / close", complete=SHOWN)
post_command(router, "/cases/{case_id}/rework", ReworkBody, summary="重办 / order rework", complete=SHOWN)
post_command(router, "/cases/{case_id}/urge", UrgeBody, summary="催办 / urge the unit")
post_command(router, "/cases/{case_id}/supervision", OrderBody, summary="下达督办 / issue a supervision order")
post_command(router, "/cases/{case_id}/supervision/response", PlanBody, summary="回应督办 / the unit answers")
post_command(router, "/cases/{case_id}/supervision/lift", LiftBody, summary="解除督办 / lift supervision")
