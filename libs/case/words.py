"""Every event type as a sentence, Chinese and English. Personal values are never said. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Any, get_args, get_type_hints

from pydantic import BaseModel

from libs.directory.rules.naming import NOTICES, Naming, Said, code
from libs.events.contracts import directory, intake, notify, routing, supervision
from libs.events.event import Event, Sealed
from libs.events.ids import ClassCode, GridCode, PersonId, UnitId

NOTHING = Said("—", "—")
SEALED = Said("(密封)", "(sealed)")
ATTEMPTED = Said(
    "拒绝: {person} 试图 {command}, 违反 {rule}", "refused: {person} tried {command}, which {rule} forbids"
)
DETECTED = Said("事后发现违反巡办分离: {person}, {rule}", "found later: {person} broke {rule}")

WORDS: Mapping[type[Event], Said] = {
    intake.AppealReceived: Said(
        "接收诉求: {kind}, 渠道 {channel}, {grid}, {reporter_kind}",
        "appeal received: {kind}, by {channel}, {grid}, {reporter_kind}",
    ),
    intake.GridEventReported: Said(
        "{discoverer} 巡查发现并上报: {class_code}, {grid}", "{discoverer} reported on patrol: {class_code}, {grid}"
    ),
    intake.CaseRegistered: Said(
        "立案: {class_code}, {kind}, {urgency}, {grid}", "registered: {class_code}, {kind}, {urgency}, {grid}"
    ),
    intake.CaseVoided: Said("作废, 由 {voided_by}", "voided by {voided_by}"),
    intake.CaseNotAccepted: Said(
        "不予受理: {reason_code}, 依据 {legal_basis}", "not accepted: {reason_code}, basis {legal_basis}"
    ),
    intake.OwnershipNotProved: Said(
        "拒绝 ({asked_for}): 来电号码与诉求人不符, 经办 {asked_of}",
        "refused ({asked_for}): not the appellant's telephone, asked of {asked_of}",
    ),
    intake.CaseCorrected: Said("更正案件, 由 {corrected_by}", "corrected by {corrected_by}"),
    intake.AnsweredDirectly: Said(
        "直接答复, 依据知识库 {knowledge_entry}, 由 {answered_by}",
        "answered directly from {knowledge_entry} by {answered_by}",
    ),
    intake.AppealWithdrawn: Said("诉求人撤回, 仍继续办理: {continues}", "withdrawn, goes on: {continues}"),
    intake.AppealRestored: Said("撤回已恢复", "the withdrawal was taken back"),
    intake.RepeatContactReceived: Said("诉求人再次来电, 渠道 {channel}", "the same caller again, by {channel}"),
    intake.IdentityRead: Said(
        "{read_by} 查看诉求人身份, 用途 {purpose}", "{read_by} read the reporter's identity for {purpose}"
    ),
    intake.PersonalDataErased: Said("清除个人信息: {kinds}, 依据 {ground}", "personal data erased: {kinds}, {ground}"),
    intake.SeparationViolationAttempted: ATTEMPTED,
    intake.SeparationViolationDetected: DETECTED,
    routing.RouteRejected: Said("跳过 {unit} ({rule}): {zh}", "{unit} skipped ({rule}): {en}"),
    routing.RouteProposed: Said("建议派给 {unit}, {dispatch}", "proposed for {unit}, {dispatch}"),
    routing.CaseDispatched: Said(
        "派给 {unit} 办理 (第 {round} 轮), 由 {dispatched_by}",
        "dispatched to {unit} (round {round}) by {dispatched_by}",
    ),
    routing.AssignmentAccepted: Said("{unit} 签收, 由 {accepted_by}", "signed for {unit} by {accepted_by}"),
    routing.AssignmentDeemedAccepted: Said(
        "{unit} 逾期未签收, 视为签收", "{unit} let the sign limit pass: held to have signed"
    ),
    routing.HandlerAssigned: Said("{unit} 指定经办人 {handler}", "{unit} assigned {handler}"),
    routing.CitizenContacted: Said("{contacted_by} 联系诉求人, 接通: {reached}", "{contacted_by} called: {reached}"),
    routing.ProgressRecorded: Said("{recorded_by} 记录进展", "{recorded_by} recorded progress"),
    routing.FeedbackSubmitted: Said(
        "{unit} 反馈 (第 {round} 轮): {result}, 由 {submitted_by}",
        "{unit} reported (round {round}): {result}, by {submitted_by}",
    ),
    routing.EndorsementRequested: Said(
        "{unit} 的{act}送负责人审签, 起草人 {requested_by}",
        "the {act} of {unit}, drafted by {requested_by}, waits for its leader",
    ),
    routing.EndorsementGiven: Said(
        "{unit} 负责人 {endorsed_by} 审签{act}", "{endorsed_by} endorsed the {act} of {unit}"
    ),
    routing.EndorsementRefused: Said(
        "{unit} 负责人 {refused_by} 不予审签{act}", "{refused_by} gave the {act} of {unit} back"
    ),
    routing.HandlingResumed: Said("{unit} 继续办理 (第 {round} 轮)", "{unit} goes on (round {round})"),
    routing.ReturnRequested: Said(
        "{unit} 申请退单, 建议 {suggested_unit}",
        "{unit} asks to return it, for {suggested_unit}",
    ),
    routing.ReturnApproved: Said("同意 {unit} 退单, 由 {decided_by}", "return of {unit} approved by {decided_by}"),
    routing.ReturnRejected: Said("不同意 {unit} 退单, 由 {decided_by}", "return of {unit} rejected by {decided_by}"),
    routing.ArbitrationOpened: Said(
        "进入会商裁定, 各方 {parties} ({because})", "arbitration opened between {parties} ({because})"
    ),
    routing.ArbitrationRuled: Said("裁定由 {unit} 承办, 裁定人 {ruled_by}", "{ruled_by} ruled for {unit}"),
    routing.CoUnitAdded: Said("{unit} 协办, 由 {added_by} 提出", "{unit} joins, asked by {added_by}"),
    routing.CoUnitReported: Said("{unit} 协办反馈, 由 {reported_by}", "{unit} has done its part, by {reported_by}"),
    routing.WorkOrderCancelled: Said("{unit} 的工单撤销", "work order of {unit} cancelled"),
    routing.SeparationViolationAttempted: ATTEMPTED,
    routing.SeparationViolationDetected: DETECTED,
    supervision.DeadlineSet: Said("{clock}开始 ({limit}), 截止 {due_at}", "{clock} starts ({limit}), due {due_at}"),
    supervision.StageFinished: Said(
        "{clock}停止于 {stopped_at}, 原截止 {due_at}", "{clock} stopped at {stopped_at}, was due {due_at}"
    ),
    supervision.StageContinued: Said("{clock}继续, 截止 {due_at}", "{clock} goes on, due {due_at}"),
    supervision.DeadlineRecomputed: Said(
        "{clock}按已公布的日历重算, 截止 {due_at}", "{clock} counted anew by the published calendar, due {due_at}"
    ),
    supervision.ClocksEnded: Said("各项时限于 {at} 终止", "all clocks ended at {at}"),
    supervision.ClocksRevived: Said("各项时限自 {at} 继续", "the clocks go on from {at}"),
    supervision.DeadlineWarned: Said("到期提醒: {clock}将于 {due_at} 到期", "reminder: {clock} is due {due_at}"),
    supervision.DeadlineBreached: Said("超期: {clock}已于 {due_at} 到期", "overdue: {clock} was due {due_at}"),
    supervision.AutoEscalated: Said("自动升级至 L{level}: {clock}, {unit}", "escalated to L{level}: {clock}, {unit}"),
    supervision.FeedbackAccepted: Said(
        "审核通过 (第 {round} 轮), 下一步 {next}", "feedback accepted (round {round}), next {next}"
    ),
    supervision.FeedbackRejected: Said("审核退回 (第 {round} 轮)", "feedback rejected (round {round})"),
    supervision.VerificationAssigned: Said("交 {verifier} 现场核实", "{verifier} is to verify on site"),
    supervision.VerificationPassed: Said("{verifier} 核实通过", "{verifier} found it done"),
    supervision.VerificationFailed: Said("{verifier} 核实未通过", "{verifier} found it not done"),
    supervision.ReworkOrdered: Said("下达重办 (第 {round} 轮)", "rework ordered (round {round})"),
    supervision.CallbackAttempted: Said(
        "第 {attempt} 次回访, 接通: {reached}", "call-back {attempt}, reached: {reached}"
    ),
    supervision.CallbackCompleted: Said(
        "回访结束, 有效: {valid}, 解决: {solved}, {satisfaction}",
        "call-back over, valid: {valid}, solved: {solved}, {satisfaction}",
    ),
    supervision.CallbackWaived: Said("免回访: {reason}", "no call-back: {reason}"),
    supervision.CaseClosed: Said("结案: {close_kind}, 由 {closed_by}", "closed: {close_kind}, by {closed_by}"),
    supervision.CaseUrged: Said(
        "催办 {unit}, 来自 {source}, 告知督办员: {supervisor_told}",
        "{unit} urged by {source}, supervisor told: {supervisor_told}",
    ),
    supervision.SupervisionIssued: Said("督办 L{level}: {unit}", "supervision L{level}: {unit}"),
    supervision.SupervisionResponded: Said("{unit} 回应督办", "{unit} answered the supervision"),
    supervision.SupervisionLifted: Said("解除督办, 现为 L{level}", "supervision lifted to L{level}"),
    supervision.SeparationViolationAttempted: ATTEMPTED,
    supervision.SeparationViolationDetected: DETECTED,
    notify.MessageDue: Said("告知 {recipient}: {template}", "{recipient} is told: {template}"),
    notify.MessageSent: Said("已送达, 渠道 {channel}", "delivered by {channel}"),
    notify.MessageFailed: Said("第 {attempt} 次告知失败: {reason}", "try {attempt} failed: {reason}"),
    notify.MessageDropped: Said("不再告知: {reason}", "will not be told: {reason}"),
    notify.MessageRequeued: Said("{requeued_by} 重新发送未送达的告知", "{requeued_by} had it sent again"),
    directory.LogOpened: Said("日志启用, 时钟 {mode}", "log opened, clock {mode}"),
    directory.UnitPublished: Said("发布单位 {name_zh}", "unit {name_en}"),
    directory.PersonPublished: Said("发布人员 {name_zh}", "person {name_en}"),
    directory.AppointmentPublished: Said("任职: {person}, {unit}, {role}", "appointment: {person}, {unit}, {role}"),
    directory.GridPublished: Said("发布网格 {name_zh}", "grid {name_en}"),
    directory.CatalogueItemPublished: Said("发布事项 {name_zh}", "class {name_en}"),
    directory.RulebookPublished: Said("发布规则库 v{version}", "rulebook v{version}"),
    directory.CalendarPublished: Said("发布 {year} 年日历", "calendar of {year}"),
}


def say(event: Event, naming: Naming) -> Said:
    """The event in plain words; local time, names beside ids."""
    values = {name: _said(name, kind, getattr(event, name), naming) for name, kind in _kinds(type(event)).items()}
    words = WORDS[type(event)]
    return Said(
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


def _said(name: str, kind: Any, value: Any, naming: Naming) -> Said:
    match value:
        case None:
            return NOTHING
        case Sealed() | BaseModel():
            return SEALED
        case bool():
            return Said("是", "yes") if value else Said("否", "no")
        case datetime():
            said = naming.due(value) if name.endswith("due_at") else naming.moment(value)
            return Said(said, said)
        case tuple():
            several = [_said(name, kind, one, naming) for one in value]
            return Said("、".join(one.zh for one in several), ", ".join(one.en for one in several))
        case str() if name == "recipient":
            return naming.recipient(value)
        case str() if name == "template":
            return NOTICES.get(value, Said(value, value))
        case str():
            return _text(kind, value, naming)
        case _:
            return Said(str(value), str(value))


def _text(kind: Any, value: str, naming: Naming) -> Said:
    if kind is PersonId:
        return naming.person(value)
    if kind is UnitId:
        return naming.unit(value)
    if kind is GridCode:
        return naming.grid(value)
    return naming.matter(value) if kind is ClassCode else code(value)
