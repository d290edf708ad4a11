"""What reviewer, verifier, call-back agent and supervisor do, as supervision's endpoints take it. Pure."""

from __future__ import annotations

from libs.directory.rules.naming import Bilingual
from services.console.forms.act import PHOTOS, REACHED, YES_NO, Act, Field, Option, coded, degrees, reason, yes

LEVELS: tuple[Option, ...] = (
    ("1", Bilingual("L1 催办", "L1 reminder")),
    ("2", Bilingual("L2 督办蓝单", "L2 blue order")),
    ("3", Bilingual("L3 督办橙单", "L3 orange order")),
    ("4", Bilingual("L4 督办红单 (通报、约谈)", "L4 red order")),
    ("5", Bilingual("L5 问责建议", "L5 proposal to hold to account")),
)
LOWER: tuple[Option, ...] = (("0", Bilingual("L0 全部解除", "L0 lifted altogether")), *LEVELS[:-1])
ACTS: tuple[Act, ...] = (
    Act(
        "review",
        "supervision",
        Bilingual("审核反馈", "Review the feedback"),
        (
            Field("accepted", Bilingual("是否通过", "Accept"), "choice", YES_NO, read=yes),
            reason("退回理由", "Reason to send back", required=False),
        ),
    ),
    Act(
        "verification",
        "supervision",
        Bilingual("指派核实", "Ask somebody to verify"),
        (Field("verifier", Bilingual("核实人", "Verifier"), "choice", source="verifiers"),),
    ),
    Act(
        "verification/result",
        "supervision",
        Bilingual("提交核实结果", "Report what you found"),
        (
            Field("passed", Bilingual("是否已办结", "Is it done"), "choice", YES_NO, read=yes),
            Field("longitude", Bilingual("经度", "Longitude"), "degrees", longest=14, read=degrees),
            Field("latitude", Bilingual("纬度", "Latitude"), "degrees", longest=14, read=degrees),
            Field("note", Bilingual("现场情况", "What you saw"), "text", required=False),
            PHOTOS,
        ),
        Bilingual("须在现场定位, 并至少附一张照片", "at the place, with at least one photo"),
    ),
    Act(
        "callback",
        "supervision",
        Bilingual("回访", "Call back"),
        (
            REACHED,
            Field(
                "contacted", Bilingual("承办单位是否联系过", "Unit called"), "choice", YES_NO, required=False, read=yes
            ),
            Field("solved", Bilingual("是否解决", "Solved"), "choice", YES_NO, required=False, read=yes),
            Field(
                "satisfaction",
                Bilingual("满意度", "Satisfaction"),
                "choice",
                coded("SATISFIED", "BASICALLY", "DISSATISFIED"),
                required=False,
            ),
            Field("remark", Bilingual("备注", "Remark"), "text", required=False),
        ),
    ),
    Act(
        "close",
        "supervision",
        Bilingual("结案", "Close"),
        (Field("close_kind", Bilingual("结案方式", "How it ended"), "choice", coded("HANDLED", "EXPLAINED")),),
    ),
    Act("rework", "supervision", Bilingual("重办", "Order rework"), (reason(),)),
    Act(
        "urge",
        "supervision",
        Bilingual("催办", "Urge"),
        (Field("note", Bilingual("催办内容", "Note"), "text", required=False),),
    ),
    Act(
        "supervision",
        "supervision",
        Bilingual("下达督办", "Issue a supervision order"),
        (
            Field("level", Bilingual("级别", "Level"), "choice", LEVELS, read=int),
            Field("order", Bilingual("督办要求", "Order"), "text", longest=2000),
        ),
        Bilingual("L4、L5 须逐级升级", "L4 and L5 follow the level below"),
    ),
    Act(
        "supervision/response",
        "supervision",
        Bilingual("回应督办", "Answer the supervision"),
        (Field("plan", Bilingual("整改计划", "Plan"), "text", longest=2000),),
    ),
    Act(
        "supervision/lift",
        "supervision",
        Bilingual("解除督办", "Lift supervision"),
        (Field("level", Bilingual("降至", "Down to"), "choice", LOWER, read=int), reason()),
        Bilingual("超期未消除的不能降级", "not while the case is overdue"),
    ),
)
