"""Every act that the page offers, as the services' endpoints take it; who may do what is theirs to say. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from libs.directory.naming import Said
from services.console.acts import Act, Field, Option, coded

YES_NO: tuple[Option, ...] = (("true", Said("是", "yes")), ("false", Said("否", "no")))
LEVELS: tuple[Option, ...] = (("1", Said("L1 催办", "L1 reminder")), ("2", Said("L2 督办", "L2 order")))


def yes(text: str) -> bool:
    """A choice between yes and no."""
    return text == "true"


def reason(label_zh: str = "理由", label_en: str = "Reason", *, required: bool = True) -> Field:
    """Why."""
    return Field("reason", Said(label_zh, label_en), "text", required=required)


URGENCIES = coded("U3", "U1", "U2", "U4")
PHONE = Field("phone", Said("来电号码", "Number he calls from"), longest=40)
REACHED = Field("reached", Said("是否接通", "Reached"), "choice", YES_NO, read=yes)
NOT_ACCEPTED: tuple[Option, ...] = (
    ("NOT_GOVERNMENT", Said("不属本级政府职责", "not this government's duty")),
    ("EMERGENCY_LINE", Said("应拨打 110/119/120/122", "for 110, 119, 120 or 122")),
    ("OTHER_POWER", Said("属党委、人大、法院、检察院、军队职责", "for party, congress, court, procuratorate or army")),
    ("LEGAL_PROCEDURE", Said("应通过诉讼、仲裁、复议解决", "for litigation, arbitration or review")),
    ("IN_PROCEDURE", Said("已进入法定程序", "in such a procedure already")),
    ("SECRET", Said("涉及秘密或隐私", "secret or private")),
    ("SAME_MATTER", Said("同一事项正在办理", "the same matter is being handled")),
    ("NO_REAL_CONTENT", Said("无实质内容", "no real content")),
    ("OTHER", Said("其他", "other")),
)
"""The nine reasons of domain.md c.5, in its order."""
ACTS: tuple[Act, ...] = (
    Act(
        "register",
        "intake",
        Said("立案", "Register"),
        (
            Field("class_code", Said("事项", "Class"), "choice", source="classes"),
            Field("urgency", Said("紧急程度", "Urgency"), "choice", URGENCIES),
            Field(
                "filing_condition", Said("立案条件", "Filing condition"), "choice", source="conditions", required=False
            ),
        ),
    ),
    Act(
        "reject",
        "intake",
        Said("不予受理", "Do not accept"),
        (
            Field("reason_code", Said("原因", "Reason"), "choice", NOT_ACCEPTED),
            Field("legal_basis", Said("依据", "Legal basis"), longest=300),
            Field("alternative", Said("告知的其他途径", "Where to go instead"), longest=300),
        ),
    ),
    Act(
        "answer",
        "intake",
        Said("直接答复办结", "Answer directly"),
        (
            Field("knowledge_entry", Said("知识库条目", "Knowledge entry"), longest=64),
            Field("reply", Said("答复", "Reply"), "text", longest=4000),
        ),
    ),
    Act(
        "correct",
        "intake",
        Said("更正", "Correct"),
        (
            Field("class_code", Said("事项", "Class"), "choice", source="classes", required=False),
            Field("urgency", Said("紧急程度", "Urgency"), "choice", URGENCIES, required=False),
            Field(
                "filing_condition", Said("立案条件", "Filing condition"), "choice", source="conditions", required=False
            ),
            Field("content", Said("诉求内容", "What is wrong"), "text", longest=4000, required=False),
            reason(),
        ),
        Said("只填要更正的内容", "fill in only what is to be corrected"),
    ),
    Act("withdraw", "intake", Said("撤诉", "Withdraw"), (PHONE, reason(required=False))),
    Act("restore", "intake", Said("撤诉恢复", "Take the withdrawal back"), (PHONE,)),
    Act("void", "intake", Said("作废", "Void"), (reason(),)),
    Act(
        "dispatch",
        "routing",
        Said("派遣", "Dispatch"),
        (
            Field("unit", Said("改派其他单位", "Another unit"), "choice", source="units", required=False),
            Field(
                "override_reason",
                Said("改派理由", "Reason for another unit"),
                "text",
                required=False,
            ),
        ),
        Said("不选单位即按建议派遣", "without a unit it goes where it is proposed"),
    ),
    Act("accept", "routing", Said("签收", "Sign")),
    Act(
        "assign",
        "routing",
        Said("指定经办人", "Assign the handler"),
        (Field("handler", Said("经办人", "Handler"), "choice", source="handlers"),),
    ),
    Act(
        "contact",
        "routing",
        Said("联系诉求人", "Call the reporter"),
        (REACHED, Field("note", Said("通话记录", "Note"), "text", required=False, longest=1000)),
    ),
    Act(
        "progress",
        "routing",
        Said("记录进展", "Record progress"),
        (Field("note", Said("进展", "Progress"), "text", longest=2000),),
    ),
    Act(
        "feedback",
        "routing",
        Said("反馈", "Submit feedback"),
        (
            Field("result", Said("结果", "Result"), "choice", coded("SOLVED", "EXPLAINED", "PARTLY")),
            Field("reply", Said("给诉求人的答复", "Reply to the reporter"), "text", longest=4000),
        ),
    ),
    Act(
        "return",
        "routing",
        Said("申请退单", "Ask to return the case"),
        (
            Field("basis", Said("依据", "Basis"), longest=300),
            Field("suggested_unit", Said("应由哪个单位办理", "Unit responsible"), "choice", source="units"),
            reason(required=False),
        ),
    ),
    Act("return/approve", "routing", Said("同意退单", "Approve the return"), (reason(required=False),)),
    Act("return/reject", "routing", Said("不同意退单", "Reject the return"), (reason(),)),
    Act("arbitration", "routing", Said("提请会商裁定", "Open an arbitration")),
    Act(
        "arbitration/rule",
        "routing",
        Said("裁定", "Rule"),
        (Field("unit", Said("承办单位", "Unit"), "choice", source="units"), reason()),
    ),
    Act(
        "co-units",
        "routing",
        Said("增加协办单位", "Add a co-unit"),
        (
            Field("unit", Said("协办单位", "Co-unit"), "choice", source="units"),
            Field("task", Said("协办事项", "Its part"), "text", longest=2000),
        ),
    ),
    Act(
        "co-units/report",
        "routing",
        Said("协办反馈", "Report as co-unit"),
        (Field("report", Said("协办情况", "What was done"), "text", longest=4000),),
    ),
    Act(
        "review",
        "supervision",
        Said("审核反馈", "Review the feedback"),
        (
            Field("accepted", Said("是否通过", "Accept"), "choice", YES_NO, read=yes),
            reason("退回理由", "Reason to send back", required=False),
        ),
    ),
    Act(
        "verification",
        "supervision",
        Said("指派核实", "Ask somebody to verify"),
        (Field("verifier", Said("核实人", "Verifier"), "choice", source="verifiers"),),
    ),
    Act(
        "callback",
        "supervision",
        Said("回访", "Call back"),
        (
            REACHED,
            Field("contacted", Said("承办单位是否联系过", "Unit called"), "choice", YES_NO, required=False, read=yes),
            Field("solved", Said("是否解决", "Solved"), "choice", YES_NO, required=False, read=yes),
            Field(
                "satisfaction",
                Said("满意度", "Satisfaction"),
                "choice",
                coded("SATISFIED", "BASICALLY", "DISSATISFIED"),
                required=False,
            ),
            Field("remark", Said("备注", "Remark"), "text", required=False),
        ),
    ),
    Act(
        "close",
        "supervision",
        Said("结案", "Close"),
        (Field("close_kind", Said("结案方式", "How it ended"), "choice", coded("HANDLED", "EXPLAINED")),),
    ),
    Act("rework", "supervision", Said("重办", "Order rework"), (reason(),)),
    Act(
        "supervision",
        "supervision",
        Said("下达督办", "Issue a supervision order"),
        (
            Field("level", Said("级别", "Level"), "choice", LEVELS, read=int),
            Field("order", Said("督办要求", "Order"), "text", longest=2000),
        ),
    ),
    Act(
        "supervision/response",
        "supervision",
        Said("回应督办", "Answer the supervision"),
        (Field("plan", Said("整改计划", "Plan"), "text", longest=2000),),
    ),
    Act("supervision/lift", "supervision", Said("解除督办", "Lift supervision"), (reason(),)),
)
BY_NAME: Mapping[str, Act] = {act.name: act for act in ACTS}
