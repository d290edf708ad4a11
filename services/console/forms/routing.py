"""What dispatcher, arbiter and departments do, as routing's endpoints take it. Pure."""

from __future__ import annotations

from libs.directory.rules.naming import Bilingual
from services.console.forms.act import PHOTOS, REACHED, YES_NO, Act, Field, coded, lines, reason, yes

ACTS: tuple[Act, ...] = (
    Act(
        "dispatch",
        "routing",
        Bilingual("派遣", "Dispatch"),
        (
            Field("unit", Bilingual("改派其他单位", "Another unit"), "choice", source="units", required=False),
            Field(
                "override_reason",
                Bilingual("改派理由", "Reason for another unit"),
                "text",
                required=False,
            ),
        ),
        Bilingual("不选单位即按建议派遣", "without a unit it goes where it is proposed"),
    ),
    Act("accept", "routing", Bilingual("签收", "Sign")),
    Act(
        "assign",
        "routing",
        Bilingual("指定经办人", "Assign the handler"),
        (Field("handler", Bilingual("经办人", "Handler"), "choice", source="handlers"),),
    ),
    Act(
        "contact",
        "routing",
        Bilingual("联系诉求人", "Call the reporter"),
        (REACHED, Field("note", Bilingual("通话记录", "Note"), "text", required=False, longest=1000)),
    ),
    Act(
        "progress",
        "routing",
        Bilingual("记录进展", "Record progress"),
        (Field("note", Bilingual("进展", "Progress"), "text", longest=2000),),
    ),
    Act(
        "feedback",
        "routing",
        Bilingual("反馈", "Submit feedback"),
        (
            Field("result", Bilingual("结果", "Result"), "choice", coded("SOLVED", "EXPLAINED", "PARTLY")),
            Field("reply", Bilingual("给诉求人的答复", "Reply to the reporter"), "text", longest=4000),
            PHOTOS,
        ),
    ),
    Act(
        "return",
        "routing",
        Bilingual("申请退单", "Ask to return the case"),
        (
            Field("basis", Bilingual("依据", "Basis"), longest=300),
            Field("suggested_unit", Bilingual("应由哪个单位办理", "Unit responsible"), "choice", source="units"),
            reason(required=False, longest=2000),
        ),
    ),
    Act(
        "endorsement",
        "routing",
        Bilingual("审签", "Endorse"),
        (
            Field("approved", Bilingual("是否同意报出", "Send it"), "choice", YES_NO, read=yes),
            reason("退回理由", "Reason to give it back", required=False, longest=2000),
        ),
        Bilingual("退单或反馈经负责人同意后才报出", "a return or feedback counts once the leader endorses it"),
    ),
    Act(
        "return/approve",
        "routing",
        Bilingual("同意退单", "Approve the return"),
        (reason(required=False, longest=2000),),
    ),
    Act("return/reject", "routing", Bilingual("不同意退单", "Reject the return"), (reason(longest=2000),)),
    Act("arbitration", "routing", Bilingual("提请会商裁定", "Open an arbitration")),
    Act(
        "arbitration/rule",
        "routing",
        Bilingual("裁定", "Rule"),
        (
            Field("unit", Bilingual("承办单位", "Unit"), "choice", source="units"),
            Field(
                "groundless",
                Bilingual("退单无据的单位", "Returned without ground"),
                "several",
                source="parties",
                required=False,
                read=lines,
            ),
            reason(longest=4000),
        ),
    ),
    Act(
        "co-units",
        "routing",
        Bilingual("增加协办单位", "Add a co-unit"),
        (
            Field("unit", Bilingual("协办单位", "Co-unit"), "choice", source="units"),
            Field("task", Bilingual("协办事项", "Its part"), "text", longest=2000),
        ),
    ),
    Act(
        "co-units/report",
        "routing",
        Bilingual("协办反馈", "Report as co-unit"),
        (Field("report", Bilingual("协办情况", "What was done"), "text", longest=4000),),
    ),
)
