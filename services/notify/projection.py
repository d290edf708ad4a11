"""Events → the ledger of messages. Sees the event and nothing else."""

from __future__ import annotations

from libs.events.contracts.notify import MessageDropped, MessageDue, MessageFailed, MessageSent
from libs.events.contracts.supervision import ClocksEnded, ClocksRevived, DeadlineSet, StageContinued, StageFinished
from libs.events.envelope import Recorded
from libs.events.lifecycle import Case
from libs.events.readmodel import ReadModel
from services.notify.tables import due, message


def project(rows: ReadModel, event: Recorded, case: Case) -> None:
    """One event into the ledger, or into the due instants."""
    match event.data:
        case MessageDue() as data:
            rows[message].put(_due_row(event, data, case))
        case MessageSent() as data:
            rows[message].change(data.message_id, state="SENT", sent_at=event.recorded_at, receipt=data.receipt)
        case MessageFailed() as data:
            rows[message].change(data.message_id, state="FAILED", attempts=data.attempt, reason=data.reason)
        case MessageDropped() as data:
            rows[message].change(data.message_id, state="DROPPED", reason=data.reason)
        case DeadlineSet() | StageContinued() | StageFinished() as data:
            running = None if isinstance(data, StageFinished) else data.due_at
            rows[due].put({"case_id": case.case_id, "clock": data.clock, "lane": case.lane, "due_at": running})
        case ClocksEnded():
            for row in rows[due].of_case(case.case_id):
                rows[due].put({**row, "due_at": None})
        case ClocksRevived() as data:
            for known in data.clocks:
                if known.started_at and known.stopped_at is None:
                    again = {"case_id": case.case_id, "clock": known.clock, "lane": case.lane, "due_at": known.due_at}
                    rows[due].put(again)
        case _:
            pass


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
        "due_at": event.recorded_at,
        "sent_at": None,
        "receipt": None,
    }
