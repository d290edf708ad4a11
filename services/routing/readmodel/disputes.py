"""Events → what is in question about an order: its returns, its arbitration. Part of the projection: sees no clock."""

from __future__ import annotations

from libs.case.state import Case
from libs.events.contracts.routing import (
    ArbitrationOpened,
    ArbitrationRuled,
    CaseDispatched,
    ReturnApproved,
    ReturnRejected,
    ReturnRequested,
)
from libs.events.contracts.supervision import ClockMoved
from libs.events.envelope import Recorded
from libs.log.read.rows import ReadModel, Row
from services.routing.readmodel.tables import dispute


def follow(rows: ReadModel, event: Recorded, case: Case) -> None:
    """One event into the question of whose the case is."""
    row = rows[dispute].get(case.case_id) or _unquestioned(case)
    if change := _change(row, event):
        rows[dispute].put({**row, **change})


def _unquestioned(case: Case) -> Row:
    empty: Row = dict.fromkeys(column.name for column in dispute.columns)
    return {**empty, "case_id": case.case_id, "lane": case.lane, "no_return": False, "returns": [], "parties": []}


def _change(row: Row, event: Recorded) -> Row:
    match event.data:
        case CaseDispatched() as sent:
            return {"return_until": sent.return_until, "no_return": sent.no_return, "decision_due_at": None}
        case ReturnRequested() as asked:
            return {"returns": [*row["returns"], _asked(event, asked, asked.unit)], "decision_due_at": None}
        case ReturnApproved() as said:
            return {"returns": _decided(row, said.unit, "APPROVED", groundless=False), "return_until": None}
        case ReturnRejected() as said:
            return {"returns": _decided(row, said.unit, "REJECTED", groundless=True)}
        case ArbitrationOpened() as opened:
            return _opened(row, event, opened)
        case ArbitrationRuled() as ruled:
            judged = [{**one, "groundless": one["unit"] in ruled.groundless} for one in row["returns"]]
            return {"returns": judged}
        case ClockMoved(clock="return_decision" | "arbitration") as moved:
            return {"decision_due_at": moved.due_at if moved.stopped_at is None else None}
        case _:
            return {}


def _opened(row: Row, event: Recorded, opened: ArbitrationOpened) -> Row:
    returns = [{**one, "decided": one["decided"] or "ARBITRATION"} for one in row["returns"]]
    if opened.requested_by and opened.parties:
        returns = [*returns, {**_asked(event, opened, opened.parties[-1]), "decided": "ARBITRATION"}]
    return {"returns": returns, "parties": list(opened.parties), "because": opened.because, "decision_due_at": None}


def _asked(event: Recorded, asked: ReturnRequested | ArbitrationOpened, unit: str) -> Row:
    return {
        "unit": unit,
        "requested_at": event.recorded_at.isoformat(),
        **asked.model_dump(mode="json", include={"basis", "suggested_unit"}),
        "decided": None,
        "groundless": None,
    }


def _decided(row: Row, unit: str, how: str, *, groundless: bool) -> list[Row]:
    """The request of the unit that still waited."""
    return [
        {**one, "decided": how, "groundless": groundless} if one["unit"] == unit and one["decided"] is None else one
        for one in row["returns"]
    ]
