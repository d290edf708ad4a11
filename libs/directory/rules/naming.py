"""How ids, codes and instants of the directory are said to people, Chinese and English. Pure: no I/O, no clock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from libs.directory.facts.view import View
from libs.events.errors import NotFound

SHANGHAI = ZoneInfo("Asia/Shanghai")


class Said(NamedTuple):
    """The same thing in both languages."""

    zh: str
    en: str


CODES: Mapping[str, Said] = {
    "U1": Said("特急", "U1"),
    "U2": Said("紧急", "U2"),
    "U3": Said("一般", "U3"),
    "U4": Said("复杂", "U4"),
    "dispatch": Said("派遣时限", "dispatch limit"),
    "sign": Said("签收时限", "sign limit"),
    "handling": Said("办理时限", "handling limit"),
    "rework": Said("重办时限", "rework limit"),
    "overall": Said("总时限", "overall limit"),
    "response": Said("督办回应时限", "limit of the supervision answer"),
    "return_decision": Said("退单审核时限", "limit of the return decision"),
    "arbitration": Said("裁定时限", "arbitration limit"),
    "consult": Said("咨询", "question"),
    "help": Said("求助", "request for help"),
    "complaint": Said("投诉", "complaint"),
    "report": Said("举报", "report"),
    "suggestion": Said("建议", "suggestion"),
    "praise": Said("表扬", "praise"),
    "grid_livelihood": Said("网格民生", "grid, livelihood"),
    "grid_safety": Said("网格安全", "grid, safety"),
    "grid_dispute": Said("网格纠纷", "grid, dispute"),
    "city_management": Said("城市管理", "city management"),
    "phone": Said("电话", "phone"),
    "web": Said("网页", "web"),
    "counter": Said("窗口", "counter"),
    "app": Said("应用", "app"),
    "wechat": Said("微信", "WeChat"),
    "mail": Said("来信", "mail"),
    "visit": Said("来访", "visit"),
    "grid": Said("网格", "grid"),
    "import": Said("导入", "import"),
    "NAMED": Said("实名", "named"),
    "ANONYMOUS": Said("匿名", "anonymous"),
    "return": Said("退单", "return"),
    "feedback": Said("反馈", "feedback"),
    "SOLVED": Said("已解决", "solved"),
    "EXPLAINED": Said("已解释", "explained"),
    "PARTLY": Said("部分解决", "partly solved"),
    "HANDLED": Said("已办结", "handled"),
    "FORCED": Said("强制结案", "forced"),
    "VERIFYING": Said("待核实", "verification"),
    "CALLBACK": Said("待回访", "call-back"),
    "CLOSING": Said("待结案", "closing"),
    "SATISFIED": Said("满意", "satisfied"),
    "BASICALLY": Said("基本满意", "basically satisfied"),
    "DISSATISFIED": Said("不满意", "dissatisfied"),
    "reporter": Said("诉求人信息", "the reporter's data"),
    "case": Said("案件内容", "the case's texts"),
    "NO_RECIPIENT": Said("无人任此岗位", "nobody holds the post"),
    "NO_REPORTER": Said("巡查发现, 无诉求人", "found on patrol, no reporter"),
    "ERASED": Said("个人信息已清除", "personal data erased"),
    "NOT_ALLOWED": Said("无权知悉此案", "may not see the case"),
    "UNDELIVERABLE": Said("多次投递失败", "every try failed"),
    "NO_CONTACT": Said("无此渠道的联系方式", "no address for the channel"),
    "OBSOLETE": Said("等待期间已不再需要", "overtaken while it waited"),
    "COVERED": Said("已由同类案件的合并告知说明", "said by the one message of a mass incident"),
    "webhook": Said("系统推送", "webhook"),
    "email": Said("电子邮件", "e-mail"),
    "sms": Said("短信", "SMS"),
    "CITIZEN": Said("诉求人", "the citizen"),
    "RET-3": Said("第三次退单", "third return"),
    "DISPUTED": Said("职责有争议", "disputed"),
    "SILENCE": Said("逾期未决定", "nobody decided in time"),
    "auto": Said("自动派遣", "at once"),
    "confirm": Said("待分办员确认", "after confirmation"),
    "system": Said("系统", "the system"),
    "SYSTEM": Said("系统", "the system"),
    "GRID_REPORT": Said("网格巡查发现", "found on patrol"),
    "CLASS_EXEMPT": Said("此类事项免回访", "class without call-back"),
    "REPORTER_LEFT": Said("诉求人已退出", "the reporter has left"),
    "file": Said("文件", "file"),
    "real": Said("实时", "real"),
    "manual": Said("手动", "set by hand"),
}
NOTICES: Mapping[str, Said] = {
    "registered": Said("新案件待派遣", "a case to dispatch"),
    "dispatched": Said("新工单", "new work order"),
    "assigned": Said("请其经办", "to handle the case"),
    "feedback": Said("反馈待审核", "feedback to review"),
    "cancelled": Said("工单撤销", "work order cancelled"),
    "rejected": Said("反馈被退回", "feedback rejected"),
    "rework": Said("重办", "rework"),
    "verify": Said("请其核实", "to verify on site"),
    "warned": Said("到期提醒", "due soon"),
    "breached": Said("超期", "overdue"),
    "urged": Said("催办", "urged"),
    "escalated": Said("督办升级", "escalated"),
    "supervised": Said("督办单", "supervision order"),
    "violation": Said("违反巡办分离", "separation broken"),
    "closed": Said("已办结", "closed"),
    "not_accepted": Said("不予受理", "not accepted"),
    "pressed": Said("催办", "urged"),
    "return_requested": Said("退单待审核", "return to decide"),
    "endorse": Said("待审签", "to endorse"),
    "endorsement_refused": Said("未予审签", "not endorsed"),
    "return_approved": Said("退单已同意", "return approved"),
    "return_rejected": Said("退单未获同意", "return refused"),
    "arbitration": Said("会商裁定", "arbitration"),
    "deciding_unit": Said("正在确定承办单位", "the responsible unit is being determined"),
    "ruled": Said("裁定结果", "ruling"),
    "co_unit": Said("协办任务", "to help"),
    "co_reported": Said("协办已反馈", "a co-unit has reported"),
    "corrected": Said("案件信息更正", "case corrected"),
    "withdrawn": Said("撤诉已登记", "withdrawal recorded"),
    "continued": Said("撤诉已登记", "withdrawal recorded"),
    "reporter_left": Said("诉求人已退出", "the reporter has left"),
    "restored": Said("撤诉已撤回", "withdrawal taken back"),
    "answered": Said("您咨询的事项已答复", "your question is answered"),
}
"""Templates of notify, by what they say."""
ROLES: Mapping[str, Said] = {
    "OPERATOR": Said("受理员", "operator"),
    "DISPATCHER": Said("分办员", "dispatcher"),
    "REVIEWER": Said("审核员", "reviewer"),
    "CALLBACK_AGENT": Said("回访员", "call-back agent"),
    "GRID_WORKER": Said("网格员", "grid worker"),
    "GRID_LEADER": Said("网格长", "grid leader"),
    "DEPT_CLERK": Said("承办单位联络员", "clerk of the unit"),
    "DEPT_HANDLER": Said("经办人", "handler"),
    "DEPT_LEADER": Said("承办单位负责人", "leader of the unit"),
    "ARBITER": Said("裁定人", "arbiter"),
    "SUPERVISOR": Said("督办员", "supervisor"),
    "TOWN_COORDINATOR": Said("镇街统筹", "town coordinator"),
    "POLICE_LIAISON": Said("110 联络员", "police liaison"),
    "AUDITOR": Said("审计员", "auditor"),
    "ADMIN": Said("管理员", "administrator"),
}


@dataclass(frozen=True)
class Naming:
    """Names as one version of the directory has them; an id that it does not know is said as it is."""

    view: View

    @cached_property
    def zone(self) -> ZoneInfo:
        """The rulebook's time zone."""
        try:
            return ZoneInfo(self.view.rulebook.clock.tz)
        except NotFound:
            return SHANGHAI

    def person(self, person: str) -> Said:
        """Name and id of somebody on duty; reporters have no id."""
        return _with_id(self.view.person(person), person)

    def unit(self, unit: str) -> Said:
        """Name of a unit."""
        return _named(self.view.unit(unit), unit)

    def grid(self, code: str) -> Said:
        """Name of a grid."""
        return _named(self.view.grid(code), code)

    def matter(self, code: str) -> Said:
        """Name of a class of matter."""
        return _named(self.view.catalogue(code), code)

    def recipient(self, recipient: str) -> Said:
        """Whom a message is for: `person:<id>`, `unit:<id>`, `role:<code>` or `reporter`."""
        kind, _, key = recipient.partition(":")
        match kind:
            case "person":
                return self.person(key)
            case "unit":
                return self.unit(key)
            case "role":
                return code(key)
            case _:
                return Said("诉求人", "the reporter")

    def moment(self, at: datetime) -> str:
        """An instant in local time, to the second."""
        return f"{at.astimezone(self.zone):%Y-%m-%d %H:%M:%S}"

    def due(self, at: datetime) -> str:
        """A due instant in local time; midnight is 24:00 of the day that it ends (rulebook.md CLK-04)."""
        local = at.astimezone(self.zone)
        if (local.hour, local.minute, local.second) == (0, 0, 0):
            return f"{local - timedelta(days=1):%Y-%m-%d} 24:00"
        return f"{local:%Y-%m-%d %H:%M}"


def code(value: str) -> Said:
    """A code in words, where there are any."""
    return CODES.get(value) or ROLES.get(value) or Said(value, value)


def _named(known: Any, key: str) -> Said:
    return Said(known.name_zh, known.name_en) if known else Said(key, key)


def _with_id(known: Any, key: str) -> Said:
    if known is None:
        return code(key)
    return Said(f"{known.name_zh}({key})", f"{known.name_en} ({key})")
