"""The log is saved while services write to it and sign what they have written."""

from pathlib import Path

import pytest

from libs.events.checkpoint import Checkpoint
from libs.events.topics import CASE_EVENTS, CHECKPOINTS
from libs.log.checkpoint import Signer
from libs.log.kafka.broker import Address
from operations.backup import topics
from tests.integration.logs import MORNING, SOURCE, Log, case_in
from tests.integration.relays import as_superuser, caught_up, relaying
from tests.keys import KEYS

LANE = 61
READ_BACK = """
    update read.source_progress p set seq = h.seq, hash = h.hash from log.lane_head h
     where p.lane = h.lane and p.source = '/xunban/intake'
"""


async def test_every_event_that_a_saved_checkpoint_names_is_saved(
    relayed_log: Log, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before each topic is saved, one more event is in the log, read back and signed."""
    log, case, save = relayed_log, case_in(LANE), topics.save
    signer = Signer(SOURCE, log.pool, log.bootstrap, KEYS)
    async with relaying(log, [LANE]) as relay:

        async def signed_and_saved(kafka: Address, topic: str, file: Path) -> dict[int, int]:
            await log.append(case)
            await caught_up(log, relay, LANE)
            await as_superuser(log, READ_BACK)
            await signer.publish(MORNING)
            return await save(kafka, topic, file)

        monkeypatch.setattr(topics, "save", signed_and_saved)
        await topics.save_all(log.bootstrap, tmp_path)

    *_, newest = topics.read(tmp_path / f"{CHECKPOINTS.name}.gz")
    assert newest.body is not None
    signed, _ = Checkpoint.parse(newest.body).heads[LANE]
    events = [one for one in topics.read(tmp_path / f"{CASE_EVENTS.name}.gz") if one.key == case.encode()]
    assert 0 < signed <= len(events)
