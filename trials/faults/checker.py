"""After the manner of Jepsen: what clients were promised, what services stored and what Kafka holds must be one log."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import asyncpg
import orjson
from aiokafka import TopicPartition

from libs.audit.checks.findings import Fault
from libs.audit.reading import open_log
from libs.audit.verify import verify
from libs.events.lanes import DIRECTORY_LANE, Headers, decode_meta, source_of
from libs.events.proof import Proof
from libs.events.topics import HEARTBEATS
from libs.log.kafka.topics import topic_of
from libs.log.read.progress import parsed
from libs.log.store.event_store import stored_position
from libs.log.watermarks.watermark import sources_of
from operations.compare import opener, parts_of
from operations.embedded.stack import Stack
from operations.installation import SERVICES
from operations.rebuild import compare
from trials.faults.stranger import Place
from trials.faults.verdicts import LoggedEvent, false_verdicts

EVENTS = "select lane, seq, version, recorded_at, prev_hash, hash, meta, body from log.event order by lane, seq"
RECEIPTS = "select body from log.event where type = 'notify.message-sent.v1'"


@dataclass(frozen=True)
class Entry:
    """One event as it stands in a table or in a topic, byte for byte."""

    seq: int
    key: bytes
    headers: tuple[tuple[str, bytes], ...]
    body: bytes

    @property
    def event_id(self) -> str:
        """`ce_id`."""
        return dict(self.headers)["ce_id"].decode()


Chains = Mapping[tuple[str, int], Sequence[Entry]]
"""(source, lane) → entries, in the order in which they stand."""


OF_STRANGERS = (Fault.FOREIGN, Fault.UNSIGNED, Fault.SIGNATURE, Fault.CONTENT)


@dataclass(frozen=True)
class Acknowledged:
    """What a client was answered: its events, and where the last of them stands (`intake.12.3456`)."""

    position: str
    event_ids: tuple[str, ...]


@dataclass(frozen=True)
class Report:
    """What was compared, and everything that is not as it must be; a fault begins with its kind and a colon."""

    events: int
    duplicates: int
    acknowledged: int
    faults: tuple[str, ...]


async def check(
    stack: Stack,
    acknowledged: Sequence[Acknowledged],
    now: datetime,
    *,
    strangers: Collection[Place] = (),
    rebuild: bool = True,
) -> Report:
    """Compare everything with everything once the services have come to rest at `now`; read models with `rebuild`.

    What `strangers` wrote must be named by the auditor, place by place, and count for nothing else.
    """
    committed, (published, duplicates) = await _committed(stack), await _published(stack)
    faults = [*log_faults(committed, published), *broken_promises(published, acknowledged)]
    faults += await _audit_faults(stack, strangers)
    faults += await _message_faults(stack)
    if rebuild:
        faults += await read_model_faults(stack)
    faults += [fault for case, log in cases_of(published).items() for fault in false_verdicts(case, log, now)]
    return Report(sum(map(len, committed.values())), duplicates, len(acknowledged), tuple(faults))


# Judging; pure


def without_repeats(chain: Iterable[Entry]) -> tuple[list[Entry], int]:
    """The first copy of each record, and how many identical copies came after; another copy stays as one too many."""
    seen: dict[int, set[Entry]] = defaultdict(set)
    kept = []
    repeats = 0
    for entry in chain:
        if entry in seen[entry.seq]:
            repeats += 1
        else:
            seen[entry.seq].add(entry)
            kept.append(entry)
    return kept, repeats


def log_faults(committed: Chains, published: Chains) -> list[str]:
    """Where topic and tables differ: lost, phantom, changed, out of order."""
    found = []
    for key in sorted({*committed, *published}):
        table, topic = list(committed.get(key, [])), list(published.get(key, []))
        if table == topic:
            continue
        place = f"{key[0]} lane {key[1]}"
        there, sent = {one.seq: one for one in table}, {one.seq for one in topic}
        found += [f"lost: {place} seq {seq}" for seq in there.keys() - sent]
        found += [f"phantom: {place} seq {seq}" for seq in sent - there.keys()]
        found += [f"changed: {place} seq {one.seq}" for one in topic if there.get(one.seq, one) != one]
        if [one.seq for one in topic] != sorted(sent):
            found.append(f"out of order: {place}")
    return found


def broken_promises(published: Chains, acknowledged: Iterable[Acknowledged]) -> list[str]:
    """Events that a client was answered and that are not where he was told."""
    ids = {entry.event_id for chain in published.values() for entry in chain}
    at = {(key, entry.seq): entry.event_id for key, chain in published.items() for entry in chain}
    found = []
    for answer in acknowledged:
        service, lane, seq = answer.position.split(".")
        if set(answer.event_ids) - ids:
            found.append(f"acknowledged and lost: {answer}")
        elif at.get(((f"/xunban/{service}", int(lane)), int(seq))) != answer.event_ids[-1]:
            found.append(f"acknowledged at another position: {answer}")
    return found


def cases_of(chains: Chains) -> dict[str, list[LoggedEvent]]:
    """Each case's events of all services."""
    cases: dict[str, list[LoggedEvent]] = defaultdict(list)
    for chain in chains.values():
        for entry in chain:
            said = {name: value.decode() for name, value in entry.headers}
            if said["ce_stream"].startswith("case-"):
                at = datetime.fromisoformat(said["ce_recordedat"])
                cases[said["ce_subject"]].append(LoggedEvent(said["ce_type"], at, orjson.loads(entry.body)))
    return cases


# Reading


async def _committed(stack: Stack) -> Chains:
    chains: dict[tuple[str, int], list[Entry]] = defaultdict(list)
    for service in SERVICES:
        for row in await _rows(stack, service, EVENTS):
            headers: Headers = [*decode_meta(row["meta"]), *stored_position(row).headers()]
            source = source_of(f"/xunban/{service}", row["lane"])
            key = dict(headers)["ce_subject"]
            chains[source, row["lane"]].append(Entry(row["seq"], key, tuple(headers), row["body"]))
    return chains


async def _audit_faults(stack: Stack, strangers: Collection[Place]) -> list[str]:
    """What the auditor finds of the services' own, and what he does not find of strangers."""
    found = (await verify(stack.bootstrap, keys=stack.public_keys)).findings
    places = {(one.topic, one.partition, one.offset) for one in found}
    # Where an acknowledgement was lost a stranger does not know what he wrote; ours have all been signed.
    own = [one for one in found if not strangers or one.fault not in OF_STRANGERS]
    missed = [place for place in strangers if place[0] != HEARTBEATS.name and place not in places]
    return [f"verify: {one.fault} {one.detail}" for one in own] + [f"verify: not named {place}" for place in missed]


async def _published(stack: Stack) -> tuple[Chains, int]:
    """What each source has proven to be its own."""
    chains: dict[tuple[str, int], list[Entry]] = defaultdict(list)
    proves = stack.public_keys.proves
    proofs = {topic_of(lane): Proof(lane, frozenset(sources_of(lane)), {}) for lane in range(DIRECTORY_LANE + 1)}
    async with open_log(stack.bootstrap) as log:
        partitions = [*await log.partitions("case.events"), *await log.partitions("directory.events")]
        extent = await log.extent(partitions)
        async for records in log.read(extent.begin, extent.end):
            for record in records:
                tp = TopicPartition(record.topic, record.partition)
                proofs[tp], proven, _ = proofs[tp].take(parsed(record), record.offset, proves)
                for wire in proven:
                    headers = (*wire.headers, *wire.position.headers())
                    entry = Entry(wire.position.seq, dict(wire.headers)["ce_subject"], headers, wire.body)
                    chains[wire.source, wire.position.lane].append(entry)
    kept = {key: without_repeats(chain) for key, chain in chains.items()}
    return {key: chain for key, (chain, _) in kept.items()}, sum(repeats for _, repeats in kept.values())


async def read_model_faults(stack: Stack, services: Sequence[str] = SERVICES) -> list[str]:
    """Rows of any service that a rebuild from the log makes differently."""
    found = []
    keys = stack.public_keys
    async with opener(stack.keys_url(), stack.instance.keys) as opens:
        for service in services:
            url = stack.database_url(service, owner=True)
            compared = await compare(url, stack.bootstrap, parts_of(service), keys.proves, opens)
            found += [f"read model: {service} {one.table} {one.key} {one.columns}" for one in compared.differences]
    return found


async def _message_faults(stack: Stack) -> list[str]:
    """Every message that was sent is one file and one event."""
    files = Counter(path.stem for path in stack.instance.outbox.rglob("[!.]*.txt"))
    events = Counter(orjson.loads(row["body"])["message_id"] for row in await _rows(stack, "notify", RECEIPTS))
    twice = [one for one, times in (files | events).items() if times > 1]
    return [f"sent twice: {one}" for one in twice] + [
        f"file or event missing: {one}" for one in set(files) ^ set(events)
    ]


async def _rows(stack: Stack, service: str, query: str) -> list[asyncpg.Record]:
    conn = await asyncpg.connect(stack.admin_url(service))
    try:
        rows: list[asyncpg.Record] = await conn.fetch(query)
        return rows
    finally:
        await conn.close()
