"""Reading Kafka's batches when a stranger's header has a name that is no UTF-8.

Why: aiokafka's consumer raises UnicodeDecodeError on such a record and never gets past it, so one record of whoever may
write to a topic stops every reader of it for good. Kafka itself takes any bytes. The batch that cannot be read is read
again by aiokafka's own parser in Python, with what is no letter replaced; every other batch goes the usual way.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from aiokafka.consumer import fetcher
from aiokafka.record.default_records import _DefaultRecordBatchPy
from aiokafka.record.memory_records import MemoryRecords

HEAD = 12
"""Bytes of a batch before what its length counts: the offset, and the length itself."""


class Lenient(bytearray):
    """Bytes whose text can be read whatever they are."""

    def __getitem__(self, key: Any) -> Any:
        part = super().__getitem__(key)
        return Lenient(part) if isinstance(key, slice) else part

    def decode(self, *_: Any) -> str:
        """With a sign for whatever is no letter."""
        return super().decode("utf-8", "replace")


class Batch:
    """A batch of aiokafka's, and its bytes."""

    def __init__(self, batch: Any, said: bytes) -> None:
        self._batch = batch
        self._said = said

    def __getattr__(self, name: str) -> Any:
        return getattr(self._batch, name)

    def __next__(self) -> Any:
        return next(self._batch)

    def __iter__(self) -> Iterator[Any]:
        try:
            return iter(list(self._batch))
        except UnicodeDecodeError:
            again = _DefaultRecordBatchPy(self._said)
            again._buffer = Lenient(again._buffer)
            return iter(list(again))


class Records:
    """What was fetched of a partition, batch by batch, as aiokafka's fetcher asks for it."""

    def __init__(self, fetched: bytes) -> None:
        self._records = MemoryRecords(fetched)
        self._fetched = fetched
        self._at = 0

    def has_next(self) -> bool:
        """Whether a whole batch is left."""
        return bool(self._records.has_next())

    def size_in_bytes(self) -> int:
        """Of everything that was fetched."""
        return int(self._records.size_in_bytes())

    def next_batch(self) -> Any:
        """The next batch."""
        size = HEAD + int.from_bytes(self._fetched[self._at + 8 : self._at + HEAD])
        said = self._fetched[self._at : self._at + size]
        self._at += size
        return Batch(self._records.next_batch(), said)


def read_leniently() -> None:
    """From now on consumers of this process read any record."""
    fetcher.MemoryRecords = Records
