"""Search copies of what is sealed: keyed, in intake alone, filled with the projection and gone on erasure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from libs.case.state import Case
from libs.events.contracts.intake import (
    AppealReceived,
    CaseCorrected,
    CaseImported,
    GridEventReported,
    PersonalDataErased,
)
from libs.events.envelope import Recorded
from libs.events.event import Event, Sealed
from libs.log.read.rows import ReadModel
from libs.log.write.seal import CaseKeys, Opener
from services.intake.domain.duplicates import words
from services.intake.domain.identity import index_entries
from services.intake.readmodel.tables import caller, likeness

COPIED = (AppealReceived, GridEventReported, CaseImported, CaseCorrected)


async def copies(opener: Opener, events: Sequence[Recorded]) -> Mapping[str, Mapping[str, Any]]:
    """Event id → keyed hashes of telephones and sketch of the content, as far as the vault still opens them."""
    copied = [event for event in events if isinstance(event.data, COPIED)]
    keys = await opener.vault.keys_of_all({event.subject for event in copied})
    return {event.id: copies_of(event.data, keys[event.subject], opener.key) for event in copied}


def copies_of(event: Event, keys: CaseKeys, key: bytes) -> dict[str, Any]:
    """What one event is looked up by: `telephones`, None where it names none, and `words`."""
    telephone = _opened(keys, getattr(event, "reporter_phone", None))
    return {
        "telephones": None if telephone is None else index_entries(telephone, key),
        "words": words(_opened(keys, getattr(event, "content", None)), key),
    }


def _opened(keys: CaseKeys, value: Sealed | str | None) -> str | None:
    """The plain text; None, not a mask, where the key is destroyed."""
    if isinstance(value, Sealed) and value.sealed.rpartition("/")[2] not in keys.keys:
        return None
    return keys.open(value)


def project_copies(rows: ReadModel, event: Recorded, case: Case) -> None:
    """One event into the search copies; a row whose key is destroyed goes, also in a rebuild."""
    copy = rows.copies.get(event.id, {})
    key = {"case_id": case.case_id, "lane": case.lane}
    if isinstance(event.data, COPIED) and copy.get("telephones") is not None:
        _forget_caller(rows, case.case_id)
        for entry in sorted(copy["telephones"]):
            rows[caller].put({**key, "telephone": entry})
    if isinstance(event.data, COPIED) and copy.get("words"):
        rows[likeness].put(
            {**key, "grid": case.grid, "received_at": case.received_at, "open": not case.ended, "words": copy["words"]}
        )
    if isinstance(event.data, PersonalDataErased):
        _forget(rows, case.case_id, event.data)
    row = rows[likeness].get(case.case_id)
    if row and (row["grid"], row["open"]) != (case.grid, not case.ended):
        rows[likeness].change(case.case_id, grid=case.grid, open=not case.ended)


def _forget_caller(rows: ReadModel, case_id: str) -> None:
    for row in rows[caller].of_case(case_id):
        rows[caller].remove(case_id, row["telephone"])


def _forget(rows: ReadModel, case_id: str, erased: PersonalDataErased) -> None:
    if "reporter" in erased.kinds:
        _forget_caller(rows, case_id)
    if "case" in erased.kinds:
        rows[likeness].remove(case_id)
