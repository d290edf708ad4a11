"""Numbers of other systems: one case for each of a source, however often and by whomever of it it is sent."""

from __future__ import annotations

from itertools import count

from libs.case.access import sight
from libs.case.state import Case
from libs.directory.facts.view import View
from libs.events.contracts.intake import CaseVoided
from libs.events.decider import Actor
from libs.events.ids import ExternalId, PersonId, derived_id
from libs.log.store.event_store import Connection
from libs.service.callers import MACHINE
from libs.service.http.dependencies import Person
from services.intake.domain.reception import NumberTaken

VOIDED = "select exists (select from log.event where stream = $1 and type = $2)"
BEGUN = "select exists (select from log.stream_head where stream = $1)"
KNOWN = """
    select v.doc, convert_from(e.body, 'UTF8')::json ->> 'recorded_by' as recorded_by
      from report r join case_view v using (case_id)
      join log.event e on e.stream = 'case-' || r.case_id and e.version = 1
     where r.external_id = $1 and v.state <> 'VOID' and r.case_id <> $2
     order by r.received_at
"""
TAKE = """
    insert into numbers.taken as t (source, number, case_id) values ($1, $2, $3)
    on conflict (source, number) do update set case_id = excluded.case_id
     where t.case_id = excluded.case_id
        or exists (select from log.event e where e.stream = 'case-' || t.case_id and e.type = $4)
    returning case_id
"""
"""Whoever comes second waits for the first one's end; a voided case gives its number back."""
HOLDER = "select case_id::text from numbers.taken where source = $1 and number = $2"
DESK = "desk"
"""Whoever is no machine: people enter the numbers of one pile of paper."""


def source_of(by: Actor) -> str:
    """Whose numbers these are: each machine has its own."""
    return by.person if by.role == MACHINE else DESK


async def case_of(conn: Connection, by: Actor, number: ExternalId) -> str:
    """The id of the one case of this number: it follows from source and number, so two at one instant meet in it.

    A voided case was none: its number has another id from then on.
    """
    for voided in count():
        case_id = derived_id("number", source_of(by), number, str(voided))
        if not await conn.fetchval(VOIDED, f"case-{case_id}", CaseVoided.ce_type):
            return case_id
    raise AssertionError


async def take(conn: Connection, by: Actor, number: ExternalId, case_id: str, person: Person) -> None:
    """The number is this case's, if the caller's transaction ends well. Raises `NumberTaken`."""
    await _must_be_new(conn, by, number, case_id, person)
    source = source_of(by)
    if not await conn.fetchval(TAKE, source, number, case_id, CaseVoided.ce_type):
        holder = await conn.fetchval(HOLDER, source, number)
        raise NumberTaken(holder if by.role == MACHINE or sight(by, person.directory, person.now).everything else None)


async def _must_be_new(conn: Connection, by: Actor, number: ExternalId, case_id: str, person: Person) -> None:
    """Raises `NumberTaken` where the number has a case of before: under its own id, or one that an older version made.

    The case is named to whom it is shown, and to the machine that brought it.
    """
    own = await case_of(conn, by, number)
    begun = await conn.fetchval(BEGUN, f"case-{own}")
    others = [
        Case.model_validate_json(row["doc"])
        for row in await conn.fetch(KNOWN, number, case_id)
        if _recorded_for(source_of(by), row["recorded_by"], person.directory)
    ]
    seen = sight(by, person.directory, person.now)
    shown = [case.case_id for case in others if by.role == MACHINE or seen.sees(case)]
    if begun and (by.role == MACHINE or seen.everything):
        shown.insert(0, own)
    if begun or others:
        raise NumberTaken(shown[0] if shown else None)


def _recorded_for(source: str, recorded_by: str | None, directory: View) -> bool:
    by_person = recorded_by is not None and directory.person(PersonId(recorded_by)) is not None
    return by_person if source == DESK else recorded_by == source
