"""Events → intake's read model. Sees the event and nothing else."""

from __future__ import annotations

from libs.events.contracts.intake import AppealReceived, GridEventReported
from libs.events.envelope import Recorded
from libs.events.event import Sealed
from libs.events.lifecycle import Case
from libs.events.readmodel import ReadModel
from services.intake.tables import report


def project(rows: ReadModel, event: Recorded, case: Case) -> None:
    """One event into the table of reports; sealed values are copied as they are."""
    match event.data:
        case AppealReceived() | GridEventReported() as data:
            sealed = {
                name: value.model_dump()
                for name in data.personal_fields()
                if isinstance(value := getattr(data, name), Sealed)
            }
            rows[report].put(
                {
                    "case_id": case.case_id,
                    "lane": case.lane,
                    "received_at": event.recorded_at,
                    "channel": case.channel,
                    "kind": data.kind,
                    "external_id": getattr(data, "external_id", None),
                    "sealed": sealed,
                }
            )
        case _:
            pass
