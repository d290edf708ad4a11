"""Everything that happened to one case, read from its one partition in log order. The words are in words.py."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter

from aiokafka import TopicPartition

from libs.audit.checks.claims import Topics
from libs.audit.checks.signatures import Signatures
from libs.audit.reading import Log, open_log
from libs.case import lifecycle
from libs.case.state import Case
from libs.directory.facts.directory import Directory
from libs.events.envelope import Recorded, WireRecord
from libs.events.errors import ChainBroken, UnknownEvent
from libs.events.ids import EventId
from libs.events.lanes import DIRECTORY_LANE, genesis, lane_of
from libs.events.proof import Head, Proof
from libs.events.signature import PublicKeys
from libs.log.kafka.broker import Address
from libs.log.read.progress import parsed
from libs.log.watermarks.watermark import sources_of


@dataclass(frozen=True)
class History:
    """The events of a case, the case that they add up to, and the directory for names."""

    events: tuple[Recorded, ...]
    case: Case | None
    """What the proven events add up to."""
    directory: Directory
    unproven: frozenset[str]
    """Ids of the events that their source has not signed, or that do not follow its chain."""
    checked: bool
    """Whether there were keys to prove them by."""
    unreadable: int
    """Records under the case's key that are not ours or newer than this code; `verify` names them."""


async def history(
    bootstrap: Address, case_id: str, topics: Topics | None = None, keys: PublicKeys | None = None
) -> History:
    """Read one case; raises `NoLog`. Nobody knows the case: no events. Without keys the chain is checked."""
    topics = topics or Topics()
    case_id = case_id.lower()
    async with open_log(bootstrap) as log:
        unsigned = await _written_unsigned(log, topics, keys) if keys else {}
        facts = _Partition(DIRECTORY_LANE, None, keys, unsigned)
        await facts.read(log, await log.partitions(topics.directory))
        case = _Partition(lane_of(case_id), case_id, keys, unsigned)
        await case.read(log, [TopicPartition(topics.cases, lane_of(case_id))])
    proven = [event for event in facts.events if event.id not in facts.unproven]
    directory = Directory().with_events((one.position.seq, one.data, EventId(one.id)) for one in proven)
    told = lifecycle.fold([event for event in case.events if event.id not in case.unproven])
    return History(case.events, told, directory, frozenset(case.unproven), keys is not None, case.unreadable)


async def _written_unsigned(log: Log, topics: Topics, keys: PublicKeys) -> Mapping[tuple[str, int], int]:
    signatures = Signatures(keys.proves)
    extent = await log.extent(await log.partitions(topics.checkpoints))
    async for records in log.read(extent.begin, extent.end):
        signatures.take_all(records)
    return signatures.unsigned


class _Partition:
    """The events about one subject in one partition: which of them follow their source's own chain, which do not."""

    def __init__(
        self, lane: int, subject: str | None, keys: PublicKeys | None, unsigned: Mapping[tuple[str, int], int]
    ) -> None:
        sources = sources_of(lane)
        self.subject = subject
        self._found: dict[str, tuple[int, Recorded]] = {}
        self.unproven: set[str] = set()
        self.unreadable = 0
        self._keys = keys
        self._heads: dict[str, Head] = {source: (0, genesis(source, lane)) for source in sources}
        self._known: dict[tuple[str, int], bytes] = {}
        # Without keys every record stands for itself.
        last = {source: (unsigned.get((source, lane), 0) if keys else 2**63, b"") for source in sources}
        self._proof = Proof(lane, frozenset(sources), last)

    @property
    def events(self) -> tuple[Recorded, ...]:
        """In the order of the log."""
        return tuple(event for _, event in sorted(self._found.values(), key=itemgetter(0)))

    async def read(self, log: Log, partitions: Sequence[TopicPartition]) -> None:
        """Up to its end as of now."""
        extent = await log.extent(partitions)
        async for records in log.read(extent.begin, extent.end):
            for record in records:
                self._take(parsed(record), record.offset, of_subject=self._is_about(record.key))
        for left in self._proof.waiting:
            self._show(left, proven=False)

    def _is_about(self, key: bytes | None) -> bool:
        return self.subject is None or key == self.subject.encode()

    def _take(self, record: WireRecord | ChainBroken, offset: int, *, of_subject: bool) -> None:
        waited = self._proof.waiting
        self._proof, proven, passed = self._proof.take(record, offset, self._keys.proves if self._keys else _anything)
        for one in proven:
            self._show(one, proven=self._follows(one))
        ours = {one.offset: one for one in (*waited, record) if isinstance(one, WireRecord)} if passed else {}
        for over in passed:
            if over.offset in ours:
                self._show(ours[over.offset], proven=False)
            else:
                self.unreadable += of_subject

    def _follows(self, record: WireRecord) -> bool:
        """Whether it is the next of its source's chain, or one that was there."""
        place, (seq, head) = record.position, self._heads[record.source]
        if (place.seq, place.prev_hash) == (seq + 1, head):
            self._heads[record.source] = (place.seq, place.hash)
            self._known[record.source, place.seq] = place.hash
        return self._known.get((record.source, place.seq)) == place.hash

    def _show(self, record: WireRecord, *, proven: bool) -> None:
        """Once each; a copy that nobody signed takes nothing from the event that was."""
        try:
            event = record.decode()
        except UnknownEvent:
            self.unreadable += 1
            return
        if self.subject is not None and event.subject != self.subject:
            return
        if proven and event.id in self.unproven:
            self.unproven.discard(event.id)
            self._found[event.id] = (record.offset, event)
        elif event.id not in self._found:
            self._found[event.id] = (record.offset, event)
            if not proven:
                self.unproven.add(event.id)


def _anything(_: str, __: bytes, ___: bytes) -> bool:
    return True
