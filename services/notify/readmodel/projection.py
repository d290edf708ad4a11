"""Events → the ledger of messages. Sees the event and nothing else."""

from __future__ import annotations

from collections.abc import Collection

from libs.case.state import Case
from libs.events.contracts.intake import AppealReceived, CaseCorrected, CaseNotAccepted, PersonalDataErased
from libs.events.contracts.notify import (
    MessageDropped,
    MessageDue,
    MessageFailed,
    MessageRequeued,
    MessageSent,
)
from libs.events.contracts.supervision import ClockMoved, ClocksEnded, ClocksRevived, StageFinished
from libs.events.envelope import Recorded
from libs.events.event import Sealed
from libs.log.read.rows import ReadModel
from services.notify.domain.lateness import likeness
from services.notify.readmodel.tables import PRINTED, due, message, reporter, wording


def project(rows: ReadModel, event: Recorded, case: Case) -> None:
    """One event into the ledger, or into the due instants."""
    match event.data:
        case MessageDue() as data:
            rows[message].put(_due_row(event, data, case))
        case MessageSent() as data:
            fate = {
                "sent_at": event.recorded_at,
                "receipt": data.receipt,
                "late": data.late,
                "mass": data.mass,
                "retry_at": None,
            }
            rows[message].change(data.message_id, state="SENT", **fate)
        case MessageFailed() as data:
            fate = {"attempts": data.attempt, "reason": data.reason, "retry_at": data.retry_at}
            rows[message].change(data.message_id, state="FAILED", **fate)
        case MessageDropped() as data:
            fate = {"reason": data.reason, "covered_by": data.covered_by, "retry_at": None}
            rows[message].change(data.message_id, state="DROPPED", **fate)
        case MessageRequeued() as data:
            rows[message].change(data.message_id, state="DUE", attempts=0, reason=None, retry_at=None)
        case AppealReceived(reporter_phone=Sealed() as phone) | CaseCorrected(reporter_phone=Sealed() as phone):
            rows[reporter].put({"case_id": case.case_id, "lane": case.lane, "phone": phone.model_dump()})
        case CaseNotAccepted() as data:
            _keep_wording(rows, event, data, case)
        case PersonalDataErased(kinds=kinds):
            _forget(rows, case.case_id, kinds)
        case ClockMoved() as data:
            running = None if isinstance(data, StageFinished) else data.due_at
            rows[due].put({"case_id": case.case_id, "clock": data.clock, "lane": case.lane, "due_at": running})
        case ClocksEnded():
            for row in rows[due].of_case(case.case_id):
                rows[due].put({**row, "due_at": None})
        case ClocksRevived() as data:
            _revive(rows, data, case)
        case _:
            pass


def _revive(rows: ReadModel, data: ClocksRevived, case: Case) -> None:
    for known in data.clocks:
        if known.started_at and known.stopped_at is None:
            again = {"case_id": case.case_id, "clock": known.clock, "lane": case.lane, "due_at": known.due_at}
            rows[due].put(again)


def _keep_wording(rows: ReadModel, event: Recorded, data: CaseNotAccepted, case: Case) -> None:
    """As it stands in the log: sealed, but in events of before its texts were."""
    told = {name: getattr(data, name) for name in PRINTED}
    texts = {name: text.model_dump() if isinstance(text, Sealed) else text for name, text in told.items()}
    rows[wording].put({"event_id": event.id, "case_id": case.case_id, "lane": case.lane, "sealed": texts})


def _forget(rows: ReadModel, case_id: str, kinds: Collection[str]) -> None:
    if "reporter" in kinds:
        rows[reporter].remove(case_id)
    for row in rows[wording].of_case(case_id) if "case" in kinds else ():
        rows[wording].remove(row["event_id"])


def _due_row(event: Recorded, data: MessageDue, case: Case) -> dict[str, object]:
    return {
        "message_id": data.message_id,
        "case_id": case.case_id,
        "lane": case.lane,
        "event_id": data.event_id,
        "event_type": data.event_type,
        "template": data.template,
        "recipient": data.recipient,
        "channel": data.channel,
        "details": data.values,
        "state": "DUE",
        "reason": None,
        "attempts": 0,
        # Since the event of which it tells: an outage of ours does not make it less late.
        "due_at": event.time,
        "sent_at": None,
        "receipt": None,
        "send_at": data.send_at,
        "digest": data.digest,
        "retry_at": None,
        "late": False,
        "mass": False,
        "covered_by": None,
        "alike": likeness(data.recipient, data.channel, data.template, data.values),
    }
