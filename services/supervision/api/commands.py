"""HTTP of supervision's commands. Reads nothing."""

from __future__ import annotations

from fastapi import APIRouter

from libs.service.http.commands import post_command
from services.supervision.api.bodies import (
    CallbackBody,
    CloseBody,
    FindingBody,
    LiftBody,
    OrderBody,
    PlanBody,
    ReviewBody,
    ReworkBody,
    UrgeBody,
    VerifierBody,
)
from services.supervision.api.clock_query import SHOWN

router = APIRouter(tags=["督办 supervision"])

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
