"""HTTP of the commands of returns, endorsement, arbitration and co-units. Reads nothing."""

from __future__ import annotations

from fastapi import APIRouter

from libs.service.http.commands import post_command
from services.routing.api.bodies import (
    ApprovalBody,
    CoReportBody,
    CoUnitBody,
    EndorsementBody,
    RejectionBody,
    ReturnBody,
    RulingBody,
)
from services.routing.domain.arbitration import OpenArbitration

router = APIRouter(tags=["退单·审签·会商·协办 returns, endorsement, arbitration, co-units"])

post_command(router, "/cases/{case_id}/return", ReturnBody, summary="申请退单 / ask to return the case")
post_command(router, "/cases/{case_id}/return/approve", ApprovalBody, summary="同意退单 / approve the return")
post_command(router, "/cases/{case_id}/return/reject", RejectionBody, summary="不同意退单 / reject the return")
post_command(
    router,
    "/cases/{case_id}/endorsement",
    EndorsementBody,
    summary="审签 / endorse what the unit sends, or give it back",
)
post_command(router, "/cases/{case_id}/arbitration", OpenArbitration, summary="提请会商裁定 / open an arbitration")
post_command(router, "/cases/{case_id}/arbitration/rule", RulingBody, summary="裁定 / rule on the dispute")
post_command(router, "/cases/{case_id}/co-units", CoUnitBody, summary="增加协办单位 / ask a unit to co-handle")
post_command(router, "/cases/{case_id}/co-units/report", CoReportBody, summary="协办反馈 / report as co-unit")
