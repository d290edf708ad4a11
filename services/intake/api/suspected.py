"""HTTP of open cases that look like one matter: the list of them, and that some are not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse
from pydantic import Field

from libs.case.access import Sight, sight
from libs.directory.facts.view import View
from libs.events.contracts.intake import NewCaseReason
from libs.events.decider import Actor
from libs.events.errors import Malformed
from libs.events.ids import CaseId
from libs.log.store.event_store import Connection
from libs.log.watermarks.watermark import DECIDING_SOURCES
from libs.service.http.answers import DocumentAnswer, answer
from libs.service.http.cases import CASE_ID, CaseRef, MinPosition, carry_out
from libs.service.http.commands import CommandBody
from libs.service.http.dependencies import CallerDep, CommandDep, RuntimeDep
from libs.service.http.freshness import as_of, wait_for_position
from libs.service.http.shapes import Done, told
from libs.service.runtime import Runtime
from services.intake.api.answers import Suspected
from services.intake.api.known_callers import Earlier, keys_of
from services.intake.domain import receipts
from services.intake.domain.duplicates import Matter
from services.intake.domain.suspected import Known, Pair, Suspicion, TellCasesApart, groups, pairs, suspicion

router = APIRouter(tags=["重复件 same matter"])

SHOWN_TO = ("OPERATOR", "REVIEWER", "DISPATCHER", "SUPERVISOR")
"""That two cases come from one number is said to whom the desk or the supervision is entrusted to."""
LISTED = DECIDING_SOURCES
LOOKED_THROUGH = 300
SHARED = """
    with shared as (select clue from clue where open group by clue having count(*) > 1),
         mine as (select clue from clue where case_id = $2),
         having_some as (
           select c.case_id, max(c.received_at) as received_at from clue c join shared using (clue)
            where c.open and ($2::uuid is null or c.clue in (select clue from mine))
            group by c.case_id order by received_at desc, case_id desc limit $1)
    select c.case_id::text as case_id, c.clue, c.about from clue c join shared using (clue)
      join having_some using (case_id) where c.open
"""
"""The newest open cases that share something with another, with what they share."""
CASES = """
    select v.doc, r.sealed, r.kind, l.words
      from case_view v join report r using (case_id) left join likeness l using (case_id)
     where case_id = any($1)
"""
APART = "select case_id::text as case_id, other::text as other from told_apart where case_id = any($1)"


class TellApartBody(CommandBody):
    """Which cases are another matter, and in what they differ."""

    others: list[Annotated[str, Field(pattern=CASE_ID)]] = Field(min_length=1, max_length=LOOKED_THROUGH)
    reason: NewCaseReason

    def command(self, at: datetime, by: Actor) -> TellCasesApart:
        return TellCasesApart(at, by, tuple(map(CaseId, self.others)), self.reason)


class NoSuchCases(Malformed):
    """Cases are told apart from cases."""

    zh = "所列案件中有不存在的"
    en = "one of these cases does not exist"


@router.post(
    "/cases/{case_id}/tell-apart", summary="确认为不同事项 / not the same matter", responses=told(Done, may=(409,))
)
async def tell_apart(  # noqa: PLR0917 - FastAPI passes them by name
    case_id: CaseRef,
    body: TellApartBody,
    running: RuntimeDep,
    person: CallerDep,
    call: CommandDep,
    min_position: MinPosition = None,
) -> JSONResponse:
    await wait_for_position(running, min_position)

    async def exist(conn: Connection) -> None:
        call.actor.must_be("OPERATOR")
        found = await conn.fetchval("select count(*) from case_view where case_id = any($1)", sorted(set(body.others)))
        if found < len(set(body.others)):
            raise NoSuchCases()

    return answer(await carry_out(running, case_id, call, lambda now: body.command(now, call.actor), check=exist))


@router.get("/duplicates", summary="疑似重复 / open cases that look like one matter", responses=told(Suspected))
async def list_suspected(
    running: RuntimeDep,
    person: CallerDep,
    case_id: Annotated[str | None, Query(pattern=CASE_ID, description="其中的案件 / the group of this case")] = None,
    min_position: MinPosition = None,
) -> JSONResponse:
    """Groups of open cases that came in as several: by one number, or at one place, in alike words. Newest first.

    A group is gone once all but one of its cases have ended, or the operator has told them apart. Of many cases the
    newest 300 are looked through, then `more` is true.
    """
    person.actor.must_be(*SHOWN_TO)
    await wait_for_position(running, min_position)
    async with running.pool.acquire() as conn:
        fresh = await as_of(conn, LISTED, running.settings.stale_after_seconds)
        shared = await conn.fetch(SHARED, LOOKED_THROUGH, case_id)
        ids = sorted({row["case_id"] for row in shared})
        rows = await conn.fetch(CASES, ids)
        apart = {(row["case_id"], row["other"]) for row in await conn.fetch(APART, ids)}
    known = await _known(running, rows, sight(person.actor, person.directory, person.now))
    having = pairs((row["case_id"], row["clue"], row["about"]) for row in shared if row["case_id"] in known)
    found = _suspicions(having, known, apart, person.directory)
    shown = [_group(known, group, found) for group in groups(found) if case_id is None or case_id in group]
    items = sorted(shown, key=lambda one: one["since"], reverse=True)
    more = len(ids) >= LOOKED_THROUGH
    return DocumentAnswer({"count": len(items), "items": items, "more": more, **fresh.document()})


async def _known(running: Runtime, rows: Sequence[Any], seen: Sight) -> dict[str, Known]:
    """Those that the caller sees, with their places as far as the keys still open them."""
    cases = [one for row in rows if seen.sees((one := Earlier.of(row)).case)]
    keys = await keys_of(running, cases)
    return {
        one.case.case_id: Known(
            one.case, Matter(one.place(keys[one.case.case_id]), one.kind, one.case.class_code, one.words)
        )
        for one in cases
    }


def _suspicions(
    having: Mapping[Pair, bool], known: Mapping[str, Known], apart: set[Pair], directory: View
) -> dict[Pair, Suspicion]:
    radius, found = directory.rulebook.cluster.radius_m, {}
    for (one, other), same_number in having.items():
        later = max(one, other, key=lambda case: (known[case].case.received_at, case))
        said = {(one, other), (other, one), *([(later, later)] if same_number else ())}
        if said & apart:
            continue
        if why := suspicion(known[one], known[other], radius, same_number=same_number):
            found[one, other] = why
    return found


def _group(known: Mapping[str, Known], group: Sequence[str], found: Mapping[Pair, Suspicion]) -> dict[str, Any]:
    """`since`: when the second of them came in; the reason is the strongest that holds between two of them."""
    cases = sorted((known[one].case for one in group), key=lambda case: (case.received_at, case.case_id))
    why = max(
        (found[pair] for pair in found if pair[0] in group), key=lambda one: (one.same_number, one.found.strength)
    )
    zh, en = why.reasons()
    names = ("case_id", "received_at", "kind", "class_code", "grid", "state", "unit", "contacts")
    shown = [
        {name: getattr(case, name) for name in names}
        | {"receipt": receipts.number_of(case.case_id) if case.found == "APPEAL" else None}
        for case in cases
    ]
    return {
        "cases": shown,
        "since": cases[1].received_at,
        "same_number": why.same_number,
        "reason_zh": zh,
        "reason_en": en,
    }
