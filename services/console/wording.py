"""Codes in words where `libs/directory/rules/naming.py` has none: states, lamps, acts, clocks of the page. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from libs.directory.rules.naming import Said, code

STATES: Mapping[str, Said] = {
    "RECEIVED": Said("已接收", "received"),
    "SCREENING": Said("初审中", "screening"),
    "PRECHECK": Said("待核查", "pre-check"),
    "REGISTERED": Said("待派遣", "to be dispatched"),
    "DISPATCHED": Said("待签收", "to be signed for"),
    "RETURN_PENDING": Said("退单审核中", "return pending"),
    "ARBITRATION": Said("裁定中", "arbitration"),
    "IN_PROGRESS": Said("办理中", "in progress"),
    "SUSPENDED": Said("挂账", "suspended"),
    "FEEDBACK": Said("待审核", "to be reviewed"),
    "VERIFYING": Said("待核实", "to be verified"),
    "CALLBACK": Said("待回访", "to be called back"),
    "CLOSED": Said("已办结", "closed"),
    "ARCHIVED": Said("已归档", "archived"),
    "MERGED": Said("已并案", "merged"),
    "NOT_ACCEPTED": Said("不予受理", "not accepted"),
    "DIVERTED": Said("已移交", "diverted"),
    "WITHDRAWN": Said("已撤回", "withdrawn"),
    "VOID": Said("作废", "void"),
}
"""rulebook.md c.1."""
LAMPS: Mapping[str, Said] = {
    "GREEN": Said("绿灯", "green"),
    "YELLOW": Said("黄灯", "yellow"),
    "RED": Said("红灯", "red"),
    "LONG_RED": Said("长红", "long red"),
}
MORE: Mapping[str, Said] = {
    "ON_TIME": Said("按期", "on time"),
    "OVERDUE": Said("超期", "overdue"),
    "RUNNING": Said("计时中", "running"),
    "EXEMPT": Said("豁免", "exempt"),
    "return_decision": Said("退单审核时限", "limit to decide on the return"),
    "arbitration": Said("裁定时限", "limit of the ruling"),
    "MACHINE": Said("机器账号", "machine"),
    "photos": Said("附上照片", "attach photos"),
    "attach a location and a photo": Said("取定位并附照片", "attach a location and a photo"),
    "out_of_grid_reason": Said("写明跨网格原因", "say why outside the own grid"),
    "unit": Said("指定承办单位", "name a unit"),
    "override_reason": Said("写明改派理由", "give a reason for the other unit"),
    "NO_UNIT": Said("无承办单位", "no unit"),
    "UNIT_VACANT": Said("单位无人任职", "nobody in the unit"),
    "NO_CLOCK": Said("无时限", "no clock"),
    "NOT_REGISTERED": Said("久未立案", "not registered"),
    "lead": Said("主办", "lead"),
    "co": Said("协办", "co-unit"),
    "APPROVED": Said("同意", "approved"),
    "REJECTED": Said("不同意", "rejected"),
    "OPEN": Said("待回访", "open"),
    "intake": Said("受理", "intake"),
    "routing": Said("派遣", "routing"),
    "supervision": Said("督办", "supervision"),
    "notify": Said("告知", "notify"),
    "DUE": Said("待发送", "to be sent"),
    "SENT": Said("已送达", "sent"),
    "FAILED": Said("发送失败, 将重试", "failed, to be tried again"),
    "DROPPED": Said("未送达", "not sent"),
}
STEPS: Mapping[str, Said] = {
    "appeal-received": Said("接收诉求", "appeal received"),
    "grid-event-reported": Said("网格上报", "reported on patrol"),
    "case-registered": Said("立案", "registered"),
    "case-corrected": Said("更正", "corrected"),
    "appeal-withdrawn": Said("撤回诉求", "withdrawn"),
    "appeal-restored": Said("恢复诉求", "restored"),
    "repeat-contact-received": Said("再次来电", "called again"),
    "case-dispatched": Said("派遣", "dispatched"),
    "assignment-accepted": Said("签收", "signed for"),
    "assignment-deemed-accepted": Said("视为签收", "held to have signed"),
    "handler-assigned": Said("指定经办人", "handler assigned"),
    "citizen-contacted": Said("联系诉求人", "reporter called"),
    "progress-recorded": Said("记录进展", "progress"),
    "feedback-submitted": Said("反馈", "feedback"),
    "handling-resumed": Said("继续办理", "handling goes on"),
    "return-requested": Said("申请退单", "return requested"),
    "endorsement-requested": Said("报请审签", "endorsement asked for"),
    "endorsement-given": Said("审签同意", "endorsed"),
    "endorsement-refused": Said("审签退回", "given back by the leader"),
    "return-approved": Said("同意退单", "return approved"),
    "return-rejected": Said("不同意退单", "return rejected"),
    "arbitration-opened": Said("提请裁定", "arbitration opened"),
    "arbitration-ruled": Said("裁定", "ruled"),
    "co-unit-added": Said("加入协办", "co-unit added"),
    "co-unit-reported": Said("协办反馈", "co-unit reported"),
    "feedback-accepted": Said("审核通过", "feedback accepted"),
    "feedback-rejected": Said("审核退回", "feedback sent back"),
    "rework-ordered": Said("重办", "rework ordered"),
    "verification-assigned": Said("交办核实", "verification assigned"),
    "verification-passed": Said("核实通过", "found done"),
    "verification-failed": Said("核实未通过", "found not done"),
    "callback-attempted": Said("回访", "call-back"),
    "case-urged": Said("催办", "urged"),
    "supervision-issued": Said("下达督办", "supervision order"),
    "supervision-responded": Said("回应督办", "supervision answered"),
    "supervision-lifted": Said("解除督办", "supervision lifted"),
}
"""What a list says of the last step, by the event's name."""
TEXTS: Mapping[str, Said] = {
    "reply": Said("答复", "reply"),
    "note": Said("记录", "note"),
    "reason": Said("理由", "reason"),
    "order": Said("督办要求", "order"),
    "plan": Said("整改计划", "plan"),
    "task": Said("协办事项", "task"),
    "report": Said("协办情况", "report"),
    "remark": Said("备注", "remark"),
    "content": Said("内容", "content"),
    "basis": Said("依据", "basis"),
    "override_reason": Said("改派理由", "reason for the other unit"),
    "out_of_grid_reason": Said("跨网格原因", "why outside the own grid"),
}
"""What people wrote, by the name of its field."""
LAMP_SIGNS = {"GREEN": "●", "YELLOW": "▲", "RED": "■", "LONG_RED": "◆"}
"""A shape for each lamp: nobody has to tell colours apart."""


def word(value: str) -> Said:
    """A code in words; the code itself where there are none."""
    return STATES.get(value) or LAMPS.get(value) or MORE.get(value) or code(value)


def step(event_type: str) -> Said:
    """`routing.case-dispatched.v1` in words."""
    name = event_type.split(".")[1] if event_type.count(".") == 2 else event_type
    return STEPS.get(name) or Said(name or "—", name or "—")
