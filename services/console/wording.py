"""Codes in words where `libs/directory/rules/naming.py` has none: states, lamps, acts, clocks of the page. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from libs.directory.rules.naming import Bilingual, code

STATES: Mapping[str, Bilingual] = {
    "RECEIVED": Bilingual("已接收", "received"),
    "SCREENING": Bilingual("初审中", "screening"),
    "PRECHECK": Bilingual("待核查", "pre-check"),
    "REGISTERED": Bilingual("待派遣", "to be dispatched"),
    "DISPATCHED": Bilingual("待签收", "to be signed for"),
    "RETURN_PENDING": Bilingual("退单审核中", "return pending"),
    "ARBITRATION": Bilingual("裁定中", "arbitration"),
    "IN_PROGRESS": Bilingual("办理中", "in progress"),
    "SUSPENDED": Bilingual("挂账", "suspended"),
    "FEEDBACK": Bilingual("待审核", "to be reviewed"),
    "VERIFYING": Bilingual("待核实", "to be verified"),
    "CALLBACK": Bilingual("待回访", "to be called back"),
    "CLOSED": Bilingual("已办结", "closed"),
    "ARCHIVED": Bilingual("已归档", "archived"),
    "MERGED": Bilingual("已并案", "merged"),
    "NOT_ACCEPTED": Bilingual("不予受理", "not accepted"),
    "DIVERTED": Bilingual("已移交", "diverted"),
    "WITHDRAWN": Bilingual("已撤回", "withdrawn"),
    "VOID": Bilingual("作废", "void"),
}
"""rulebook.md c.1."""
LAMPS: Mapping[str, Bilingual] = {
    "GREEN": Bilingual("绿灯", "green"),
    "YELLOW": Bilingual("黄灯", "yellow"),
    "RED": Bilingual("红灯", "red"),
    "LONG_RED": Bilingual("长红", "long red"),
}
MORE: Mapping[str, Bilingual] = {
    "ON_TIME": Bilingual("按期", "on time"),
    "OVERDUE": Bilingual("超期", "overdue"),
    "RUNNING": Bilingual("计时中", "running"),
    "EXEMPT": Bilingual("豁免", "exempt"),
    "return_decision": Bilingual("退单审核时限", "limit to decide on the return"),
    "arbitration": Bilingual("裁定时限", "limit of the ruling"),
    "MACHINE": Bilingual("机器账号", "machine"),
    "photos": Bilingual("附上照片", "attach photos"),
    "attach a location and a photo": Bilingual("取定位并附照片", "attach a location and a photo"),
    "out_of_grid_reason": Bilingual("写明跨网格原因", "say why outside the own grid"),
    "unit": Bilingual("指定承办单位", "name a unit"),
    "override_reason": Bilingual("写明改派理由", "give a reason for the other unit"),
    "NO_UNIT": Bilingual("无承办单位", "no unit"),
    "UNIT_VACANT": Bilingual("单位无人任职", "nobody in the unit"),
    "NO_CLOCK": Bilingual("无时限", "no clock"),
    "NOT_REGISTERED": Bilingual("久未立案", "not registered"),
    "lead": Bilingual("主办", "lead"),
    "co": Bilingual("协办", "co-unit"),
    "APPROVED": Bilingual("同意", "approved"),
    "REJECTED": Bilingual("不同意", "rejected"),
    "OPEN": Bilingual("待回访", "open"),
    "intake": Bilingual("受理", "intake"),
    "routing": Bilingual("派遣", "routing"),
    "supervision": Bilingual("督办", "supervision"),
    "notify": Bilingual("告知", "notify"),
    "DUE": Bilingual("待发送", "to be sent"),
    "SENT": Bilingual("已送达", "sent"),
    "FAILED": Bilingual("发送失败, 将重试", "failed, to be tried again"),
    "DROPPED": Bilingual("未送达", "not sent"),
}
STEPS: Mapping[str, Bilingual] = {
    "appeal-received": Bilingual("接收诉求", "appeal received"),
    "grid-event-reported": Bilingual("网格上报", "reported on patrol"),
    "case-registered": Bilingual("立案", "registered"),
    "case-corrected": Bilingual("更正", "corrected"),
    "appeal-withdrawn": Bilingual("撤回诉求", "withdrawn"),
    "appeal-restored": Bilingual("恢复诉求", "restored"),
    "repeat-contact-received": Bilingual("再次来电", "called again"),
    "case-dispatched": Bilingual("派遣", "dispatched"),
    "assignment-accepted": Bilingual("签收", "signed for"),
    "assignment-deemed-accepted": Bilingual("视为签收", "held to have signed"),
    "handler-assigned": Bilingual("指定经办人", "handler assigned"),
    "citizen-contacted": Bilingual("联系诉求人", "reporter called"),
    "progress-recorded": Bilingual("记录进展", "progress"),
    "feedback-submitted": Bilingual("反馈", "feedback"),
    "handling-resumed": Bilingual("继续办理", "handling goes on"),
    "return-requested": Bilingual("申请退单", "return requested"),
    "endorsement-requested": Bilingual("报请审签", "endorsement asked for"),
    "endorsement-given": Bilingual("审签同意", "endorsed"),
    "endorsement-refused": Bilingual("审签退回", "given back by the leader"),
    "return-approved": Bilingual("同意退单", "return approved"),
    "return-rejected": Bilingual("不同意退单", "return rejected"),
    "arbitration-opened": Bilingual("提请裁定", "arbitration opened"),
    "arbitration-ruled": Bilingual("裁定", "ruled"),
    "co-unit-added": Bilingual("加入协办", "co-unit added"),
    "co-unit-reported": Bilingual("协办反馈", "co-unit reported"),
    "feedback-accepted": Bilingual("审核通过", "feedback accepted"),
    "feedback-rejected": Bilingual("审核退回", "feedback sent back"),
    "rework-ordered": Bilingual("重办", "rework ordered"),
    "verification-assigned": Bilingual("交办核实", "verification assigned"),
    "verification-passed": Bilingual("核实通过", "found done"),
    "verification-failed": Bilingual("核实未通过", "found not done"),
    "callback-attempted": Bilingual("回访", "call-back"),
    "case-urged": Bilingual("催办", "urged"),
    "supervision-issued": Bilingual("下达督办", "supervision order"),
    "supervision-responded": Bilingual("回应督办", "supervision answered"),
    "supervision-lifted": Bilingual("解除督办", "supervision lifted"),
}
"""What a list says of the last step, by the event's name."""
TEXTS: Mapping[str, Bilingual] = {
    "reply": Bilingual("答复", "reply"),
    "note": Bilingual("记录", "note"),
    "reason": Bilingual("理由", "reason"),
    "order": Bilingual("督办要求", "order"),
    "plan": Bilingual("整改计划", "plan"),
    "task": Bilingual("协办事项", "task"),
    "report": Bilingual("协办情况", "report"),
    "remark": Bilingual("备注", "remark"),
    "content": Bilingual("内容", "content"),
    "basis": Bilingual("依据", "basis"),
    "override_reason": Bilingual("改派理由", "reason for the other unit"),
    "out_of_grid_reason": Bilingual("跨网格原因", "why outside the own grid"),
}
"""What people wrote, by the name of its field."""
LAMP_SIGNS = {"GREEN": "●", "YELLOW": "▲", "RED": "■", "LONG_RED": "◆"}
"""A shape for each lamp: nobody has to tell colours apart."""


def word(value: str) -> Bilingual:
    """A code in words; the code itself where there are none."""
    return STATES.get(value) or LAMPS.get(value) or MORE.get(value) or code(value)


def step(event_type: str) -> Bilingual:
    """`routing.case-dispatched.v1` in words."""
    name = event_type.split(".")[1] if event_type.count(".") == 2 else event_type
    return STEPS.get(name) or Bilingual(name or "—", name or "—")
