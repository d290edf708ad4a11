"""Queries behind the telephone: whose earlier cases these are, and which open one is on the same matter."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from libs.case.access import sight
from libs.case.state import Case
from libs.directory.facts.view import View
from libs.events.event import Sealed
from libs.events.telephones import same_caller
from libs.log.store.event_store import Connection
from libs.log.write.seal import CaseKeys
from libs.service.http.dependencies import Person
from libs.service.runtime import Runtime
from services.intake import config
from services.intake.domain.duplicates import same_place
from services.intake.domain.identity import sought_entries
from services.intake.domain.reception import Place, grid_of

LOOKED_THROUGH = 50
EARLIER = """
    select v.doc, r.sealed, r.kind, l.words
      from case_view v join report r using (case_id) left join likeness l using (case_id)
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
    words: bytes | None
    """The sketch of what was said (`duplicates.words`)."""

    @staticmethod
    def of(row: Any) -> Earlier:
        """A row with `doc`, `sealed`, `kind` and `words`."""
        return Earlier(Case.model_validate_json(row["doc"]), orjson.loads(row["sealed"]), row["kind"], row["words"])

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


@dataclass(frozen=True)
class Called:
    """What a caller says: of which kind, where, and in which words."""

    telephone: str | None
    kind: str
    place: Place
    content: str


async def open_cases_of(running: Runtime, person: Person, called: Called) -> list[Earlier]:
    """The open cases of this caller, of this kind, at this place (rulebook.md d.5) that are shown to whoever asks.

    Newest first. None where there are none, no number, or one that everybody dials.
    """
    entries = sought_entries(called.telephone, config.of(running).search_key)
    if not entries:
        return []
    async with running.pool.acquire() as conn:
        earlier = await earlier_cases(conn, entries, LOOKED_THROUGH)
    directory, seen = person.directory, sight(person.actor, person.directory, person.now)
    shown = [one for one in earlier if seen.sees(one.case)]
    alike = [one for one in shown if not one.case.ended and called.kind in (one.case.kind, one.kind)]
    if not alike:
        return []
    here = located(called.place, directory, person.now)
    radius = directory.rulebook.cluster.radius_m
    keys = await keys_of(running, alike)
    his = [one for one in alike if same_caller(one.telephone(keys[one.case.case_id]), called.telephone)]
    return [one for one in his if same_place(here, one.place(keys[one.case.case_id]), radius)]


async def keys_of(running: Runtime, cases: Sequence[Earlier]) -> dict[str, CaseKeys]:
    """The keys of these cases, without those whose destruction is decided."""
    found = await running.vault.keys_of_all({one.case.case_id for one in cases})
    return {one.case.case_id: found[one.case.case_id].without(one.case.erased) for one in cases}


def located(place: Place, directory: View, at: datetime) -> Place:
    """The place with its grid; raises `PlaceUnknown`."""
    return Place(grid_of(place, directory, at), place.longitude, place.latitude, place.address)
