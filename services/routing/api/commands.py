"""HTTP of the commands of dispatch and handling. Reads nothing."""

from __future__ import annotations

from fastapi import APIRouter

from libs.service.http.commands import post_command
from services.routing.api.bodies import AssignBody, ContactBody, DispatchBody, FeedbackBody, ProgressBody
from services.routing.domain.handling import AcceptAssignment

router = APIRouter(tags=["派遣·办理 routing"])

post_command(router, "/cases/{case_id}/dispatch", DispatchBody, summary="派遣 / dispatch")
post_command(router, "/cases/{case_id}/accept", AcceptAssignment, summary="签收 / sign for the order")
post_command(router, "/cases/{case_id}/assign", AssignBody, summary="指定经办人 / assign the handler")
post_command(router, "/cases/{case_id}/contact", ContactBody, summary="联系诉求人 / contact the reporter")
post_command(router, "/cases/{case_id}/progress", ProgressBody, summary="记录进展 / record progress")
post_command(router, "/cases/{case_id}/feedback", FeedbackBody, summary="反馈 / submit feedback")
