"""What is to be done with one open message now: dropped with its reason, or a parcel for its channel. Sends nothing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import orjson

from libs.case.facts import Facts
from libs.directory.facts.view import View
from libs.directory.rules.contacts import mobile_of, point_of, rules_of
from libs.directory.rules.naming import Naming
from libs.events.contracts.directory import ContactPoint, DraftPublished, DraftWithdrawn
from libs.events.contracts.notify import DropReason
from libs.events.errors import Unavailable
from libs.events.event import Sealed
from libs.events.ids import MessageId, PersonId
from libs.log.store.event_store import Connection
from libs.log.write.prefetch import Prefetched
from libs.log.write.seal import MASKED, CaseKeys
from libs.service.runtime import Runtime
from services.notify.channels.channel import Channel, ChannelFailed, Parcel
from services.notify.domain.audiences import may_know, unreachable
from services.notify.domain.delivery import Delivery
from services.notify.domain.lateness import Waited, day_of, mass_of, patience
from services.notify.readmodel.tables import PRINTED
from services.notify.texts.rendering import Letter, Rendering

DUES = """
    select case_id::text as case_id, clock, due_at from due where case_id = any($1::uuid[]) and due_at is not null
"""
ALIKE = """
    select message_id, mass, due_at from message
     where recipient = $1 and alike = $2 and due_at >= $3 and due_at < $3 + interval '1 day' and state <> 'DROPPED'
       and message_id <> $5 and (state = 'SENT' or (due_at, message_id) < ($4, $5))
     order by mass desc, due_at limit $6
"""
ENDED = f"""
    select exists (select from directory_fact where type in ('{DraftPublished.ce_type}', '{DraftWithdrawn.ce_type}')
                      and convert_from(body, 'UTF8')::jsonb ->> 'draft' = $1)
"""  # noqa: S608 - our own names
WORDING = "select sealed from wording where event_id = $1"
WORDED = frozenset({"not_accepted"})
"""Templates that print what somebody wrote."""
PHONE = "select phone from reporter where case_id = $1"


class NotSent(Exception):
    """The message is not to be sent at all."""

    def __init__(self, reason: DropReason, covered_by: MessageId | None = None) -> None:
        super().__init__(reason)
        self.reason: DropReason = reason
        self.covered_by = covered_by


@dataclass
class Masses:
    """The one message of each mass incident that this process knows of, before the ledger shows it."""

    by: dict[tuple[str, str, datetime], tuple[datetime, str]] = field(default_factory=dict)

    def get(self, key: tuple[str, str, datetime]) -> tuple[datetime, str] | None:
        """When it was due, and which it is."""
        return self.by.get(key)

    def set(self, key: tuple[str, str, datetime], row: Any) -> None:
        """Those of other days are forgotten: the ledger has them."""
        others = {known: one for known, one in self.by.items() if known[2] == key[2]}
        self.by = others | {key: (row["due_at"], row["message_id"])}


@dataclass(frozen=True)
class Known:
    """A case as this service has it right now."""

    seen: Prefetched
    facts: Facts
    dues: Mapping[str, datetime]

    @property
    def view(self) -> View:
        return self.facts.directory

    @property
    def now(self) -> datetime:
        """Business time."""
        return self.seen.now


@dataclass(frozen=True)
class Look:
    """Cases, and drafts of the directory, seen in one reading: by stream, with running clocks and the directory."""

    running: Runtime
    seen: Mapping[str, Prefetched]
    dues: Mapping[str, Mapping[str, datetime]]

    def known(self, stream: str) -> Known:
        """Raises `UnknownEvent`, for this case alone."""
        seen = self.seen[stream]
        return Known(seen, self.running.facts_of(seen), self.dues.get(str(seen.case_id), {}))


async def look_at(running: Runtime, conn: Connection, streams: Collection[str]) -> Look:
    """What these streams are about, as it is now."""
    seen = await running.look(conn, streams)
    dues: dict[str, dict[str, datetime]] = defaultdict(dict)
    for row in await conn.fetch(DUES, [one.case_id for one in seen.values()]):
        dues[row["case_id"]][row["clock"]] = row["due_at"]
    return Look(running, seen, dues)


async def letter_of(conn: Connection, row: Any, known: Known, masses: Masses) -> Letter:
    """What is said; raises `NotSent`."""
    if row["recipient"] == "reporter" and known.facts.case and (gone := unreachable(known.facts.case)):
        raise NotSent(gone)
    mass = 0 if row["digest"] else await _mass(conn, row, known, masses)
    waited = _waited(row, known)
    if waited.judged_again and row["template"] == "draft_waiting" and await conn.fetchval(ENDED, row["case_id"]):
        raise NotSent("OBSOLETE")
    # The one message of a mass incident stands for those after it, whatever became of its own case.
    if waited.judged_again and not mass:
        _judge(waited, known)
    point = point_of(row["recipient"], row["channel"], known.view)
    return Letter(
        row["template"],
        row["case_id"],
        row["recipient"],
        waited.values,
        known.dues,
        channel=row["channel"],
        language=point.language if point else "both",
        texts=dict.fromkeys(PRINTED, MASKED) if row["template"] in WORDED else {},
        late=(row["send_at"] or row["due_at"]) if waited.late else None,
        mass=mass,
    )


def _waited(row: Any, known: Known) -> Waited:
    values: dict[str, str] = orjson.loads(row["details"])
    may_wait = patience(rules_of(known.view))
    return Waited(
        row["template"], row["recipient"], values, row["due_at"], row["send_at"], known.now, may_wait
    )  # fmt: skip


def _judge(waited: Waited, known: Known) -> None:
    """What has waited long is not sent where it is overtaken, or where its reader may not see the case now."""
    case = known.facts.case
    if case is None:
        return
    kind, _, key = waited.recipient.partition(":")
    if kind == "person" and not may_know(PersonId(key), case, known.view, known.now):
        raise NotSent("NOT_ALLOWED")
    if waited.overtaken(case, known.dues):
        raise NotSent("OBSOLETE")


async def _mass(conn: Connection, row: Any, known: Known, masses: Masses) -> int:
    """How many alike there are where this is the last one told by itself, else 0; raises `NotSent` for those after it.

    Counted per recipient and local day: what was sent, and what became due before this one. Messages are sent side by
    side: one that was due before that last one is told by itself, though its turn comes after it.
    """
    if row["alike"] is None:
        return 0
    begins = day_of(row["due_at"], Naming(known.view).zone)
    key = (row["recipient"], row["alike"], begins)
    most = known.view.rulebook.cluster.cluster
    alike: Sequence[Any] = []
    if masses.get(key) is None:
        alike = await conn.fetch(ALIKE, *key, row["due_at"], row["message_id"], most)
        if alike and alike[0]["mass"]:
            masses.set(key, alike[0])
    if (last := masses.get(key)) is not None:
        if last < (row["due_at"], row["message_id"]):
            raise NotSent("COVERED", MessageId(last[1]))
        # The last one itself, once more: its first try did not arrive.
        return most if last[1] == row["message_id"] else 0
    if mass := mass_of(len(alike), known.view):
        masses.set(key, row)
    return mass


async def address_of(
    running: Runtime, conn: Connection, row: Any, known: Known, carrier: Channel | None
) -> ContactPoint:
    """Where it goes; a reporter's sealed telephone is opened here alone. Raises `NotSent`, `ChannelFailed`."""
    if carrier is not None and carrier.name == "file":
        return ContactPoint(channel="file")
    point = point_of(row["recipient"], row["channel"], known.view)
    if row["recipient"] == "reporter" and row["channel"] == "sms":
        return ContactPoint(channel="sms", address=await _telephone(running, conn, row["case_id"], known))
    if point is None or not point.address:
        raise NotSent("NO_CONTACT")
    return point.model_copy(update={"address": _mobile(point.address)}) if point.channel == "sms" else point


async def _telephone(running: Runtime, conn: Connection, case_id: str, known: Known) -> str:
    sealed = await conn.fetchval(PHONE, case_id)
    if sealed is None:
        raise NotSent("NO_CONTACT")
    erased = known.facts.case.erased if known.facts.case else ()
    phone = (await _keys(running, case_id)).without(erased).open(Sealed.model_validate_json(sealed))
    if phone is None or phone == MASKED:
        raise NotSent("ERASED")
    return _mobile(phone)


def _mobile(written: str) -> str:
    if (mobile := mobile_of(written)) is None:
        raise NotSent("NO_CONTACT")
    return mobile


async def worded(running: Runtime, conn: Connection, row: Any, letter: Letter) -> Letter:
    """The letter with what somebody wrote in it. Raises `NotSent` once its key is destroyed, `ChannelFailed`."""
    if letter.template not in WORDED or letter.values.keys() >= set(PRINTED):
        return letter  # Older messages carry it themselves.
    kept = await conn.fetchval(WORDING, row["event_id"])
    texts: dict[str, Any] = orjson.loads(kept) if kept else dict.fromkeys(PRINTED, MASKED)
    keys = await _keys(running, row["case_id"])
    opened = {
        name: text if isinstance(text, str) else keys.open(Sealed.model_validate(text)) or MASKED
        for name, text in texts.items()
    }
    if MASKED in opened.values():
        raise NotSent("ERASED")
    return replace(letter, texts=opened)


async def _keys(running: Runtime, case_id: str) -> CaseKeys:
    try:
        return await running.vault.keys_of(case_id)
    except Unavailable as away:
        raise ChannelFailed("VAULT") from away


def parcel_of(row: Any, letter: Letter, point: ContactPoint, rendering: Rendering) -> Parcel:
    """One message for its channel; raises `jinja2.TemplateError`."""
    text = rendering.letter(letter)
    return Parcel(
        row["message_id"],
        row["recipient"],
        text.subject,
        text.body,
        point.address,
        {
            "type": row["event_type"],
            "timestamp": row["due_at"].isoformat(),
            "data": {
                **{name: row[name] for name in ("message_id", "case_id", "event_id", "template", "recipient")},
                "values": letter.values,
                "late": letter.late is not None,
            },
        },
        point.secret_generation,
    )


def dropped(row: Any, why: NotSent) -> Delivery:
    """The outcome of a message that is not sent."""
    return Delivery(MessageId(row["message_id"]), row["channel"], dropped=why.reason, covered_by=why.covered_by)
