"""A signing key that is changed, or that nobody knows: its source falls silent at most, and nothing is lost."""

from __future__ import annotations

from pathlib import Path

import pytest
from aiokafka import TopicPartition
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from libs.events.lanes import genesis
from libs.events.signature import Proves
from libs.log.keys import Keys, KeysInFile, read_key, read_public_keys
from libs.log.read.progress import Cursor, check_batch
from libs.log.relay import relay as relays
from operations.embedded import keys
from operations.embedded.instance import PUBLIC_KEYS
from tests.integration.logs import NOTED, SOURCE, Log, case_in, eventually, read_lane
from tests.integration.relays import caught_up, relaying

LANE = 29


def own(folder: Path, proves: Proves) -> Keys:
    return Keys(read_key(folder / "checkpoint-intake.pem"), proves)


async def proven(log: Log, proves: Proves) -> list[int]:
    """The numbers of the lane's events that these keys prove."""
    cursor = Cursor(TopicPartition("case.events", LANE), 0, {SOURCE: (0, genesis(SOURCE, LANE))})
    sent = await read_lane(log, LANE)
    return [event.position.seq for event in check_batch(cursor, sent, range(len(sent)), proves).events]


async def test_what_was_signed_with_the_old_key_stays_proven_when_a_new_one_comes(
    relayed_log: Log, tmp_path: Path
) -> None:
    keys.create(tmp_path)
    living = KeysInFile(tmp_path / PUBLIC_KEYS)
    async with relaying(relayed_log, [LANE], keys=own(tmp_path, living.proves)) as relay:
        await relayed_log.append(case_in(LANE), NOTED)
        await caught_up(relayed_log, relay, LANE)
    of_old = read_public_keys(tmp_path / PUBLIC_KEYS)
    keys.renew_signing_key(tmp_path, "intake")
    async with relaying(relayed_log, [LANE], keys=own(tmp_path, living.proves)) as relay:
        await relayed_log.append(case_in(LANE), NOTED)
        await caught_up(relayed_log, relay, LANE)
    assert await proven(relayed_log, living.proves) == [1, 2]
    assert await proven(relayed_log, of_old.proves) == [1]


async def test_a_relay_whose_key_nobody_knows_sends_nothing_until_it_is_known(
    relayed_log: Log, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relays, "UNKNOWN_SECONDS", 0.1)
    keys.create(tmp_path)
    living = KeysInFile(tmp_path / PUBLIC_KEYS)
    before = (tmp_path / PUBLIC_KEYS).read_text()
    keys.renew_signing_key(tmp_path, "intake")
    renewed = (tmp_path / PUBLIC_KEYS).read_text()
    (tmp_path / PUBLIC_KEYS).write_text(before)
    async with relaying(relayed_log, [LANE], keys=own(tmp_path, living.proves)) as relay:
        await relayed_log.append(case_in(LANE), NOTED)
        await eventually(lambda: relay.speechless, "it says that nobody would take what it sends")
        assert relay.sent == 0
        (tmp_path / PUBLIC_KEYS).write_text(renewed)
        await caught_up(relayed_log, relay, LANE)
        assert not relay.speechless


def test_keys_that_cannot_be_read_again_change_nothing(tmp_path: Path) -> None:
    keys.create(tmp_path)
    living = KeysInFile(tmp_path / PUBLIC_KEYS)
    (tmp_path / PUBLIC_KEYS).write_text("{")
    message = b"xunban"
    key = read_key(tmp_path / "checkpoint-intake.pem")
    assert living.proves(SOURCE, message, key.sign(message))
    assert not living.proves(SOURCE, message, Ed25519PrivateKey.generate().sign(message))
    assert not living.proves("/xunban/routing", message, key.sign(message))
