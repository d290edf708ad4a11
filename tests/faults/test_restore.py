"""A backup taken while people work, restored into other servers: with the log that survived, and with nothing else.

`make drill` destroys a town's own servers and lets its services go on; here the town stays as it is.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import pytest

from libs.service.clock import real_now
from operations.backup import manifest, run
from operations.backup.reconcile import LogForked
from operations.backup.run import Place, Restored
from operations.backup.topics import read
from operations.compare import opener, parts_of
from operations.embedded import postgres
from operations.embedded.instance import Instance
from operations.embedded.stack import Stack
from operations.installation import CannotStart
from operations.rebuild import put_in_place
from trials.drill import recorded, unsound
from trials.faults.checker import read_model_faults
from trials.faults.site import Site

pytestmark = pytest.mark.long

FORK = """
    update log.lane_head set hash = '\\x00' where lane = (select min(lane) from log.lane_head where seq > 0)
"""
"""What a fail-over to a replica leaves where somebody goes on appending."""
BEHIND_AND_CLOSED = """
    set session_replication_role = replica;
    with lost as (
      delete from log.event e using log.lane_head h
       where (e.lane, e.seq) = (h.lane, h.seq) returning e.lane, e.prev_hash)
    update log.lane_head h set seq = h.seq - 1, hash = lost.prev_hash, closed = 'log_ahead_of_table'
      from lost where lost.lane = h.lane;
    update read.progress set next_offset = 0
"""
"""Every lane without its last event, as a relay leaves it that found the log ahead of the table."""


@dataclass(frozen=True)
class Backup:
    """What was promised before it was taken, by event id, and the case that was erased afterwards."""

    folder: Path
    before: frozenset[str]
    erased: str


@pytest.fixture(scope="module")
async def backup(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Backup:
    """Taken while two desks work; they go on, and then somebody's data are erased."""
    folder = tmp_path_factory.mktemp("backup") / "monday"
    registered = await site.clients.registered(reporter_phone="13900001234")
    await site.clients.visible("supervision", registered["position"])
    case = registered["case_id"]
    before = frozenset(event for answer in site.clients.answers for event in answer.event_ids)
    place = Place(site.stack.owner_urls(), site.stack.broker, site.stack.instance.keys)
    async with site.clients.at_work():
        await asyncio.to_thread(run.backup, place, folder, real_now())
    await site.clients.post(
        "intake", f"/cases/{case}/erase", {"kinds": ["reporter"], "ground": "CONSENT_WITHDRAWN"}, "he-jun"
    )
    await site.judged()
    return Backup(folder, before, str(case))


@pytest.fixture(scope="module")
def elsewhere(backup: Backup) -> Iterator[Stack]:
    """Other servers, with nothing on them but the keys of the backup."""
    name = f"kept-{secrets.token_hex(4)}"
    run.put_keys_back(backup.folder, Instance(name).keys)
    try:
        with Stack(name, "manual", fresh=False, services=(), empty=True) as stack:
            yield stack
    finally:
        Instance(name).forget()


@pytest.fixture(scope="module")
async def beside_the_log(site: Site, backup: Backup, elsewhere: Stack) -> Restored:
    """Its databases are back, and its services would go on with the log that the town has."""
    return await restored(backup, elsewhere, log_of=site.stack)


@pytest.fixture(scope="module")
async def out_of_nothing(backup: Backup, elsewhere: Stack) -> Restored:
    """Databases and log are back from the backup alone."""
    return await restored(backup, elsewhere, log_of=elsewhere)


async def restored(backup: Backup, into: Stack, log_of: Stack) -> Restored:
    """Into empty databases."""
    admin = await asyncpg.connect(into.admin_url())
    for name in postgres.DATABASES:
        await admin.execute(f'drop database if exists "{name}" with (force)')
    await admin.close()
    await asyncio.to_thread(into.create_databases)
    place = Place(into.owner_urls(), log_of.broker, into.instance.keys)
    return await asyncio.to_thread(run.restore, place, backup.folder)


async def test_where_the_log_survived_nothing_is_lost_and_erased_stays_erased(
    site: Site, backup: Backup, beside_the_log: Restored, elsewhere: Stack
) -> None:
    assert beside_the_log.log_survived
    assert beside_the_log.recovered > 0
    assert await recorded(elsewhere) == await recorded(site.stack)
    assert await heads(elsewhere) == await heads(site.stack)
    assert beside_the_log.keys.erased == 1
    assert await keys_of(elsewhere, backup.erased) == ["case"]
    assert await connects(elsewhere)


@pytest.mark.usefixtures("beside_the_log")
async def test_a_lane_that_was_closed_is_open_again_once_its_tail_is_back(site: Site, elsewhere: Stack) -> None:
    await as_superuser(elsewhere, "intake", BEHIND_AND_CLOSED)

    recovered, _ = await run.catch_up(Place(elsewhere.owner_urls(), site.stack.broker, elsewhere.instance.keys))

    assert recovered > 0
    assert await heads(elsewhere) == await heads(site.stack)


async def test_where_all_is_lost_everything_promised_before_the_backup_is_back(
    backup: Backup, out_of_nothing: Restored, elsewhere: Stack
) -> None:
    assert not out_of_nothing.log_survived
    assert out_of_nothing.keys.missing == 0
    assert backup.before <= await recorded(elsewhere)
    assert await unsound(elsewhere) == []


@pytest.mark.usefixtures("out_of_nothing")
async def test_a_row_that_is_not_what_the_log_makes_of_it_is_named_and_made_anew(
    backup: Backup, elsewhere: Stack
) -> None:
    change = "update read.case_view set unit = 'county-water' where case_id = $1"
    await run_as(elsewhere, "supervision_owner", change, backup.erased)
    named = f"read model: supervision case_view case_id={backup.erased} ('unit',)"
    assert await read_model_faults(elsewhere, ["supervision"]) == [named]

    async with opener(elsewhere.keys_url(), elsewhere.instance.keys) as opens:
        url = elsewhere.owner_urls()["supervision"]
        rows = await put_in_place(url, elsewhere.broker, parts_of("supervision"), elsewhere.public_keys.proves, opens)

    assert rows["case_view"] > 0
    assert await read_model_faults(elsewhere, ["supervision"]) == []


@pytest.mark.usefixtures("out_of_nothing")
async def test_tables_that_have_another_event_than_the_log_are_opened_to_nobody(elsewhere: Stack) -> None:
    await run_as(elsewhere, "intake_owner", FORK)
    await run_as(elsewhere, "intake_owner", "update read.progress set next_offset = 0")

    with pytest.raises(LogForked, match="/xunban/intake"):
        await run.catch_up(Place(elsewhere.owner_urls(), elsewhere.broker, elsewhere.instance.keys))
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await connects(elsewhere)


@pytest.mark.usefixtures("out_of_nothing")
async def test_nothing_is_restored_over_what_is_there(backup: Backup, elsewhere: Stack) -> None:
    with pytest.raises(CannotStart, match="database intake is not empty"):
        await asyncio.to_thread(
            run.restore, Place(elsewhere.owner_urls(), elsewhere.broker, elsewhere.instance.keys), backup.folder
        )


def test_an_altered_backup_is_refused(backup: Backup, tmp_path: Path) -> None:
    whole = manifest.read(backup.folder)
    assert whole.records == sum(1 for topic in whole.topics for _ in read(backup.folder / "log" / f"{topic}.gz"))
    damaged = backup.folder / "vault" / "public.case_key.gz"
    content = damaged.read_bytes()
    damaged.write_bytes(content[:-1])
    try:
        with pytest.raises(CannotStart, match=r"vault/public\.case_key\.gz"):
            manifest.read(backup.folder)
    finally:
        damaged.write_bytes(content)


def test_other_keys_are_not_overwritten(backup: Backup, tmp_path: Path) -> None:
    (tmp_path / "master.key").write_bytes(b"another one")
    with pytest.raises(CannotStart, match=r"master\.key"):
        run.put_keys_back(backup.folder, tmp_path)


async def heads(stack: Stack) -> list[tuple[object, ...]]:
    """Where every lane of every service stands, and whether it is closed."""
    found: list[tuple[object, ...]] = []
    for service, url in stack.owner_urls().items():
        if service != "keys":
            conn = await asyncpg.connect(url)
            rows = await conn.fetch("select lane, seq, hash, closed from log.lane_head order by lane")
            streams = await conn.fetch("select stream, version from log.stream_head order by stream")
            found += [(service, *row) for row in (*rows, *streams)]
            await conn.close()
    return found


async def keys_of(stack: Stack, case: str) -> list[str]:
    conn = await asyncpg.connect(stack.admin_url("keys"))
    rows = await conn.fetch("select kind from case_key where case_id = $1 order by kind", case)
    await conn.close()
    return [row["kind"] for row in rows]


async def connects(stack: Stack) -> bool:
    return await run_as(stack, "intake", "select 1") == 1


async def as_superuser(stack: Stack, database: str, script: str) -> None:
    conn = await asyncpg.connect(stack.admin_url(database))
    await conn.execute(script)
    await conn.close()


async def run_as(stack: Stack, role: str, statement: str, *values: object) -> object:
    service = role.partition("_")[0]
    conn = await asyncpg.connect(stack.database_url(service, owner=role.endswith("_owner")))
    try:
        return await conn.fetchval(statement, *values)
    finally:
        await conn.close()
