"""After `EraseCaseKeys` nobody finds what the case said: not in a topic, not in a table, not in a file."""

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import asyncpg

from libs.audit.reading import open_log
from libs.log.write.seal import MASKED
from operations.installation import SERVICES
from trials.faults.site import Site
from trials.photo import PHOTO

NAME, TELEPHONE = "欧阳示例", "13900001234"
MATTER, ADDRESS = "三单元门口窨井冒水", "槐荫里九号院"
REASON, CALL, REPLY = "归口住建更妥", "已约周四上门", "窨井已疏通并加盖"
BASIS, ELSEWHERE = "与司马示例的合同纠纷", "请与司马示例的律师联系"
SECRETS = (NAME, TELEPHONE, MATTER, ADDRESS, REASON, CALL, REPLY, BASIS, ELSEWHERE)
TABLES = """
    select format('%I.%I', schemaname, tablename) from pg_tables
     where schemaname not in ('pg_catalog', 'information_schema')
"""
HOLDS = r"exists (select from unnest($1::text[]) w where strpos(replace(t::text, '\\', '\'), w) > 0)"
"""A row written as text doubles each backslash."""
TOPICS = ("case.events", "directory.events", "log.heartbeats", "audit.checkpoints")


async def test_after_erasure_the_plain_text_is_nowhere_and_reading_shows_the_mask(site: Site) -> None:
    case = await told_in_full(site)
    read = await site.clients.get("intake", f"/cases/{case}", "zhou-min")
    assert (read["content"], read["address"]) == (MATTER, ADDRESS)

    erased = {"kinds": ["reporter", "case"], "ground": "CONSENT_WITHDRAWN"}
    for one in (case, await turned_away(site)):
        await site.clients.post("intake", f"/cases/{one}/erase", erased, "he-jun")
    await site.judged()

    read = await site.clients.get("intake", f"/cases/{case}", "zhou-min")
    assert (read["content"], read["address"]) == (MASKED, MASKED)
    assert await keys_left(site, case) == 0
    assert {*await places_of(site, "sewer-odour")} >= {"intake log.event", "intake read.case_view"}, (
        "it finds what is there"
    )
    assert files_with(site.stack.dir, case), "it finds what is there"
    assert await places_of(site, *SECRETS) == []
    assert files_with(site.stack.dir, *SECRETS) == []


async def told_in_full(site: Site) -> str:
    """A case with every kind of personal text that people write; the clients' keys and answers are stored with it."""
    case = (
        await site.clients.registered(
            content=MATTER,
            place={"grid": "G03", "address": ADDRESS},
            reporter_name=NAME,
            reporter_phone=TELEPHONE,
        )
    )["case_id"]
    other_unit = {"unit": "county-housing", "override_reason": REASON}
    await site.clients.post("routing", f"/cases/{case}/dispatch", other_unit, "chen-li")
    await site.clients.post("routing", f"/cases/{case}/accept", {}, "fang-yun")
    call = {"reached": True, "note": CALL}
    contact = await site.clients.post("routing", f"/cases/{case}/contact", call, "zheng-kai")
    await site.clients.photo(case, "zheng-kai", "routing", contact["position"])
    feedback = {"result": "SOLVED", "reply": REPLY, "photos": [PHOTO]}
    report = await site.clients.post("routing", f"/cases/{case}/feedback", feedback, "zheng-kai")
    for service in SERVICES:
        await site.clients.visible(service, report["position"])
    return str(case)


async def turned_away(site: Site) -> str:
    """A case that was refused with words in which somebody is named; nobody is told, for nobody knows who called."""
    case = str((await site.clients.appealed())["case_id"])
    words = {"reason_code": "LEGAL_PROCEDURE", "legal_basis": BASIS, "alternative": ELSEWHERE}
    await site.clients.post("intake", f"/cases/{case}/reject", words, "zhou-min")
    return case


async def keys_left(site: Site, case: str) -> int:
    conn = await asyncpg.connect(site.stack.admin_url("keys"))
    try:
        left: int = await conn.fetchval("select count(*) from case_key where case_id = $1", case)
        return left
    finally:
        await conn.close()


async def places_of(site: Site, *texts: str) -> list[str]:
    """Tables and partitions that hold one of these texts, as it is, as bytes, or with its characters escaped."""
    wanted = [form for text in texts for form in forms(text)]
    found = [place for database in (*SERVICES, "keys") for place in await tables_with(site, database, wanted)]
    return found + await partitions_with(site, wanted)


async def tables_with(site: Site, database: str, wanted: Sequence[str]) -> list[str]:
    """A row shown as text has its columns of bytes in hexadecimal digits, and of JSON as they were written."""
    conn = await asyncpg.connect(site.stack.admin_url(database))
    try:
        return [
            f"{database} {table}"
            for (table,) in await conn.fetch(TABLES)
            if await conn.fetchval(f"select exists (select from {table} t where {HOLDS})", wanted)  # noqa: S608
        ]
    finally:
        await conn.close()


async def partitions_with(site: Site, wanted: Sequence[str]) -> list[str]:
    """Keys, headers and bodies of every record there is."""
    found = set()
    async with open_log(site.stack.bootstrap) as log:
        for topic in TOPICS:
            extent = await log.extent(await log.partitions(topic))
            async for records in log.read(extent.begin, extent.end):
                found |= {f"{topic}-{one.partition}" for one in records if mentions(one, wanted)}
    return sorted(found)


def mentions(record: Any, wanted: Sequence[str]) -> bool:
    parts = [record.key or b"", record.value or b"", *(value for _, value in record.headers)]
    return any(form.encode() in part for part in parts for form in wanted)


def forms(text: str) -> tuple[str, ...]:
    """As it is, and escaped as in JSON of ASCII; both also in hexadecimal digits."""
    escaped = text.encode("unicode_escape")
    return text, escaped.decode(), text.encode().hex(), escaped.hex()


def files_with(folder: Path, *texts: str) -> list[str]:
    """Files of the instance with one of the texts: logs, messages, Kafka's segments, PostgreSQL's pages and journal."""
    found = []
    for path in (path for path in folder.rglob("*") if path.is_file()):
        # A server may remove a file of its own between the listing and the reading.
        with suppress(FileNotFoundError):
            if holds(written(path), texts):
                found.append(str(path.relative_to(folder)))
    return found


def written(path: Path) -> bytes:
    """What a file holds; not the gigabyte of holes that Kafka keeps for its indices."""
    found, end = [], 0
    with path.open("rb") as file, suppress(OSError):  # There is no data after the last.
        while True:
            begin = os.lseek(file.fileno(), end, os.SEEK_DATA)
            end = os.lseek(file.fileno(), begin, os.SEEK_HOLE)
            file.seek(begin)
            found.append(file.read(end - begin))
    return b"\0".join(found)


def holds(content: bytes, texts: Sequence[str]) -> bool:
    return any(text.encode() in content for text in texts)
