"""Every event type as a sentence, Chinese and English; its title where that says it all. Nothing personal. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Any, get_args, get_type_hints

from pydantic import BaseModel

from libs.directory.rules.naming import NOTICES, Bilingual, Naming, code
from libs.events.contracts import directory, intake, notify, routing, supervision
from libs.events.event import Event, Sealed
from libs.events.ids import ClassCode, GridCode, PersonId, UnitId

NOTHING = Bilingual("—", "—")
SEALED = Bilingual("(密封)", "(sealed)")
ATTEMPTED = Bilingual(
    "拒绝: {person} 试图 {command}, 违反 {rule}", "refused: {person} tried {command}, which {rule} forbids"
)
DETECTED = Bilingual("事后发现违反巡办分离: {person}, {rule}", "found later: {person} broke {rule}")

WORDS: Mapping[type[Event], Bilingual] = {
    intake.AppealReceived: Bilingual(
        "接收诉求: {kind}, 渠道 {channel}, {grid}, {reporter_kind}",
        "appeal received: {kind}, by {channel}, {grid}, {reporter_kind}",
    ),
    intake.GridEventReported: Bilingual(
        "{discoverer} 巡查发现并上报: {class_code}, {grid}", "{discoverer} reported on patrol: {class_code}, {grid}"
    ),
    intake.CaseImported: Bilingual(
        "自 {source} 导入 ({external_id}): 来件 {received_at}, 期限 {upstream_due_at}, 已办结: {closed} {closed_at}",
        "moved in from {source} ({external_id}): received {received_at}, due {upstream_due_at}, closed: {closed}"
        " {closed_at}",
    ),
    intake.CaseRegistered: Bilingual(
        "立案: {class_code}, {kind}, {urgency}, {grid}", "registered: {class_code}, {kind}, {urgency}, {grid}"
    ),
    intake.CaseVoided: Bilingual("作废, 由 {voided_by}", "voided by {voided_by}"),
    intake.CaseNotAccepted: Bilingual(
        "不予受理: {reason_code}, 由 {refused_by}", "not accepted: {reason_code}, by {refused_by}"
    ),
    intake.OwnershipNotProved: Bilingual(
        "拒绝 ({asked_for}): 来电号码与诉求人不符, 经办 {asked_of}",
        "refused ({asked_for}): not the appellant's telephone, asked of {asked_of}",
    ),
    intake.CaseCorrected: Bilingual("更正案件, 由 {corrected_by}", "corrected by {corrected_by}"),
    intake.FilingPassedOn: Bilingual(
        "撤并承接: 事项 {ended_class} → {class_code}, 网格 {ended_grid} → {grid}",
        "passed on: class {ended_class} → {class_code}, grid {ended_grid} → {grid}",
    ),
    intake.AnsweredDirectly: Bilingual(
        "直接答复, 依据知识库 {knowledge_entry}, 由 {answered_by}",
        "answered directly from {knowledge_entry} by {answered_by}",
    ),
    intake.AppealWithdrawn: Bilingual("诉求人撤回, 仍继续办理: {continues}", "withdrawn, goes on: {continues}"),
    intake.AppealRestored: Bilingual("撤回已恢复", "the withdrawal was taken back"),
    intake.RepeatContactReceived: Bilingual("诉求人再次来电, 渠道 {channel}", "the same caller again, by {channel}"),
    intake.CasesToldApart: Bilingual(
        "{told_by} 确认与疑似重复的案件不是同一事项: {reason}",
        "{told_by} told it apart from cases that look alike: {reason}",
    ),
    intake.IdentityRead: Bilingual(
        "{read_by} 查看诉求人身份, 用途 {purpose}", "{read_by} read the reporter's identity for {purpose}"
    ),
    intake.IdentityNotShown: Bilingual(
        "{asked_by} ({role}) 查看诉求人身份被拒, 用途 {purpose}",
        "{asked_by} ({role}) was refused the identity, for {purpose}",
    ),
    intake.AttachmentAdded: Bilingual("{sent_by} 上传附件", "{sent_by} sent an attachment"),
    intake.PersonalDataErased: Bilingual(
        "清除个人信息: {kinds}, 依据 {ground}", "personal data erased: {kinds}, {ground}"
    ),
    intake.SeparationViolationAttempted: ATTEMPTED,
    intake.SeparationViolationDetected: DETECTED,
    routing.RouteRejected: Bilingual("跳过 {unit} ({rule}): {zh}", "{unit} skipped ({rule}): {en}"),
    routing.RouteProposed: Bilingual("建议派给 {unit}, {dispatch}", "proposed for {unit}, {dispatch}"),
    routing.CaseDispatched: Bilingual(
        "派给 {unit} 办理 (第 {round} 轮), 由 {dispatched_by}",
        "dispatched to {unit} (round {round}) by {dispatched_by}",
    ),
    routing.AssignmentAccepted: Bilingual("{unit} 签收, 由 {accepted_by}", "signed for {unit} by {accepted_by}"),
    routing.AssignmentDeemedAccepted: Bilingual(
        "{unit} 逾期未签收, 视为签收", "{unit} let the sign limit pass: held to have signed"
    ),
    routing.HandlerAssigned: Bilingual("{unit} 指定经办人 {handler}", "{unit} assigned {handler}"),
    routing.CitizenContacted: Bilingual(
        "{contacted_by} 联系诉求人, 接通: {reached}", "{contacted_by} called: {reached}"
    ),
    routing.ProgressRecorded: Bilingual("{recorded_by} 记录进展", "{recorded_by} recorded progress"),
    routing.FeedbackSubmitted: Bilingual(
        "{unit} 反馈 (第 {round} 轮): {result}, 由 {submitted_by}",
        "{unit} reported (round {round}): {result}, by {submitted_by}",
    ),
    routing.EndorsementRequested: Bilingual(
        "{unit} 的{act}送负责人审签, 起草人 {requested_by}",
        "the {act} of {unit}, drafted by {requested_by}, waits for its leader",
    ),
    routing.EndorsementGiven: Bilingual(
        "{unit} 负责人 {endorsed_by} 审签{act}", "{endorsed_by} endorsed the {act} of {unit}"
    ),
    routing.EndorsementRefused: Bilingual(
        "{unit} 负责人 {refused_by} 不予审签{act}", "{refused_by} gave the {act} of {unit} back"
    ),
    routing.HandlingResumed: Bilingual("{unit} 继续办理 (第 {round} 轮)", "{unit} goes on (round {round})"),
    routing.ReturnRequested: Bilingual(
        "{unit} 申请退单, 建议 {suggested_unit}",
        "{unit} asks to return it, for {suggested_unit}",
    ),
    routing.ReturnApproved: Bilingual("同意 {unit} 退单, 由 {decided_by}", "return of {unit} approved by {decided_by}"),
    routing.ReturnRejected: Bilingual(
        "不同意 {unit} 退单, 由 {decided_by}", "return of {unit} rejected by {decided_by}"
    ),
    routing.ArbitrationOpened: Bilingual(
        "进入会商裁定, 各方 {parties} ({because})", "arbitration opened between {parties} ({because})"
    ),
    routing.ArbitrationRuled: Bilingual("裁定由 {unit} 承办, 裁定人 {ruled_by}", "{ruled_by} ruled for {unit}"),
    routing.OrderPassedOn: Bilingual("撤并承接 ({rule}): {zh}", "passed on ({rule}): {en}"),
    routing.CoUnitAdded: Bilingual("{unit} 协办, 由 {added_by} 提出", "{unit} joins, asked by {added_by}"),
    routing.CoUnitReported: Bilingual(
        "{unit} 协办反馈, 由 {reported_by}", "{unit} has done its part, by {reported_by}"
    ),
    routing.WorkOrderCancelled: Bilingual("{unit} 的工单撤销", "work order of {unit} cancelled"),
    routing.SeparationViolationAttempted: ATTEMPTED,
    routing.SeparationViolationDetected: DETECTED,
    supervision.DeadlineSet: Bilingual(
        "{clock}开始 ({limit}), 截止 {due_at}", "{clock} starts ({limit}), due {due_at}"
    ),
    supervision.ClockImported: Bilingual(
        "导入{clock}: 自 {started_at} 起, 截止 {due_at}, 停止于 {stopped_at}",
        "{clock} as imported: from {started_at}, due {due_at}, stopped at {stopped_at}",
    ),
    supervision.StageFinished: Bilingual(
        "{clock}停止于 {stopped_at}, 原截止 {due_at}", "{clock} stopped at {stopped_at}, was due {due_at}"
    ),
    supervision.StageContinued: Bilingual("{clock}继续, 截止 {due_at}", "{clock} goes on, due {due_at}"),
    supervision.DeadlineRecomputed: Bilingual(
        "{clock}按已公布的日历重算, 截止 {due_at}", "{clock} counted anew by the published calendar, due {due_at}"
    ),
    supervision.ClocksEnded: Bilingual("各项时限于 {at} 终止", "all clocks ended at {at}"),
    supervision.ClocksRevived: Bilingual("各项时限自 {at} 继续", "the clocks go on from {at}"),
    supervision.DeadlineWarned: Bilingual("到期提醒: {clock}将于 {due_at} 到期", "reminder: {clock} is due {due_at}"),
    supervision.DeadlineBreached: Bilingual("超期: {clock}已于 {due_at} 到期", "overdue: {clock} was due {due_at}"),
    supervision.AutoEscalated: Bilingual(
        "自动升级至 L{level}: {clock}, {unit}", "escalated to L{level}: {clock}, {unit}"
    ),
    supervision.FeedbackAccepted: Bilingual(
        "审核通过 (第 {round} 轮), 下一步 {next}", "feedback accepted (round {round}), next {next}"
    ),
    supervision.FeedbackRejected: Bilingual("审核退回 (第 {round} 轮)", "feedback rejected (round {round})"),
    supervision.VerificationAssigned: Bilingual("交 {verifier} 现场核实", "{verifier} is to verify on site"),
    supervision.VerificationPassed: Bilingual("{verifier} 核实通过", "{verifier} found it done"),
    supervision.VerificationFailed: Bilingual("{verifier} 核实未通过", "{verifier} found it not done"),
    supervision.ReworkOrdered: Bilingual("下达重办 (第 {round} 轮)", "rework ordered (round {round})"),
    supervision.CallbackAttempted: Bilingual(
        "第 {attempt} 次回访, 接通: {reached}", "call-back {attempt}, reached: {reached}"
    ),
    supervision.CallbackCompleted: Bilingual(
        "回访结束, 有效: {valid}, 解决: {solved}, {satisfaction}",
        "call-back over, valid: {valid}, solved: {solved}, {satisfaction}",
    ),
    supervision.CallbackWaived: Bilingual("免回访: {reason}", "no call-back: {reason}"),
    supervision.CaseClosed: Bilingual("结案: {close_kind}, 由 {closed_by}", "closed: {close_kind}, by {closed_by}"),
    supervision.CaseUrged: Bilingual(
        "催办 {unit}, 来自 {source}, 告知督办员: {supervisor_told}",
        "{unit} urged by {source}, supervisor told: {supervisor_told}",
    ),
    supervision.CaseLeftAlone: Bilingual(
        "自 {since} 起无人处理: {alarm}", "nobody has done anything since {since}: {alarm}"
    ),
    supervision.SupervisionIssued: Bilingual("督办 L{level}: {unit}", "supervision L{level}: {unit}"),
    supervision.SupervisionResponded: Bilingual("{unit} 回应督办", "{unit} answered the supervision"),
    supervision.SupervisionLifted: Bilingual("解除督办, 现为 L{level}", "supervision lifted to L{level}"),
    supervision.SeparationViolationAttempted: ATTEMPTED,
    supervision.SeparationViolationDetected: DETECTED,
    notify.MessageDue: Bilingual("告知 {recipient}: {template}", "{recipient} is told: {template}"),
    notify.MessageSent: Bilingual("已送达, 渠道 {channel}", "delivered by {channel}"),
    notify.MessageFailed: Bilingual("第 {attempt} 次告知失败: {reason}", "try {attempt} failed: {reason}"),
    notify.MessageDropped: Bilingual("不再告知: {reason}", "will not be told: {reason}"),
    notify.MessageRequeued: Bilingual("{requeued_by} 重新发送未送达的告知", "{requeued_by} had it sent again"),
    directory.LogOpened: Bilingual("日志启用, 时钟 {mode}", "log opened, clock {mode}"),
    directory.UnitPublished: Bilingual("发布单位 {name_zh}", "unit {name_en}"),
    directory.PersonPublished: Bilingual("发布人员 {name_zh}", "person {name_en}"),
    directory.AppointmentPublished: Bilingual(
        "任职: {person}, {unit}, {role}", "appointment: {person}, {unit}, {role}"
    ),
    directory.GridPublished: Bilingual("发布网格 {name_zh}", "grid {name_en}"),
    directory.CatalogueItemPublished: Bilingual("发布事项 {name_zh}", "class {name_en}"),
    directory.RulebookPublished: Bilingual("发布规则库 v{version}", "rulebook v{version}"),
    directory.CalendarPublished: Bilingual("发布 {year} 年日历", "calendar of {year}"),
}
"""Who, what and until when, for events that say more than their title."""


def sentence(event: Event, naming: Naming) -> Bilingual:
    """The event in plain words; local time, names beside ids."""
    values = {name: _said(name, kind, getattr(event, name), naming) for name, kind in _kinds(type(event)).items()}
    words = WORDS.get(type(event)) or Bilingual(*event.title)
    return Bilingual(
        words.zh.format_map({name: said.zh for name, said in values.items()}),
        words.en.format_map({name: said.en for name, said in values.items()}),
    )


@cache
def _kinds(event: type[Event]) -> dict[str, Any]:
    """Field name → what it holds, without `| None` and marks."""
    hints = get_type_hints(event)
    return {name: _inner(hints[name]) for name in event.model_fields}


def _inner(hint: Any) -> Any:
    parts = [part for part in get_args(hint) if part not in (type(None), Ellipsis)]
    return _inner(parts[0]) if parts and not isinstance(parts[0], str) else hint


def _said(name: str, kind: Any, value: Any, naming: Naming) -> Bilingual:
    match value:
        case None:
            return NOTHING
        case Sealed() | BaseModel():
            return SEALED
        case bool():
            return Bilingual("是", "yes") if value else Bilingual("否", "no")
        case datetime():
            said = naming.due(value) if name.endswith("due_at") else naming.moment(value)
            return Bilingual(said, said)
        case tuple():
            several = [_said(name, kind, one, naming) for one in value]
            return Bilingual("、".join(one.zh for one in several), ", ".join(one.en for one in several))
        case str() if name == "recipient":
            return naming.recipient(value)
        case str() if name == "template":
            return NOTICES.get(value, Bilingual(value, value))
        case str():
            return _text(kind, value, naming)
        case _:
            return Bilingual(str(value), str(value))


def _text(kind: Any, value: str, naming: Naming) -> Bilingual:
    if kind is PersonId:
        return naming.person(value)
    if kind is UnitId:
        return naming.unit(value)
    if kind is GridCode:
        return naming.grid(value)
    return naming.matter(value) if kind is ClassCode else code(value)
