"""Queries behind the telephone: whose earlier cases these are, and which open one is on the same matter."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from libs.case.access import Sight
from libs.case.state import Case
from libs.case.telephones import same_caller
from libs.directory.facts.view import View
from libs.events.event import Sealed
from libs.log.store.event_store import Connection
from libs.log.write.seal import CaseKeys
from libs.service.runtime import Runtime
from services.intake import config
from services.intake.domain.duplicates import same_place
from services.intake.domain.identity import sought_entries
from services.intake.domain.reception import Place, grid_of

LOOKED_THROUGH = 50
EARLIER = """
    select v.doc, r.sealed, r.kind from case_view v join report r using (case_id)
     where case_id in (select case_id from caller where telephone = any($1))
     order by r.received_at desc, r.case_id desc limit $2
"""


@dataclass(frozen=True)
class Earlier:
    """A case as the read model has it, and what was first reported, still sealed."""

    case: Case
    sealed: Mapping[str, Any]
    kind: str
    """As it came in; registering or correcting may have changed it."""

    @staticmethod
    def of(row: Any) -> Earlier:
        """A row with `doc`, `sealed` and `kind`."""
        return Earlier(Case.model_validate_json(row["doc"]), orjson.loads(row["sealed"]), row["kind"])

    def place(self, keys: CaseKeys) -> Place:
        """Where it is, as far as the keys still open it."""
        location = self._open(keys, "location")
        longitude, latitude = (int(part) for part in location.split(",")) if location else (None, None)
        return Place(self.case.grid, longitude, latitude, self._open(keys, "address"))  # type: ignore[arg-type]

    def telephone(self, keys: CaseKeys) -> str | None:
        """What the reporter left, as far as the keys still open it."""
        sealed = self.sealed.get("reporter_phone")
        return keys.open(Sealed.model_validate(sealed)) if sealed else None

    def _open(self, keys: CaseKeys, name: str) -> str | None:
        known = name in self.sealed and "case" in keys.keys
        return keys.open(Sealed.model_validate(self.sealed[name])) if known else None


async def earlier_cases(conn: Connection, entries: Collection[bytes], most: int) -> list[Earlier]:
    """The newest cases that stand under one of these entries of the blind index."""
    return [Earlier.of(row) for row in await conn.fetch(EARLIER, list(entries), most)]


async def open_case_of(
    running: Runtime, directory: View, *, telephone: str | None, kind: str, place: Place, seen: Sight
) -> str | None:
    """The newest open case of this caller on this matter (rulebook.md d.5) that is shown to whoever asks.

    None where there is none, no number, or one that everybody dials.
    """
    entries = sought_entries(telephone, config.of(running).search_key)
    if not entries:
        return None
    async with running.pool.acquire() as conn:
        earlier = await earlier_cases(conn, entries, LOOKED_THROUGH)
    shown = [one for one in earlier if seen.sees(one.case)]
    alike = [one for one in shown if not one.case.ended and kind in (one.case.kind, one.kind)]
    if not alike:
        return None
    here = located(place, directory)
    radius = directory.rulebook.cluster.radius_m
    keys = await keys_of(running, alike)
    his = [one for one in alike if same_caller(one.telephone(keys[one.case.case_id]), telephone)]
    there = {one.case.case_id: one.place(keys[one.case.case_id]) for one in his}
    return next((case_id for case_id, place in there.items() if same_place(here, place, radius)), None)


async def keys_of(running: Runtime, cases: Sequence[Earlier]) -> dict[str, CaseKeys]:
    """The keys of these cases, without those whose destruction is decided."""
    found = await running.vault.keys_of_all({one.case.case_id for one in cases})
    return {one.case.case_id: found[one.case.case_id].without(one.case.erased) for one in cases}


def located(place: Place, directory: View) -> Place:
    """The place with its grid; raises `PlaceUnknown`."""
    return Place(grid_of(place, directory), place.longitude, place.latitude, place.address)
