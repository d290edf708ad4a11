"""Fetches of an aiokafka consumer that come together: the next one no sooner than some milliseconds after an answer.

Why: a consumer asks again in the instant in which an answer brought something, so eight events in a row are eight
answers, eight transactions and eight wake-ups of the process. An event that comes after a pause waits for nothing: then
the question lies at the broker already. Neither `fetch_min_bytes` nor a slower loop around `getmany` does that: the one
delays every event, the other does not keep the client from fetching. With 20 ms it earns about a tenth of a case's
processor time (`make bench`, group `case`).
"""

from __future__ import annotations

from time import monotonic
from typing import Any

from aiokafka import AIOKafkaConsumer


def gather_fetches(consumer: AIOKafkaConsumer, seconds: float) -> None:
    """From now on; the consumer has been started."""
    fetcher: Any = consumer._fetcher
    asked, answered = fetcher._get_actions_per_node, fetcher._proc_fetch_request
    not_before = 0.0

    def paced(assignment: Any) -> Any:
        left = not_before - monotonic()
        return ([], {}, left, False, []) if left > 0 else asked(assignment)

    async def noted(*answer: Any) -> Any:
        nonlocal not_before
        if brought := await answered(*answer):
            not_before = monotonic() + seconds
        return brought

    fetcher._get_actions_per_node, fetcher._proc_fetch_request = paced, noted
