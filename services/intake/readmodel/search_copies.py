"""Search copies of what is sealed: keyed, in intake alone, filled with the projection and gone on erasure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from libs.case.state import Case
from libs.events.contracts.intake import (
    AppealReceived,
    CaseCorrected,
    CaseImported,
    CasesToldApart,
    GridEventReported,
    PersonalDataErased,
)
from libs.events.envelope import Recorded
from libs.events.event import Event, Sealed
from libs.log.read.rows import ReadModel
from libs.log.write.seal import CaseKeys, Opener
from services.intake.domain.duplicates import words
from services.intake.domain.identity import index_entries
from services.intake.domain.suspected import About, clues_of_address, clues_of_caller, clues_of_point
from services.intake.readmodel.tables import caller, clue, likeness, told_apart

COPIED = (AppealReceived, GridEventReported, CaseImported, CaseCorrected)
SEALED_WITH: Mapping[str, tuple[About, ...]] = {"reporter": ("caller",), "case": ("address", "point")}
"""Which clues go with which key."""


async def copies(opener: Opener, events: Sequence[Recorded]) -> Mapping[str, Mapping[str, Any]]:
    """Event id → keyed hashes of telephones and sketch of the content, as far as the vault still opens them."""
    copied = [event for event in events if isinstance(event.data, COPIED)]
    keys = await opener.vault.keys_of_all({event.subject for event in copied})
    return {event.id: copies_of(event.data, keys[event.subject], opener.key) for event in copied}


def copies_of(event: Event, keys: CaseKeys, key: bytes) -> dict[str, Any]:
    """What one event is looked up by: `telephones`, None where it names none, `words`, and `clues` of what it names."""
    telephone, address, location = (
        _opened(keys, getattr(event, name, None)) for name in ("reporter_phone", "address", "location")
    )
    clues = {
        "caller": None if telephone is None else clues_of_caller(telephone, key),
        "address": None if address is None else clues_of_address(address, key),
        "point": None if location is None else clues_of_point(location, key),
    }
    return {
        "clues": {about: found for about, found in clues.items() if found is not None},
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
    for about, found in copy.get("clues", {}).items():
        _forget_clues(rows, case.case_id, about)
        told = {"about": about, "received_at": case.received_at, "open": not case.ended}
        for one in sorted(found):
            rows[clue].put({**key, "clue": one, **told})
    _project_apart(rows, event, key)
    if isinstance(event.data, PersonalDataErased):
        _forget(rows, case.case_id, event.data)
    for held in rows[clue].of_case(case.case_id):
        if held["open"] == case.ended:
            rows[clue].change(case.case_id, held["clue"], open=not case.ended)
    row = rows[likeness].get(case.case_id)
    if row and (row["grid"], row["open"]) != (case.grid, not case.ended):
        rows[likeness].change(case.case_id, grid=case.grid, open=not case.ended)


def _project_apart(rows: ReadModel, event: Recorded, key: Mapping[str, Any]) -> None:
    match event.data:
        case CasesToldApart(others=others):
            for other in others:
                rows[told_apart].put({**key, "other": other})
        case AppealReceived(new_case_reason=reason) if reason:
            rows[told_apart].put({**key, "other": key["case_id"]})
        case _:
            pass


def _forget_clues(rows: ReadModel, case_id: str, *about: str) -> None:
    for row in rows[clue].of_case(case_id):
        if row["about"] in about:
            rows[clue].remove(case_id, row["clue"])


def _forget_caller(rows: ReadModel, case_id: str) -> None:
    for row in rows[caller].of_case(case_id):
        rows[caller].remove(case_id, row["telephone"])


def _forget(rows: ReadModel, case_id: str, erased: PersonalDataErased) -> None:
    for kind in erased.kinds:
        _forget_clues(rows, case_id, *SEALED_WITH[kind])
    if "reporter" in erased.kinds:
        _forget_caller(rows, case_id)
    if "case" in erased.kinds:
        rows[likeness].remove(case_id)
