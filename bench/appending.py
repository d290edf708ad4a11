"""How fast events are appended: ours beside `eventsourcing` and beside a plain insert, in turn, on one server."""

from __future__ import annotations

import asyncio
import re
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import asyncpg

from bench import other
from bench.rows import Row, times_at_least
from libs.events.contracts.intake import AppealReceived, CaseRegistered
from libs.events.decider import SYSTEM
from libs.events.envelope import Draft, Provenance, draft
from libs.events.ids import ClassCode, GridCode, PersonId, new_id
from libs.log.store import event_store
from libs.log.store.schema import FOLDER
from operations.embedded.postgres import BIN
from operations.embedded.stack import Stack
from trials.town import civil

MORNING = civil("2026-11-02 08:00")
WRITERS = 8
OTHER_CASES = 256
PLAIN_SECONDS = 1

APPEAL = AppealReceived(
    channel="phone",
    kind="complaint",
    content="小区门口路灯不亮, 晚上行人看不清路, 请尽快派人修理; 已经向物业反映过一次",
    grid=GridCode("G03"),
    reporter_kind="ANONYMOUS",
    recorded_by=PersonId("zhou-min"),
)
REGISTERED = CaseRegistered(
    registered_by=PersonId("zhou-min"),
    kind="complaint",
    class_code=ClassCode("street-light"),
    urgency="U3",
    grid=GridCode("G03"),
)
ARGUMENTS = "array[gen_random_uuid()], array['intake.case-registered.v1'], array[clock_timestamp()]"
BYTES = "convert_to(repeat('m', 480), 'UTF8'), convert_to(repeat('b', 350), 'UTF8')"
CHAINED = f"""
select seqs from (select gen_random_uuid() as c offset 0) s,
  log.append(log.lane_of(c), array['case-' || c], array[0], array[c], array[null::timestamptz],
             array[null::timestamptz], array[1], {ARGUMENTS},
             array[convert_to(repeat('m', 480), 'UTF8')], array[convert_to(repeat('b', 350), 'UTF8')]);
"""  # noqa: S608 - our own names
PLAIN_TABLE = """
create table plain (
  id bigserial primary key, lane smallint not null, seq bigint not null, stream text not null, version int not null,
  case_id uuid, event_id uuid not null unique, type text not null, occurred_at timestamptz not null,
  recorded_at timestamptz not null, meta bytea not null, body bytea not null, prev_hash bytea not null,
  hash bytea not null, unique (stream, version));
"""
PLAIN = f"""
insert into plain (lane, seq, stream, version, case_id, event_id, type, occurred_at, recorded_at, meta, body,
                   prev_hash, hash)
select log.lane_of(c), 1, 'case-' || c, 1, c, gen_random_uuid(), 'intake.case-registered.v1', clock_timestamp(),
       clock_timestamp(), {BYTES}, sha256('a'), sha256('b') from (select gen_random_uuid() as c offset 0) s;
"""  # noqa: S608 - our own names


def drafts_of_case(case_id: str, directory_version: int) -> tuple[Draft, Draft]:
    """A case that came in and was registered: the bytes that are stored and published."""
    by = Provenance(SYSTEM, directory_version)
    appeal, registered = (
        draft(
            event,
            event.model_dump_json().encode(),
            source="/xunban/intake",
            subject=case_id,
            stream=f"case-{case_id}",
            at=MORNING,
            by=by,
        )
        for event in (APPEAL, REGISTERED)
    )
    return appeal, registered


@dataclass
class Appending:
    """Ours, theirs and a plain insert, each in a database of its own on one server."""

    running: Stack
    directory_version: int
    pool: event_store.Pool
    theirs: other.BenchCases
    ours_found: list[float] = field(default_factory=list)
    theirs_found: list[float] = field(default_factory=list)
    chained_found: list[float] = field(default_factory=list)
    plain_found: list[float] = field(default_factory=list)

    @staticmethod
    async def of(running: Stack, directory_version: int) -> Appending:
        """Make the databases of the others; ours is intake's own."""
        admin = await asyncpg.connect(running.admin_url())
        try:
            for name in ("bench_other", "bench_sql"):
                await admin.execute(f"create database {name}")
        finally:
            await admin.close()
        inside = await asyncpg.connect(running.admin_url("bench_sql"))
        try:
            script = (FOLDER / "event_store.sql").read_text().replace(":service", "intake")
            await inside.execute(script.replace(":last_lane", "63"))
            await inside.execute("insert into log.mode values ('real', null)")
            await inside.execute(PLAIN_TABLE)
        finally:
            await inside.close()
        pool = await asyncpg.create_pool(running.database_url("intake"), min_size=WRITERS, max_size=WRITERS)
        theirs = await asyncio.to_thread(other.opened, running.admin_url("bench_other"))
        return Appending(running, directory_version, pool, theirs)

    async def turn(self, cases: int) -> None:
        """One round of all four; nobody measures while another does."""
        self.ours_found.append(await self._ours(cases))
        self.theirs_found.append(await asyncio.to_thread(other.saves_per_second, self.theirs, OTHER_CASES, WRITERS))
        self.chained_found.append(await asyncio.to_thread(self._pgbench, CHAINED))
        self.plain_found.append(await asyncio.to_thread(self._pgbench, PLAIN))

    async def _ours(self, cases: int) -> float:
        written = [(case_id := new_id(), *drafts_of_case(case_id, self.directory_version)) for _ in range(cases)]
        shares = [written[start::WRITERS] for start in range(WRITERS)]
        begun = time.perf_counter()
        await asyncio.gather(*(self._write(share) for share in shares))
        return cases * 2 / (time.perf_counter() - begun)

    async def _write(self, cases: Sequence[tuple[str, Draft, Draft]]) -> None:
        async with self.pool.acquire() as conn:
            for case_id, *drafts in cases:
                for version, one in enumerate(drafts):
                    await event_store.append(conn, f"case-{case_id}", [one], expected=version)

    def _pgbench(self, script: str) -> float:
        with TemporaryDirectory() as folder:
            path = Path(folder) / "script.sql"
            path.write_text(" ".join(script.split()))
            url = self.running.admin_url("bench_sql")
            command = [str(BIN / "pgbench"), "-n", "-M", "prepared", "-c", str(WRITERS), "-j", "2"]
            command += ["-T", str(PLAIN_SECONDS), "-f", str(path), url]
            told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        found = re.search(r"^tps = ([0-9.]+)", told, re.MULTILINE)
        assert found is not None, told
        return float(found[1])

    async def close(self) -> None:
        """Let go of everything."""
        await self.pool.close()
        self.theirs.close()

    def rows(self) -> list[Row]:
        """What came out."""
        return [
            times_at_least(
                3,
                group="append",
                zh="追加事件, 8 个写入者",
                en="append, 8 writers",
                value=median(self.ours_found),
                unit="events/s",
                baseline=median(self.theirs_found),
                baseline_name="eventsourcing 9.5.6",
                rounds=tuple(self.ours_found),
            ),
            times_at_least(
                0.8,
                group="append",
                zh="追加 (仅 SQL, 64 泳道, 带哈希链)",
                en="append in SQL, 64 lanes, chained",
                value=median(self.chained_found),
                unit="events/s",
                baseline=median(self.plain_found),
                baseline_name="plain insert",
                note="pgbench; the same row and constraints with a bigserial in place of lane and chain",
                rounds=tuple(self.chained_found),
            ),
        ]
