"""The vault on a real PostgreSQL: two keys per case, erasure, and what happens while it cannot be reached."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import asyncpg
import pytest
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap

from libs.case.state import Case
from libs.events.contracts.intake import AppealReceived, CaseVoided
from libs.events.decider import SYSTEM, Decider
from libs.events.errors import Erased, Unavailable
from libs.events.event import Event, Sealed
from libs.events.ids import GridCode, PersonId, new_id
from libs.events.lanes import lane_of
from libs.log.store.event_store import Connection
from libs.log.write import seal
from libs.log.write.command import CommandContext, CommandHandler
from libs.log.write.idempotency import Outcome
from libs.log.write.prefetch import Prefetched
from libs.log.write.seal import MASKED, Vault
from operations.embedded.stack import Stack
from tests.integration.logs import SOURCE, Log

NOBODY_LISTENS = "postgresql://keys_reader:x@127.0.0.1:1/keys"
APPEAL = AppealReceived(
    channel="phone",
    kind="help",
    content="三号楼门口路灯不亮",
    grid=GridCode("G03"),
    reporter_kind="NAMED",
    reporter_name="甲某",
)
VOIDED = CaseVoided(voided_by=PersonId("zhou-min"), reason="与甲某核实后作废")


@pytest.fixture
async def intake(servers: Stack) -> AsyncIterator[Vault]:
    """The vault as intake sees it: may make and destroy keys."""
    async with asyncpg.create_pool(servers.keys_url("keys_intake"), min_size=0, max_size=2) as pool:
        yield Vault(pool, Vault.master_key(servers.dir / "keys" / "master.key"))


@pytest.fixture
async def others(servers: Stack) -> AsyncIterator[Vault]:
    """The vault as every other service sees it."""
    async with asyncpg.create_pool(servers.keys_url("keys_reader"), min_size=0, max_size=2) as pool:
        yield Vault(pool, Vault.master_key(servers.dir / "keys" / "master.key"))


@pytest.fixture
async def unreachable(servers: Stack) -> AsyncIterator[Vault]:
    """A vault whose server does not answer."""
    async with asyncpg.create_pool(NOBODY_LISTENS, min_size=0, max_size=2) as pool:
        yield Vault(pool, b"x" * 32)


async def test_what_intake_seals_another_service_opens(intake: Vault, others: Vault) -> None:
    case_id = new_id()
    appeal = AppealReceived.model_validate_json((await intake.create(case_id)).seal(APPEAL))
    keys = await others.keys_of(case_id)
    assert (keys.open(appeal.content), keys.open(appeal.reporter_name)) == ("三号楼门口路灯不亮", "甲某")


async def test_making_the_keys_again_leaves_those_that_are_there(intake: Vault) -> None:
    case_id = new_id()
    appeal = AppealReceived.model_validate_json((await intake.create(case_id)).seal(APPEAL))
    assert (await intake.create(case_id)).open(appeal.content) == "三号楼门口路灯不亮"


async def test_no_key_lies_in_the_vault_as_it_is(intake: Vault) -> None:
    case_id = new_id()
    await intake.create(case_id)
    rows = await intake.pool.fetch("select kind, wrapped from case_key where case_id = $1 order by kind", case_id)
    assert [(row["kind"], len(row["wrapped"])) for row in rows] == [("case", 40), ("reporter", 40)]
    stranger = Vault(intake.pool, b"another master key, 32 bytes lon")
    with pytest.raises(InvalidUnwrap):
        await stranger.keys_of(case_id)


async def test_erasing_the_reporter_leaves_the_matter_readable(intake: Vault) -> None:
    case_id = new_id()
    appeal = AppealReceived.model_validate_json((await intake.create(case_id)).seal(APPEAL))
    await intake.destroy(case_id, ("reporter",))
    keys = await intake.keys_of(case_id)
    assert (keys.open(appeal.reporter_name), keys.open(appeal.content)) == (MASKED, "三号楼门口路灯不亮")


async def test_erasing_twice_is_erasing_once(intake: Vault) -> None:
    case_id = new_id()
    await intake.create(case_id)
    await intake.destroy(case_id, ("reporter", "case"))
    await intake.destroy(case_id, ("reporter", "case"))
    assert (await intake.keys_of(case_id)).keys == {}


async def test_another_process_forgets_a_destroyed_key_within_a_minute(
    intake: Vault, others: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    monkeypatch.setattr(seal, "monotonic", lambda: now)
    case_id = new_id()
    await intake.create(case_id)
    assert set((await others.keys_of(case_id)).keys) == {"reporter", "case"}
    await intake.destroy(case_id, ("reporter", "case"))
    now = 1061.0
    assert (await others.keys_of(case_id)).keys == {}


@pytest.mark.parametrize(
    "statement",
    [
        "insert into case_key values (gen_random_uuid(), 'case', '', 'm1')",
        "delete from case_key",
        "update case_key set wrapped = ''",
    ],
)
async def test_only_intake_makes_and_destroys_keys(others: Vault, statement: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await others.pool.execute(statement)


async def test_not_even_intake_replaces_a_key(intake: Vault) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await intake.pool.execute("update case_key set wrapped = ''")


async def test_a_missing_key_means_erased_but_an_unreachable_vault_does_not(unreachable: Vault) -> None:
    for asked in (
        unreachable.keys_of(new_id()),
        unreachable.create(new_id()),
        unreachable.destroy(new_id(), ("case",)),
    ):
        with pytest.raises(Unavailable):
            await asked


async def test_a_vault_that_is_just_starting_or_full_is_unreachable_too(servers: Stack) -> None:
    """The server answers, but not for this database."""
    admin = await asyncpg.connect(servers.admin_url())
    await admin.execute("create database shut allow_connections false")
    url = servers.keys_url().rpartition("/")[0] + "/shut"
    async with asyncpg.create_pool(url, min_size=0, max_size=2) as pool:
        with pytest.raises(Unavailable):
            await Vault(pool, b"x" * 32).keys_of(new_id())
    await admin.execute("drop database shut")
    await admin.close()


# What a command makes of it ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Note:
    """Append this event."""

    at: datetime
    event: Event


@dataclass(frozen=True)
class Known:
    """Facts of a service that knows nothing of the case."""

    case: Case | None = None
    directory_version: int = 0


def decide(_: None, command: Note, __: Known) -> Sequence[Event]:
    return [command.event]


NOTES: Decider[None, Note, Known] = Decider(None, lambda state, _: state, decide)


async def note(log: Log, vault: Vault, case_id: str, event: Event, *, opens: bool = False) -> Outcome:
    async def known(_: Connection, __: Prefetched) -> Known:
        return Known()

    desk = CommandHandler(SOURCE, NOTES, log.pool, vault)
    return await desk.handle(case_id, lambda now: Note(now, event), known, CommandContext(SYSTEM), opens=opens)


async def test_a_command_seals_what_is_personal_before_anything_is_stored(shared_log: Log, intake: Vault) -> None:
    case_id = new_id()
    await note(shared_log, intake, case_id, APPEAL, opens=True)
    stored = (await shared_log.chain(lane_of(case_id)))[-1]
    assert "路灯".encode() not in stored["body"]
    assert "甲某".encode() not in stored["body"]
    appeal = AppealReceived.model_validate_json(stored["body"])
    assert isinstance(appeal.content, Sealed)
    assert appeal.content.sealed == f"{case_id}/case"
    assert (await intake.keys_of(case_id)).open(appeal.content) == "三号楼门口路灯不亮"


async def test_a_command_on_an_erased_case_that_would_have_to_seal_is_refused(shared_log: Log, intake: Vault) -> None:
    case_id = new_id()
    await note(shared_log, intake, case_id, APPEAL, opens=True)
    await intake.destroy(case_id, ("reporter", "case"))
    before = await shared_log.seq(lane_of(case_id))
    with pytest.raises(Erased):
        await note(shared_log, intake, case_id, VOIDED)
    assert await shared_log.seq(lane_of(case_id)) == before


async def test_a_command_that_cannot_reach_the_vault_stores_nothing(shared_log: Log, unreachable: Vault) -> None:
    case_id = new_id()
    before = await shared_log.seq(lane_of(case_id))
    with pytest.raises(Unavailable):
        await note(shared_log, unreachable, case_id, APPEAL, opens=True)
    assert await shared_log.seq(lane_of(case_id)) == before


def test_the_master_key_is_not_where_the_databases_are(servers: Stack) -> None:
    key = (servers.dir / "keys" / "master.key").read_bytes()
    found = [path for path in Path(servers.dir / "pg").rglob("*") if path.is_file() and key in path.read_bytes()]
    assert found == []
