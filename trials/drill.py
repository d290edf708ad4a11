"""The restore drill: people work, everything is destroyed, everything comes back, and every promise is looked up."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any

import asyncpg

from libs.audit.reading import open_log
from libs.audit.verify import verify
from libs.directory.rules.naming import Bilingual
from libs.service.clock import real_now
from operations.backup import run
from operations.backup.run import Place, Restored
from operations.compare import opener, parts_of
from operations.embedded.instance import Instance
from operations.embedded.stack import Stack
from operations.installation import ROOT, SERVICES
from operations.rebuild import compare
from trials.clock_driver import Timeline
from trials.photo import PHOTO, PHOTO_FORM, Form
from trials.publish import apply_directory
from trials.town import civil

SERVERS_LOST = ("pg", "keys", "secrets.json")
"""The databases, the vault among them, and the key files."""
ALL_LOST = (*SERVERS_LOST, "kafka")
APPEAL = {
    "channel": "phone",
    "kind": "complaint",
    "content": "小区门口下水道异味",
    "place": {"grid": "G03"},
    "reporter_phone": "13900001234",
}
SEWER = {"class_code": "sewer-odour", "urgency": "U3"}
ERASE = {"kinds": ["reporter", "case"], "ground": "CONSENT_WITHDRAWN"}


@dataclass
class People:
    """They work through the public APIs and remember the events that they were promised."""

    line: Timeline
    promised: list[str] = field(default_factory=list)

    async def _do(self, service: str, path: str, person: str, body: Mapping[str, Any] | Form) -> dict[str, Any]:
        answer = await self.line.post(service, path, body, person=person)
        self.promised += answer["events"]
        return answer

    async def case(self) -> str:
        """From the call to the accepted report; its id."""
        case = str((await self._do("intake", "/appeals", "zhou-min", APPEAL))["case_id"])
        registered = await self._do("intake", f"/cases/{case}/register", "zhou-min", SEWER)
        await self.line.visible("routing", registered["position"], person="zhou-min")
        await self._do("routing", f"/cases/{case}/dispatch", "chen-li", {})
        await self._do("routing", f"/cases/{case}/accept", "fang-yun", {})
        contacted = await self._do("routing", f"/cases/{case}/contact", "zheng-kai", {"reached": True})
        await self.line.visible("intake", contacted["position"], person="han-feng")
        photo = await self._do("intake", f"/cases/{case}/attachments", "zheng-kai", PHOTO_FORM)
        await self.line.visible("routing", photo["position"], person="han-feng")
        feedback = {"result": "SOLVED", "reply": "已疏通", "photos": [PHOTO]}
        report = await self._do("routing", f"/cases/{case}/feedback", "zheng-kai", feedback)
        await self.line.visible("supervision", report["position"], person="han-feng")
        await self._do("supervision", f"/cases/{case}/review", "wu-qian", {"accepted": True})
        return case

    async def erase(self, case: str) -> None:
        """The reporter has withdrawn his consent."""
        await self._do("intake", f"/cases/{case}/erase", "he-jun", ERASE)


@dataclass(frozen=True)
class Worked:
    """What was promised before the backup began, and after; how old the backup was when everything was lost."""

    before: Sequence[str]
    after: Sequence[str]
    cases: int
    age: float
    backup_seconds: float


@dataclass(frozen=True)
class Disaster:
    """One loss and what became of it. `ready_after`: seconds until the services were ready, or the log restored."""

    what: Bilingual
    restored: Restored
    ready_after: float
    lost_before: int
    lost_after: int
    """Acknowledged events, promised before the backup and after it, that are gone for ever."""


@dataclass(frozen=True)
class Drilled:
    """The drill's outcome; no faults is the only good one."""

    worked: Worked
    disasters: tuple[Disaster, ...]
    faults: tuple[str, ...]


def drill(instance: str, folder: Path, cases: int, told: Callable[[str], None] = lambda _: None) -> Drilled:
    """On an instance of its own, which is forgotten; `folder` receives the backup. Synchronous, outside any loop."""
    try:
        told("办案, 备份, 继续办案 / people work, a backup is taken, they go on")
        with Stack(instance, "manual") as stack:
            worked = asyncio.run(_work(stack, folder, cases))
            for name in stack.names:
                stack.kill(name)
        told("数据库与密钥全毁, 日志仍在 / databases and keys are destroyed, the log survives")
        first, faults = _databases_lost(instance, folder, worked)
        told("全部销毁 / everything is destroyed")
        second, more = _all_lost(instance, folder, worked)
        return Drilled(worked, (first, second), (*faults, *more))
    finally:
        Instance(instance).forget()


async def _work(stack: Stack, folder: Path, cases: int) -> Worked:
    async with Timeline.of(stack) as line:
        await line.advance(civil("2026-11-02 09:00"))
        await apply_directory(line, ROOT / "examples" / "town")
        early, late = People(line), People(line)
        erased, *_ = await asyncio.gather(*(early.case() for _ in range(cases)))
        began = monotonic()
        meanwhile = asyncio.gather(*(late.case() for _ in range(cases)))
        place = Place(stack.owner_urls(), stack.broker, stack.instance.keys)
        await asyncio.to_thread(run.backup, place, folder, real_now())
        taken = monotonic() - began
        await meanwhile
        await asyncio.gather(*(late.case() for _ in range(cases)))
        await late.erase(erased)
        await line.settle()
        return Worked(early.promised, late.promised, 3 * cases, monotonic() - began, taken)


def destroy(instance: str, parts: Sequence[str]) -> None:
    """As if the disks had burnt."""
    for part in parts:
        path = Instance(instance).dir / part
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def _databases_lost(instance: str, folder: Path, worked: Worked) -> tuple[Disaster, list[str]]:
    destroy(instance, SERVERS_LOST)
    run.put_keys_back(folder, Instance(instance).keys)
    began = monotonic()
    with Stack(instance, "manual", fresh=False, empty=True) as stack:
        restored = run.bring_back(stack, folder)
        stack.start_services()
        ready = monotonic() - began
        faults, there = asyncio.run(_gone_on(stack, worked))
        if restored.keys.erased != len(ERASE["kinds"]):
            faults.append(f"an old vault kept {len(ERASE['kinds']) - restored.keys.erased} keys that are erased")
        for name in stack.names:
            stack.kill(name)
    return _judged(Bilingual("库与密钥", "databases and keys"), restored, ready, worked, there), faults


def _judged(what: Bilingual, restored: Restored, ready: float, worked: Worked, there: set[str]) -> Disaster:
    lost = (sum(one not in there for one in promised) for promised in (worked.before, worked.after))
    return Disaster(what, restored, ready, *lost)


def _all_lost(instance: str, folder: Path, worked: Worked) -> tuple[Disaster, list[str]]:
    destroy(instance, ALL_LOST)
    run.put_keys_back(folder, Instance(instance).keys)
    began = monotonic()
    with Stack(instance, "manual", fresh=False, empty=True) as stack:
        restored = run.bring_back(stack, folder)
        ready = monotonic() - began
        there = asyncio.run(recorded(stack))
        faults = [f"promised before the backup and lost: {one}" for one in worked.before if one not in there]
        faults += asyncio.run(unsound(stack))
    return _judged(Bilingual("全部", "everything"), restored, ready, worked, there), faults


async def _gone_on(stack: Stack, worked: Worked) -> tuple[list[str], set[str]]:
    """People go on where they were; then everything is judged."""
    async with Timeline.of(stack) as line:
        await line.settle()
        people = People(line)
        await people.case()
        await line.settle()
    there, published = await recorded(stack), await _published(stack)
    promised = [*worked.before, *worked.after, *people.promised]
    faults = [f"promised and lost: {one}" for one in promised if one not in there]
    faults += [f"not in table and log alike: {one}" for one in sorted(there ^ published)]
    return faults + await unsound(stack), there


async def unsound(stack: Stack) -> list[str]:
    """What the auditor finds, and rows of read models that a rebuild makes differently."""
    keys = stack.public_keys
    faults = [f"verify: {one.fault} {one.detail}" for one in (await verify(stack.broker, keys=keys)).findings]
    async with opener(stack.keys_url(), stack.instance.keys) as opens:
        for service in SERVICES:
            found = await compare(stack.owner_urls()[service], stack.broker, parts_of(service), keys.proves, opens)
            faults += [f"{service} {one.table} {one.key} {one.columns}" for one in found.differences]
    return faults


async def recorded(stack: Stack) -> set[str]:
    """Ids of all events in the tables."""
    found: set[str] = set()
    for service in SERVICES:
        conn = await asyncpg.connect(stack.owner_urls()[service])
        found |= {row["id"] for row in await conn.fetch("select event_id::text as id from log.event")}
        await conn.close()
    return found


async def _published(stack: Stack) -> set[str]:
    """Ids of all events in the log."""
    async with open_log(stack.broker) as log:
        partitions = [*await log.partitions("case.events"), *await log.partitions("directory.events")]
        extent = await log.extent(partitions)
        records = [record async for batch in log.read(extent.begin, extent.end) for record in batch]
    return {dict(record.headers)["ce_id"].decode() for record in records}
