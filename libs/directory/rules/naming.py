"""How ids, codes and instants of the directory are said to people, Chinese and English. Pure: no I/O, no clock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from libs.directory.facts.view import Ending, View
from libs.events.errors import NotFound

SHANGHAI = ZoneInfo("Asia/Shanghai")


class Bilingual(NamedTuple):
    """The same thing in both languages."""

    zh: str
    en: str


CODES: Mapping[str, Bilingual] = {
    "same_case": Bilingual("并入其中一件", "add it to one of them"),
    "new_case": Bilingual("另立一件", "open a new one"),
    "U1": Bilingual("特急", "U1"),
    "U2": Bilingual("紧急", "U2"),
    "U3": Bilingual("一般", "U3"),
    "U4": Bilingual("复杂", "U4"),
    "dispatch": Bilingual("派遣时限", "dispatch limit"),
    "sign": Bilingual("签收时限", "sign limit"),
    "first_contact": Bilingual("首次联系时限", "limit of the first contact"),
    "handling": Bilingual("办理时限", "handling limit"),
    "rework": Bilingual("重办时限", "rework limit"),
    "overall": Bilingual("总时限", "overall limit"),
    "return_decision": Bilingual("退单审核时限", "limit of the return decision"),
    "arbitration": Bilingual("裁定时限", "arbitration limit"),
    "review": Bilingual("审核时限", "review limit"),
    "verification": Bilingual("核实时限", "verification limit"),
    "callback": Bilingual("回访时限", "call-back limit"),
    "close": Bilingual("结案时限", "closing limit"),
    "response": Bilingual("督办回应时限", "limit of the supervision answer"),
    "consult": Bilingual("咨询", "question"),
    "help": Bilingual("求助", "request for help"),
    "complaint": Bilingual("投诉", "complaint"),
    "report": Bilingual("举报", "report"),
    "suggestion": Bilingual("建议", "suggestion"),
    "praise": Bilingual("表扬", "praise"),
    "grid_livelihood": Bilingual("网格民生", "grid, livelihood"),
    "grid_safety": Bilingual("网格安全", "grid, safety"),
    "grid_dispute": Bilingual("网格纠纷", "grid, dispute"),
    "city_management": Bilingual("城市管理", "city management"),
    "phone": Bilingual("电话", "phone"),
    "web": Bilingual("网页", "web"),
    "counter": Bilingual("窗口", "counter"),
    "app": Bilingual("应用", "app"),
    "wechat": Bilingual("微信", "WeChat"),
    "mail": Bilingual("来信", "mail"),
    "visit": Bilingual("来访", "visit"),
    "grid": Bilingual("网格", "grid"),
    "import": Bilingual("导入", "import"),
    "OTHER_OBJECT": Bilingual("另一处", "another object"),
    "OTHER_MATTER": Bilingual("另一件事", "another matter"),
    "OTHER_CALLER": Bilingual("他人使用同一电话", "another caller, the same telephone"),
    "NEW_FACTS": Bilingual("新情况", "new facts"),
    "NAMED": Bilingual("实名", "named"),
    "ANONYMOUS": Bilingual("匿名", "anonymous"),
    "return": Bilingual("退单", "return"),
    "feedback": Bilingual("反馈", "feedback"),
    "SOLVED": Bilingual("已解决", "solved"),
    "EXPLAINED": Bilingual("已解释", "explained"),
    "PARTLY": Bilingual("部分解决", "partly solved"),
    "HANDLED": Bilingual("已办结", "handled"),
    "IMPORTED": Bilingual("来源系统办结", "closed where it came from"),
    "FORCED": Bilingual("强制结案", "forced"),
    "VERIFYING": Bilingual("待核实", "verification"),
    "CALLBACK": Bilingual("待回访", "call-back"),
    "CLOSING": Bilingual("待结案", "closing"),
    "SATISFIED": Bilingual("满意", "satisfied"),
    "BASICALLY": Bilingual("基本满意", "basically satisfied"),
    "DISSATISFIED": Bilingual("不满意", "dissatisfied"),
    "reporter": Bilingual("诉求人信息", "the reporter's data"),
    "case": Bilingual("案件内容", "the case's texts"),
    "NO_RECIPIENT": Bilingual("无人任此岗位", "nobody holds the post"),
    "NO_REPORTER": Bilingual("巡查发现, 无诉求人", "found on patrol, no reporter"),
    "ERASED": Bilingual("个人信息已清除", "personal data erased"),
    "NOT_ALLOWED": Bilingual("无权知悉此案", "may not see the case"),
    "UNDELIVERABLE": Bilingual("多次投递失败", "every try failed"),
    "NO_CONTACT": Bilingual("无此渠道的联系方式", "no address for the channel"),
    "OBSOLETE": Bilingual("等待期间已不再需要", "overtaken while it waited"),
    "COVERED": Bilingual("已由同类案件的合并告知说明", "said by the one message of a mass incident"),
    "webhook": Bilingual("系统推送", "webhook"),
    "email": Bilingual("电子邮件", "e-mail"),
    "sms": Bilingual("短信", "SMS"),
    "NOT_REGISTERED": Bilingual("久未立案", "not registered"),
    "NO_UNIT": Bilingual("无承办单位", "no unit"),
    "UNIT_ENDED": Bilingual("单位已撤并", "its unit has ended"),
    "UNIT_VACANT": Bilingual("单位无人任职", "nobody in the unit"),
    "NO_CLOCK": Bilingual("无时限", "no clock"),
    "NO_STEP": Bilingual("久无进展", "no step for long"),
    "CITIZEN": Bilingual("诉求人", "the citizen"),
    "RET-3": Bilingual("第三次退单", "third return"),
    "DISPUTED": Bilingual("职责有争议", "disputed"),
    "SILENCE": Bilingual("逾期未决定", "nobody decided in time"),
    "VACANT": Bilingual("承办单位无人任职", "nobody holds a post in its unit"),
    "auto": Bilingual("自动派遣", "at once"),
    "confirm": Bilingual("待分办员确认", "after confirmation"),
    "system": Bilingual("系统", "the system"),
    "SYSTEM": Bilingual("系统", "the system"),
    "GRID_REPORT": Bilingual("网格巡查发现", "found on patrol"),
    "CLASS_EXEMPT": Bilingual("此类事项免回访", "class without call-back"),
    "REPORTER_LEFT": Bilingual("诉求人已退出", "the reporter has left"),
    "file": Bilingual("文件", "file"),
    "real": Bilingual("实时", "real"),
    "manual": Bilingual("手动", "set by hand"),
}
NOTICES: Mapping[str, Bilingual] = {
    "registered": Bilingual("新案件待派遣", "a case to dispatch"),
    "dispatched": Bilingual("新工单", "new work order"),
    "assigned": Bilingual("请其经办", "to handle the case"),
    "feedback": Bilingual("反馈待审核", "feedback to review"),
    "cancelled": Bilingual("工单撤销", "work order cancelled"),
    "relieved": Bilingual("不再由其办理", "relieved of it"),
    "rejected": Bilingual("反馈被退回", "feedback rejected"),
    "rework": Bilingual("重办", "rework"),
    "verify": Bilingual("请其核实", "to verify on site"),
    "warned": Bilingual("到期提醒", "due soon"),
    "breached": Bilingual("超期", "overdue"),
    "urged": Bilingual("催办", "urged"),
    "escalated": Bilingual("督办升级", "escalated"),
    "left_alone": Bilingual("久无人过问", "left alone"),
    "supervised": Bilingual("督办单", "supervision order"),
    "violation": Bilingual("违反巡办分离", "separation broken"),
    "closed": Bilingual("已办结", "closed"),
    "not_accepted": Bilingual("不予受理", "not accepted"),
    "pressed": Bilingual("催办", "urged"),
    "return_requested": Bilingual("退单待审核", "return to decide"),
    "endorse": Bilingual("待审签", "to endorse"),
    "endorsement_refused": Bilingual("未予审签", "not endorsed"),
    "return_approved": Bilingual("退单已同意", "return approved"),
    "return_rejected": Bilingual("退单未获同意", "return refused"),
    "arbitration": Bilingual("会商裁定", "arbitration"),
    "deciding_unit": Bilingual("正在确定承办单位", "the responsible unit is being determined"),
    "ruled": Bilingual("裁定结果", "ruling"),
    "co_unit": Bilingual("协办任务", "to help"),
    "passed_on": Bilingual("承接工单", "a work order taken over"),
    "left_by_unit": Bilingual("承办单位已撤并, 待派遣", "its unit has ended: to dispatch"),
    "co_unit_left": Bilingual("协办单位已撤并", "a co-unit has ended"),
    "co_reported": Bilingual("协办已反馈", "a co-unit has reported"),
    "corrected": Bilingual("案件信息更正", "case corrected"),
    "withdrawn": Bilingual("撤诉已登记", "withdrawal recorded"),
    "continued": Bilingual("撤诉已登记", "withdrawal recorded"),
    "reporter_left": Bilingual("诉求人已退出", "the reporter has left"),
    "restored": Bilingual("撤诉已撤回", "withdrawal taken back"),
    "answered": Bilingual("您咨询的事项已答复", "your question is answered"),
    "draft_waiting": Bilingual("目录草案待发布", "a draft waits to be published"),
    "draft_published": Bilingual("目录草案已发布", "a draft was published"),
    "draft_withdrawn": Bilingual("目录草案已撤回", "a draft was taken back"),
}
"""Templates of notify, by what they say."""
ROLES: Mapping[str, Bilingual] = {
    "OPERATOR": Bilingual("受理员", "operator"),
    "DISPATCHER": Bilingual("分办员", "dispatcher"),
    "REVIEWER": Bilingual("审核员", "reviewer"),
    "CALLBACK_AGENT": Bilingual("回访员", "call-back agent"),
    "GRID_WORKER": Bilingual("网格员", "grid worker"),
    "GRID_LEADER": Bilingual("网格长", "grid leader"),
    "DEPT_CLERK": Bilingual("承办单位联络员", "clerk of the unit"),
    "DEPT_HANDLER": Bilingual("经办人", "handler"),
    "DEPT_LEADER": Bilingual("承办单位负责人", "leader of the unit"),
    "ARBITER": Bilingual("裁定人", "arbiter"),
    "SUPERVISOR": Bilingual("督办员", "supervisor"),
    "TOWN_COORDINATOR": Bilingual("镇街统筹", "town coordinator"),
    "POLICE_LIAISON": Bilingual("110 联络员", "police liaison"),
    "AUDITOR": Bilingual("审计员", "auditor"),
    "ADMIN": Bilingual("管理员", "administrator"),
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

    def person(self, person: str) -> Bilingual:
        """Name and id of somebody on duty; reporters have no id."""
        return _with_id(self.view.person(person), person)

    def unit(self, unit: str) -> Bilingual:
        """Name of a unit; of one that ends also its last day, and what succeeds it (SUC-4)."""
        known = self.view.unit(unit)
        return self._ending(known, self.view.unit(known.succeeded_by or "")) if known else Bilingual(unit, unit)

    def grid(self, code: str) -> Bilingual:
        """Name of a grid; of one that ends as of a unit."""
        known = self.view.grid(code)
        return self._ending(known, self.view.grid(known.succeeded_by or "")) if known else Bilingual(code, code)

    def matter(self, code: str) -> Bilingual:
        """Name of a class of matter; of one that ends as of a unit."""
        known = self.view.catalogue(code)
        return self._ending(known, self.view.catalogue(known.succeeded_by or "")) if known else Bilingual(code, code)

    def last_day(self, until: datetime | None) -> str:
        """A term ends at midnight after its last day, local time; empty where it has no end."""
        if until is None:
            return ""
        return (until - timedelta(microseconds=1)).astimezone(self.zone).date().isoformat()

    def _ending(self, known: Ending, heir: Ending | None) -> Bilingual:
        """Its own name for ever, and beside it until when it was so and what it became."""
        if known.until is None:
            return Bilingual(known.name_zh, known.name_en)
        day = self.last_day(known.until)
        zh, en = (f", 后为{heir.name_zh}", f", then {heir.name_en}") if heir else ("", "")
        return Bilingual(f"{known.name_zh}(至 {day}{zh})", f"{known.name_en} (until {day}{en})")

    def recipient(self, recipient: str) -> Bilingual:
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
                return Bilingual("诉求人", "the reporter")

    def moment(self, at: datetime) -> str:
        """An instant in local time, to the second."""
        return f"{at.astimezone(self.zone):%Y-%m-%d %H:%M:%S}"

    def due(self, at: datetime) -> str:
        """A due instant in local time; midnight is 24:00 of the day that it ends (rulebook.md CLK-04)."""
        local = at.astimezone(self.zone)
        if (local.hour, local.minute, local.second) == (0, 0, 0):
            return f"{local - timedelta(days=1):%Y-%m-%d} 24:00"
        return f"{local:%Y-%m-%d %H:%M}"


def code(value: str) -> Bilingual:
    """A code in words, where there are any."""
    return CODES.get(value) or ROLES.get(value) or Bilingual(value, value)


def _with_id(known: Any, key: str) -> Bilingual:
    if known is None:
        return code(key)
    return Bilingual(f"{known.name_zh}({key})", f"{known.name_en} ({key})")
