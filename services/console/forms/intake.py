"""What is done at the reception desk, as intake's endpoints take it. Pure."""

from __future__ import annotations

from libs.directory.rules.naming import Bilingual
from services.console.forms.act import PHOTOS, Act, Field, Option, coded, degrees, lines, reason

URGENCIES = coded("U3", "U1", "U2", "U4")
CHANNELS = coded("phone", "web", "counter", "app", "wechat", "mail", "visit")
KINDS = coded("help", "complaint", "consult", "report", "suggestion", "praise")
NEW_CASE = coded("OTHER_OBJECT", "OTHER_MATTER", "OTHER_CALLER", "NEW_FACTS")
"""Why the caller's open case does not take this call."""
PURPOSES: tuple[Option, ...] = (
    ("CALL_BACK", Bilingual("回访", "calling back")),
    ("ASK_DETAILS", Bilingual("补充了解情况", "asking for details")),
    ("TAKE_CALL", Bilingual("受话识别", "recognising the caller")),
    ("EMERGENCY", Bilingual("紧急救助", "an emergency")),
    ("LAW", Bilingual("依法查询", "a legal inquiry")),
)
"""For which a reporter's identity may be read; recorded with whoever read it."""
TO_CONTACT: tuple[Option, ...] = (("CONTACT", Bilingual("办理联系", "calling him about the work")),)
"""For which a handler reads it."""
PHONE = Field("phone", Bilingual("来电号码", "Number he calls from"), longest=100)
NOT_ACCEPTED: tuple[Option, ...] = (
    ("NOT_GOVERNMENT", Bilingual("不属本级政府职责", "not this government's duty")),
    ("EMERGENCY_LINE", Bilingual("应拨打 110/119/120/122", "for 110, 119, 120 or 122")),
    (
        "OTHER_POWER",
        Bilingual("属党委、人大、法院、检察院、军队职责", "for party, congress, court, procuratorate or army"),
    ),
    ("LEGAL_PROCEDURE", Bilingual("应通过诉讼、仲裁、复议解决", "for litigation, arbitration or review")),
    ("IN_PROCEDURE", Bilingual("已进入法定程序", "in such a procedure already")),
    ("SECRET", Bilingual("涉及秘密或隐私", "secret or private")),
    ("SAME_MATTER", Bilingual("同一事项正在办理", "the same matter is being handled")),
    ("NO_REAL_CONTENT", Bilingual("无实质内容", "no real content")),
    ("OTHER", Bilingual("其他", "other")),
)
"""The nine reasons of rulebook.md c.5, in its order."""
ON_PATROL = coded("city_management", "grid_livelihood", "grid_safety", "grid_dispute")
REPORT = Act(
    "grid-reports",
    "intake",
    Bilingual("上报", "Report"),
    (
        Field("kind", Bilingual("类型", "Kind"), "choice", ON_PATROL),
        Field("class_code", Bilingual("事项", "Class"), "choice", source="classes"),
        Field("content", Bilingual("现场情况", "What you saw"), "text", longest=4000),
        Field("place.longitude", Bilingual("经度", "Longitude"), "degrees", longest=14, read=degrees),
        Field("place.latitude", Bilingual("纬度", "Latitude"), "degrees", longest=14, read=degrees),
        Field("place.address", Bilingual("详细地址", "Address"), longest=300, required=False),
        Field("out_of_grid_reason", Bilingual("跨网格原因", "Why outside the own grid"), required=False),
        PHOTOS,
    ),
    Bilingual("须在现场定位, 并至少附一张照片", "at the place, with at least one photo"),
)
"""What a grid worker finds on patrol; it opens a case of its own."""
GROUNDS: tuple[Option, ...] = (
    ("PURPOSE_ACHIEVED", Bilingual("处理目的已实现", "the purpose is achieved")),
    ("RETENTION_EXPIRED", Bilingual("保存期限已届满", "the time of keeping is over")),
    ("CONSENT_WITHDRAWN", Bilingual("个人撤回同意", "consent was withdrawn")),
    ("UNLAWFUL_PROCESSING", Bilingual("处理违反法律或约定", "the processing was unlawful")),
    ("OTHER_LAW", Bilingual("法律、行政法规规定的其他情形", "another case that the law names")),
)
"""个人信息保护法 art. 47."""
ACTS: tuple[Act, ...] = (
    Act(
        "register",
        "intake",
        Bilingual("立案", "Register"),
        (
            Field("class_code", Bilingual("事项", "Class"), "choice", source="classes"),
            Field("urgency", Bilingual("紧急程度", "Urgency"), "choice", URGENCIES),
            Field(
                "filing_condition",
                Bilingual("立案条件", "Filing condition"),
                "choice",
                source="conditions",
                required=False,
            ),
        ),
    ),
    Act(
        "reject",
        "intake",
        Bilingual("不予受理", "Do not accept"),
        (
            Field("reason_code", Bilingual("原因", "Reason"), "choice", NOT_ACCEPTED),
            Field("legal_basis", Bilingual("依据", "Legal basis"), longest=300),
            Field("alternative", Bilingual("告知的其他途径", "Where to go instead"), longest=300),
        ),
    ),
    Act(
        "answer",
        "intake",
        Bilingual("直接答复办结", "Answer directly"),
        (
            Field("knowledge_entry", Bilingual("知识库条目", "Knowledge entry"), longest=64),
            Field("reply", Bilingual("答复", "Reply"), "text", longest=4000),
        ),
    ),
    Act(
        "correct",
        "intake",
        Bilingual("更正", "Correct"),
        (
            Field("kind", Bilingual("类型", "Kind"), "choice", KINDS, required=False),
            Field("class_code", Bilingual("事项", "Class"), "choice", source="classes", required=False),
            Field("urgency", Bilingual("紧急程度", "Urgency"), "choice", URGENCIES, required=False),
            Field(
                "filing_condition",
                Bilingual("立案条件", "Filing condition"),
                "choice",
                source="conditions",
                required=False,
            ),
            Field("place.grid", Bilingual("网格", "Grid"), "choice", source="grids", required=False),
            Field("place.address", Bilingual("详细地址", "Address"), longest=300, required=False),
            Field("content", Bilingual("诉求内容", "What is wrong"), "text", longest=4000, required=False),
            Field("reporter_name", Bilingual("诉求人姓名", "Reporter's name"), longest=100, required=False),
            Field("reporter_phone", Bilingual("诉求人电话", "Reporter's telephone"), longest=100, required=False),
            reason(),
        ),
        Bilingual("只填要更正的内容", "fill in only what is to be corrected"),
    ),
    Act("withdraw", "intake", Bilingual("撤诉", "Withdraw"), (PHONE, reason(required=False))),
    Act("restore", "intake", Bilingual("撤诉恢复", "Take the withdrawal back"), (PHONE,)),
    Act("void", "intake", Bilingual("作废", "Void"), (reason(),)),
    Act(
        "erase",
        "intake",
        Bilingual("清除个人信息", "Erase personal data"),
        (
            Field("kinds", Bilingual("清除哪些", "What is erased"), "several", coded("reporter", "case"), read=lines),
            Field("ground", Bilingual("法定事由", "Ground in law"), "choice", GROUNDS),
        ),
        Bilingual(
            "密钥将被销毁, 无法恢复; 案件经过和时限仍可查证",
            "the keys are destroyed for good; the course of the case stays",
        ),
        for_good=True,
    ),
    Act(
        "tell-apart",
        "intake",
        Bilingual("不是同一事项", "Not the same matter"),
        (
            Field("others", Bilingual("与哪些案件不同", "Than which cases"), "several", source="suspected", read=lines),
            Field("reason", Bilingual("不同之处", "How they differ"), "choice", NEW_CASE),
        ),
        Bilingual("疑似重复的案件将不再与本案列在一起", "they are no longer listed together as one matter"),
    ),
    Act(
        "repeat-contacts",
        "intake",
        Bilingual("并入并催办", "Same matter again"),
        (
            Field("channel", Bilingual("渠道", "Channel"), "choice", CHANNELS),
            Field("content", Bilingual("此次补充", "What he adds"), "text", longest=4000, required=False),
        ),
    ),
)
