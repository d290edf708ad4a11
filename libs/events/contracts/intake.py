"""Events that only intake 受理 appends: how a matter came in and what the operator made of it."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, get_args

from libs.events.contracts.parts.imported import ImportedTurn, SourceName
from libs.events.event import CaseText, Event, ReporterText
from libs.events.ids import CaseId, ClassCode, ExternalId, GridCode, PersonId, UnitId

Kind = Literal[
    "consult",
    "help",
    "complaint",
    "report",
    "suggestion",
    "praise",
    "grid_livelihood",
    "grid_safety",
    "grid_dispute",
    "city_management",
]
"""诉求类型; the three kinds of grid events and city management stand beside the hotline's six."""
Urgency = Literal["U1", "U2", "U3", "U4"]
NewCaseReason = Literal["OTHER_OBJECT", "OTHER_MATTER", "OTHER_CALLER", "NEW_FACTS"]
"""Another object, another matter, somebody else at the same telephone, new facts."""


class AppealReceived(Event, zh="接收诉求", en="appeal received"):
    """群众诉求: a citizen's appeal was received through a channel; nobody has judged it yet."""

    channel: str
    kind: Kind
    content: CaseText
    grid: GridCode
    address: CaseText | None = None
    location: CaseText | None = None
    reporter_kind: Literal["NAMED", "ANONYMOUS"]
    reporter_name: ReporterText | None = None
    reporter_phone: ReporterText | None = None
    recorded_by: PersonId | None = None
    found_by: PersonId | None = None
    """A grid worker who entered it for the citizen or phoned it in: a discoverer (rulebook.md d.2 #3, #4)."""
    upstream_due_at: datetime | None = None
    external_id: ExternalId | None = None
    photos: tuple[str, ...] = ()
    """SHA-256 of attachments."""
    new_case_reason: NewCaseReason | None = None
    """Why it is a case of its own although the same caller has an open one on what looks the same."""


class GridEventReported(Event, zh="网格上报", en="reported on patrol"):
    """网格上报: a grid worker reported what he found on patrol; he is a discoverer for ever."""

    discoverer: PersonId
    kind: Kind
    class_code: ClassCode
    grid: GridCode
    content: CaseText
    location: CaseText
    address: CaseText | None = None
    out_of_grid_reason: CaseText | None = None
    photos: tuple[str, ...] = ()
    recorded_by: PersonId | None = None


class CaseImported(Event, zh="导入", en="imported"):
    """导入: an order moved in from another system with the life it had there; nothing that lies before is told.

    `recordedat` is the instant of the import, every instant in here is the source's.
    """

    imported_by: PersonId
    source: SourceName
    channel: str
    kind: Kind
    content: CaseText
    grid: GridCode
    address: CaseText | None = None
    location: CaseText | None = None
    reporter_kind: Literal["NAMED", "ANONYMOUS"]
    reporter_name: ReporterText | None = None
    reporter_phone: ReporterText | None = None
    found_by: PersonId | None = None
    external_id: ExternalId | None = None
    received_at: datetime | None = None
    registered_at: datetime | None = None
    class_code: ClassCode | None = None
    """None: its class is still to be found, or it was closed without one."""
    urgency: Urgency | None = None
    filing_condition: str | None = None
    upstream_due_at: datetime | None = None
    closed: bool = False
    closed_at: datetime | None = None
    """None of a closed order: the source does not say when, so there is no verdict."""
    turns: tuple[ImportedTurn, ...] = ()
    """Which departments had it, in their order."""
    rework: int = 0
    """How often it was sent back, as the source counts it."""
    record: CaseText | None = None
    """What the source says in words: departments, replies, satisfaction and facts that no command here carries yet; a
    JSON text."""


class CaseRegistered(Event, zh="立案", en="registered"):
    """立案: the case is classified and waits for dispatch; the dispatch and overall clocks start here."""

    registered_by: PersonId
    kind: Kind
    class_code: ClassCode
    urgency: Urgency
    grid: GridCode
    filing_condition: str | None = None
    upstream_due_at: datetime | None = None


class CaseVoided(Event, zh="作废", en="voided"):
    """作废: wrong entry or test call; ends the case before it was dispatched."""

    voided_by: PersonId
    reason: CaseText


class CaseNotAccepted(Event, version=2, zh="不予受理", en="not accepted"):
    """不予受理: refused for one of the nine reasons (rulebook.md c.5), with legal basis and another way to go."""

    refused_by: PersonId
    reason_code: str
    legal_basis: CaseText
    """As the operator typed it, like `alternative`: words, in which a person may be named."""
    alternative: CaseText


class CaseCorrected(Event, zh="更正", en="corrected"):
    """更正: what was written down wrongly; a field that is absent stays as it was."""

    corrected_by: PersonId
    reason: CaseText
    kind: Kind | None = None
    class_code: ClassCode | None = None
    urgency: Urgency | None = None
    grid: GridCode | None = None
    filing_condition: str | None = None
    content: CaseText | None = None
    address: CaseText | None = None
    location: CaseText | None = None
    reporter_name: ReporterText | None = None
    reporter_phone: ReporterText | None = None


class FilingPassedOn(Event, zh="随撤并承接", en="filed under what succeeded"):
    """A class or a grid has ended: the open case goes on under what succeeded it (SUC-2); what is absent stays."""

    class_code: ClassCode | None = None
    ended_class: ClassCode | None = None
    grid: GridCode | None = None
    ended_grid: GridCode | None = None
    urgency: Urgency | None = None
    """U1 where the class that succeeded is dangerous by itself (R0)."""


class AnsweredDirectly(Event, zh="直接答复", en="answered directly"):
    """直接办结: a consultation was answered on the spot from a knowledge entry; ends the case."""

    answered_by: PersonId
    knowledge_entry: str
    reply: CaseText


class AppealWithdrawn(Event, zh="撤回诉求", en="withdrawn"):
    """撤诉: the appellant withdraws; a matter of public interest continues without him."""

    recorded_by: PersonId | None = None
    proof: Literal["SECRET", "PHONE"]
    """How the appellant was known: the secret of his receipt, or the telephone he first called from."""
    continues: bool
    reason: CaseText | None = None
    restorable_until: datetime | None = None
    """Until then it can be taken back; None: without limit."""


class AppealRestored(Event, zh="恢复诉求", en="restored"):
    """恢复: the withdrawal was taken back in time; the clocks go on where they stood."""

    recorded_by: PersonId | None = None
    proof: Literal["SECRET", "PHONE"]


class OwnershipNotProved(Event, zh="诉求归属未证实", en="ownership not proved"):
    """Somebody asked to withdraw or restore an appeal that he could not show to be his (stream `access-…`)."""

    asked_of: PersonId
    """The operator who took the call."""
    asked_for: Literal["withdraw", "restore"]
    proof: Literal["PHONE"]


class RepeatContactReceived(Event, zh="再次来电", en="called again"):
    """重复来电: the same caller on the same matter; attached to the open case, which is urged."""

    channel: str
    recorded_by: PersonId | None = None
    content: CaseText | None = None


class CasesToldApart(Event, zh="确认为不同事项", en="told apart"):
    """不同事项: the operator says that these cases, which look like one matter with it, are others."""

    told_by: PersonId
    others: tuple[CaseId, ...]
    reason: NewCaseReason


class IdentityRead(Event, zh="查看诉求人身份", en="identity read"):
    """Somebody read who the reporter is, for a purpose (stream `access-…`)."""

    read_by: PersonId
    purpose: str
    fields: tuple[Literal["reporter_name", "reporter_phone"], ...]


class IdentityNotShown(Event, zh="查看身份被拒", en="identity not shown"):
    """Somebody who may not read who the reporter is asked for it (stream `access-…`)."""

    asked_by: PersonId
    role: str
    purpose: str


class AttachmentAdded(Event, zh="上传附件", en="attachment added"):
    """附件: a photo or a document was sent for the case by somebody who may; a report names it by its SHA-256."""

    sha256: str
    media_type: str
    size: int
    """Bytes."""
    sent_by: PersonId
    unit: UnitId | None = None
    """For which he handles the case; none at the desk, on patrol and at a verification."""


class PersonalDataErased(Event, zh="清除个人信息", en="personal data erased"):
    """The named keys of the case are to be destroyed; its personal fields become unreadable everywhere."""

    erased_by: PersonId
    kinds: tuple[Literal["reporter", "case"], ...]
    ground: str


class SeparationViolationAttempted(Event, zh="违反巡办分离被拒", en="refused by separation"):
    """A command that 巡办分离 forbids was tried and refused; the case did not change."""

    person: PersonId
    unit: UnitId | None = None
    command: str
    rule: str
    also: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()


class SeparationViolationDetected(Event, zh="违反巡办分离", en="separation broken"):
    """SEP-18: a power was used on facts that later proved incomplete; history stays, somebody must look."""

    person: PersonId
    rule: str
    evidence: tuple[str, ...]


class CaseNotAcceptedV1(Event, named="CaseNotAccepted", zh="不予受理", en="not accepted"):
    """不予受理 as it was written while its legal basis and the other way to go stood open."""

    refused_by: PersonId
    reason_code: str
    legal_basis: str
    alternative: str

    def upcast(self) -> CaseNotAccepted:
        """Both stay as open as they are in the log."""
        return CaseNotAccepted(**{name: getattr(self, name) for name in self.model_fields_set})


IntakeEvent = (
    AppealReceived
    | GridEventReported
    | CaseImported
    | CaseRegistered
    | CaseVoided
    | CaseNotAccepted
    | CaseCorrected
    | FilingPassedOn
    | AnsweredDirectly
    | AppealWithdrawn
    | AppealRestored
    | OwnershipNotProved
    | RepeatContactReceived
    | CasesToldApart
    | IdentityRead
    | IdentityNotShown
    | AttachmentAdded
    | PersonalDataErased
    | SeparationViolationAttempted
    | SeparationViolationDetected
)
"""Everything that intake says: whoever folds it names each of them, or mypy names what is missing."""
EVENTS: tuple[type[IntakeEvent], ...] = get_args(IntakeEvent)
OLDER: tuple[type[Event], ...] = (CaseNotAcceptedV1,)
