"""A town that tells the world: receivers outside, contact points inside, and what became of a message."""

import asyncio
import secrets
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import orjson
import pytest
from standardwebhooks import Webhook

from libs.directory.publish.files import read_files
from operations.embedded.stack import Stack
from operations.installation import ROOT
from services.notify.channels.posting import webhook_secret
from tests.integration.logs import PATIENT
from tests.unit.notify.receivers import Receiver, http_receiver, mail_server
from trials.clock_driver import Timeline
from trials.publish import found
from trials.town import Town, civil

NAME, TELEPHONE = "张三丰示例", "13800000000"
DAY = "2026-11-02"
WEBHOOK_KEY = bytes(range(32))
REJECTED = {"reason_code": "LEGAL_PROCEDURE", "legal_basis": "《信访工作条例》", "alternative": "县人民法院"}

FULL = """
    create function log.full_disk() returns trigger language plpgsql as $$
      begin raise exception 'no space left on device' using errcode = 'disk_full'; end $$;
    create trigger full_disk before insert on log.event for each row
      when (new.type = 'notify.message-sent.v1') execute function log.full_disk()
"""


@dataclass
class Outside:
    """Whom the town tells: systems of two units, a mail server and an SMS gateway."""

    water: Receiver
    fire: Receiver
    mail: Receiver
    sms: Receiver


@contextmanager
def receivers() -> Iterator[Outside]:
    """Real servers on this machine; the fire brigade's refuses everything."""
    with (
        http_receiver() as water,
        http_receiver() as fire,
        mail_server() as mail,
        http_receiver(b'{"id": "gw"}') as sms,
    ):
        fire.status = 410
        yield Outside(water, fire, mail, sms)


@contextmanager
def notifying(outside: Outside, key: Path) -> Iterator[Stack]:
    """The whole system under a manual clock, with every channel; a message is tried nine times.

    A second apart, the last one later: who is in the way of a message must have the time to go.
    """
    key.write_bytes(WEBHOOK_KEY)
    settings = {
        "WEBHOOK_KEY_FILE": str(key),
        "WEBHOOK_NETWORKS": '["127.0.0.0/8"]',
        "SMTP_HOST": "127.0.0.1",
        "SMTP_PORT": str(outside.mail.port),
        "SMTP_TLS": "none",
        "SMTP_FROM": "xunban@suishan.example.org",
        "SMS_URL": outside.sms.url,
        "MESSAGE_RETRY_SECONDS": str([*[1] * 7, 20]),
    }
    with pytest.MonkeyPatch.context() as environment:
        for name, value in settings.items():
            environment.setenv(name, value)
        with Stack(f"test-{secrets.token_hex(4)}") as stack:
            yield stack


async def published(line: Timeline, outside: Outside) -> None:
    """The town's documents with contact points: two systems, a digest by mail, and reporters told by SMS."""
    raw = read_files(ROOT / "examples" / "town").raw
    raw["rulebook"]["messages"] = {"reporter": ["sms"], "digest_at": ["12:30"]}
    points = {
        "county-water": {"channel": "webhook", "address": outside.water.url},
        "county-fire": {"channel": "webhook", "address": outside.fire.url},
        "liang-xue": {"channel": "email", "address": "liang.xue@market.example.org", "digest": True},
    }
    for one in (*raw["units"], *raw["people"]):
        if one["id"] in points:
            one["contacts"] = [points[one["id"]]]
    await found(line, raw)
    await line.settle()


async def messages(town: Town, **query: Any) -> list[dict[str, Any]]:
    answer = await town.line.get("notify", "/messages", person="han-feng", limit=200, **query)
    items: list[dict[str, Any]] = answer["items"]
    return items


def files(running: Stack) -> list[Path]:
    return sorted(path for path in running.instance.outbox.rglob("[!.]*") if path.is_file())


async def recorded(running: Stack, kind: str) -> Counter[str]:
    """Message id → how often an event of this type says it, in notify's own table."""
    conn = await asyncpg.connect(running.admin_url("notify"))
    try:
        rows = await conn.fetch("select body from log.event where type = $1", f"notify.{kind}.v1")
    finally:
        await conn.close()
    return Counter(orjson.loads(row["body"])["message_id"] for row in rows)


async def appended_by(running: Stack, sent: Collection[str]) -> set[str]:
    """The transactions that recorded that these messages were sent."""
    conn = await asyncpg.connect(running.admin_url("notify"))
    try:
        rows = await conn.fetch("select xmin::text, body from log.event where type = 'notify.message-sent.v1'")
    finally:
        await conn.close()
    return {row["xmin"] for row in rows if orjson.loads(row["body"])["message_id"] in sent}


async def length_of(running: Stack, case: str) -> int:
    """How many events notify's own stream of a case has."""
    conn = await asyncpg.connect(running.admin_url("notify"))
    try:
        return int(await conn.fetchval("select count(*) from log.event where stream = $1", f"case-{case}"))
    finally:
        await conn.close()


async def appealed(town: Town, at: str, **fields: Any) -> str:
    """A named citizen's complaint about a sewer, registered at once."""
    who = {"reporter_name": NAME, "reporter_phone": TELEPHONE}
    case = await town.appeal(at, "zhou-min", "G03", "complaint", "下水道异味", **{**who, **fields})
    await town.register(at, case, "sewer-odour", "U3")
    return case


async def turned_away(town: Town, at: str, **reporter: str) -> str:
    """A request for help that is refused."""
    case = await town.appeal(at, "zhou-min", "G03", "help", "示例", **reporter)
    await town.act(at, "intake", f"/cases/{case}/reject", "zhou-min", REJECTED)
    return case


async def passed_to(town: Town, at: str, case: str, unit: str) -> str:
    """Dispatched to another unit than the proposed one."""
    await town.dispatch(at, case, fields={"unit": unit, "override_reason": "就近"})
    return case


async def quickly_registered(town: Town, at: str) -> None:
    """One in the next grid, without waiting for anybody to hear of it."""
    instant = civil(at)
    await town.line.advance(instant)
    appeal = {"channel": "phone", "kind": "complaint", "content": "下水道异味", "place": {"grid": "G04"}}
    answer = await town.line.post("intake", "/appeals", appeal, person="zhou-min", at=instant)
    path, body = f"/cases/{answer['case_id']}/register", {"class_code": "sewer-odour", "urgency": "U3"}
    await town.line.post("intake", path, body, person="zhou-min", at=instant)


async def restarted(running: Stack) -> None:
    running.start_process("notify-worker")
    await asyncio.to_thread(running.wait_ready, "notify-worker")


def taken(receiver: Receiver) -> list[Any]:
    """What a receiver said yes to."""
    return [one for one in receiver.got if one.status == 200]


def became(town: Town, case: str, recipient: str, state: str = "SENT") -> Callable[[], Awaitable[bool]]:
    """A condition: what has become of this message, as a rule that it has reached its channel."""

    async def holds() -> bool:
        (one,) = await messages(town, case_id=case, recipient=recipient)
        return str(one["state"]) == state

    return holds


def verify(got: Any, recipient: str) -> None:
    """Raises unless the webhook bears the recipient's signature."""
    Webhook(webhook_secret(WEBHOOK_KEY, recipient, 1)).verify(got.body, got.headers)


@asynccontextmanager
async def nothing_can_be_recorded(running: Stack) -> AsyncIterator[None]:
    """Meanwhile the disk under notify's events is full, as far as what was sent is concerned."""
    conn = await asyncpg.connect(running.admin_url("notify"))
    await conn.execute(FULL)
    try:
        yield
    finally:
        await conn.execute("drop function log.full_disk cascade")
        await conn.close()


@asynccontextmanager
async def nothing_can_be_appended(running: Stack, case: str) -> AsyncIterator[None]:
    """Meanwhile somebody else holds the case's lane; what waits for it then is ended."""
    conn = await asyncpg.connect(running.admin_url("notify"), server_settings=PATIENT)
    async with conn.transaction():
        await conn.execute("select log.lock_lane(log.lane_of($1))", case)
        yield
        # The server would still carry out what a dead worker asked for.
        await conn.execute(
            "select pg_terminate_backend(pid, 5000) from pg_stat_activity"
            " where datname = 'notify' and wait_event_type = 'Lock'"
        )
    await conn.close()


def said(running: Stack, event: str) -> int:
    """How many lines of this event notify's worker has logged."""
    return (running.instance.logs / "notify-worker.log").read_text().count(f'"event": "{event}"')
