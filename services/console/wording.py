"""Codes in words where `libs/directory/rules/naming.py` has none: states, lamps, clocks of the page. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping

from libs.directory.rules.naming import Bilingual, code
from libs.events.contracts.registry import TYPES

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
    "MACHINE": Bilingual("机器账号", "machine"),
    "photos": Bilingual("附上照片", "attach photos"),
    "attach a location and a photo": Bilingual("取定位并附照片", "attach a location and a photo"),
    "out_of_grid_reason": Bilingual("写明跨网格原因", "say why outside the own grid"),
    "unit": Bilingual("指定承办单位", "name a unit"),
    "override_reason": Bilingual("写明改派理由", "give a reason for the other unit"),
    "NOT_JUDGED": Bilingual("等待规则更正", "waits for the rules"),
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
    "record": Bilingual("来源系统的记录", "as its source tells it"),
    "override_reason": Bilingual("改派理由", "reason for the other unit"),
    "out_of_grid_reason": Bilingual("跨网格原因", "why outside the own grid"),
}
"""What people wrote, by the name of its field."""
LAMP_SIGNS = {"GREEN": "●", "YELLOW": "▲", "RED": "■", "LONG_RED": "◆"}
"""A shape for each lamp: nobody has to tell colours apart."""


def lines_of_record(text: str) -> list[str]:
    """What the source of an imported order says in words (`CaseImported.record`), a line for each fact."""
    try:
        said = json.loads(text)
    except ValueError:
        return [text]
    turns = [": ".join(part for part in (one["unit"], one["reply"]) if part) for one in said.get("turns", ())]
    facts = [f"{name}: {value}" for name, value in said.get("facts", {}).items()]
    satisfied = [f"满意度 / satisfaction: {said['satisfaction']}"] if "satisfaction" in said else []
    return [line for line in (*turns, *satisfied, *facts) if line]


def word(value: str) -> Bilingual:
    """A code in words; the code itself where there are none."""
    return STATES.get(value) or LAMPS.get(value) or MORE.get(value) or code(value)


def step(event_type: str) -> Bilingual:
    """`routing.case-dispatched.v1` by its title; a type that this code does not know is said by its name."""
    if kind := TYPES.get(event_type):
        return Bilingual(*kind.title)
    name = event_type.split(".")[1] if event_type.count(".") == 2 else event_type
    return Bilingual(name or "—", name or "—")
