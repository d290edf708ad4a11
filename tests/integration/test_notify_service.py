"""Notify on the real broker and server: who is told, the ledger, and one file per message whatever is killed."""

import asyncio
import secrets
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import orjson
import pytest
import pytest_asyncio

from deploy.directory_apply import apply_directory
from deploy.embedded.instance import ROOT
from deploy.embedded.stack import Stack
from deploy.timeline import Timeline
from deploy.town import Town, civil
from tests.integration.logs import eventually

NAME, TELEPHONE = "张三丰示例", "13800000000"
DAY = "2026-11-02"


@pytest.fixture(scope="module")
def running() -> Iterator[Stack]:
    """The whole system under a manual clock."""
    with Stack(f"test-{secrets.token_hex(4)}") as stack:
        yield stack


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def town(running: Stack) -> AsyncIterator[Town]:
    """绥山镇 on the morning of Monday, 2026-11-02."""
    async with Timeline.of(running) as line:
        await line.advance(civil(f"{DAY} 08:00"))
        await apply_directory(line, ROOT / "examples" / "town")
        yield Town(line)


async def messages(town: Town, **query: Any) -> list[dict[str, Any]]:
    answer = await town.line.get("notify", "/messages", person="han-feng", limit=200, **query)
    items: list[dict[str, Any]] = answer["items"]
    return items


def files(running: Stack) -> list[Path]:
    return sorted(path for path in running.instance.outbox.rglob("*") if path.is_file())


async def recorded(running: Stack, kind: str) -> Counter[str]:
    """Message id → how often an event of this type says it, in notify's own table."""
    conn = await asyncpg.connect(running.admin_url("notify"))
    try:
        rows = await conn.fetch("select body from log.event where type = $1", f"notify.{kind}.v1")
    finally:
        await conn.close()
    return Counter(orjson.loads(row["body"])["message_id"] for row in rows)


async def appealed(town: Town, at: str, **fields: Any) -> str:
    """A named citizen's complaint about a sewer, registered at once."""
    who = {"reporter_name": NAME, "reporter_phone": TELEPHONE}
    case = await town.appeal(at, "zhou-min", "G03", "complaint", "下水道异味", **{**who, **fields})
    await town.register(at, case, "sewer-odour", "U3")
    return case


async def quickly_registered(town: Town, at: str) -> None:
    """The same without waiting for anybody to hear of it."""
    instant = civil(at)
    await town.line.advance(instant)
    appeal = {"channel": "phone", "kind": "complaint", "content": "下水道异味", "place": {"grid": "G03"}}
    answer = await town.line.post("intake", "/appeals", appeal, person="zhou-min", at=instant)
    path, body = f"/cases/{answer['case_id']}/register", {"class_code": "sewer-odour", "urgency": "U3"}
    await town.line.post("intake", path, body, person="zhou-min", at=instant)


async def test_everybody_who_must_act_is_told_and_the_ledger_says_so(running: Stack, town: Town) -> None:
    case = await appealed(town, f"{DAY} 09:00")
    await town.dispatch(f"{DAY} 09:10", case)

    told = {(one["template"], one["recipient"]): one for one in await messages(town, case_id=case)}

    assert set(told) == {("registered", "person:chen-li"), ("dispatched", "person:fang-yun")}
    for one in told.values():
        assert (one["state"], one["attempts"], one["reason"]) == ("SENT", 0, None)
        text = (running.instance.outbox / one["receipt"]).read_text(encoding="utf-8")
        assert case in text
        assert text.startswith("【巡办】")


async def test_a_message_names_its_event_and_bears_the_time_of_the_log(running: Stack, town: Town) -> None:
    (one,) = await messages(town, recipient="person:fang-yun", state="SENT")

    assert one["event_type"] == "routing.case-dispatched.v1"
    assert civil(f"{DAY} 09:10").isoformat() <= one["due_at"] or one["due_at"].startswith("2026-11-02T01:10:00")
    assert one["sent_at"] >= one["due_at"]


async def test_the_ledger_is_listed_in_pages_and_counted(town: Town) -> None:
    first = await town.line.get("notify", "/messages", person="han-feng", limit=1)
    second = await town.line.get("notify", "/messages", person="han-feng", limit=1, cursor=first["next_cursor"])

    assert first["count"] == second["count"] >= 2
    assert first["items"][0]["message_id"] != second["items"][0]["message_id"]
    assert first["as_of"]


async def test_a_department_sees_the_messages_of_its_own_cases_only(town: Town) -> None:
    own = await town.line.get("notify", "/messages", person="fang-yun")
    other = await town.line.get("notify", "/messages", person="tang-jing")

    assert own["count"] >= 2
    assert other["count"] == 0


async def test_no_message_and_no_log_line_names_the_reporter(running: Stack) -> None:
    written = b"".join(path.read_bytes() for path in files(running))
    logged = b"".join(path.read_bytes() for path in running.instance.logs.glob("notify-*.log"))

    assert written
    assert NAME.encode() not in written + logged
    assert TELEPHONE.encode() not in written + logged


async def test_a_refused_reporter_is_told_unless_nobody_knows_who_he_is(town: Town) -> None:
    reasons = {"reason_code": "LEGAL_PROCEDURE", "legal_basis": "《信访工作条例》", "alternative": "县人民法院"}
    named = await town.appeal(
        f"{DAY} 09:30", "zhou-min", "G03", "help", "示例", reporter_name=NAME, reporter_phone=TELEPHONE
    )
    nameless = await town.appeal(f"{DAY} 09:31", "zhou-min", "G03", "help", "示例")
    for case in (named, nameless):
        await town.act(f"{DAY} 09:32", "intake", f"/cases/{case}/reject", "zhou-min", reasons)

    assert [(one["state"], one["reason"]) for one in await messages(town, case_id=named)] == [("SENT", None)]
    assert [(one["state"], one["reason"]) for one in await messages(town, case_id=nameless)] == [
        ("DROPPED", "ANONYMOUS")
    ]


async def test_a_channel_that_fails_is_tried_again_until_it_works(running: Stack, town: Town) -> None:
    folder = running.instance.outbox / "person-tang-jing"
    folder.write_text("in the way")
    case = await appealed(town, f"{DAY} 09:40")
    await town.dispatch(f"{DAY} 09:41", case, fields={"unit": "county-urban", "override_reason": "就近"})

    async def failed() -> bool:
        (one,) = await messages(town, case_id=case, recipient="person:tang-jing")
        return str(one["state"]) == "FAILED"

    await eventually(failed, "the failure is in the ledger")
    folder.unlink()
    await eventually(sent(town, case, "person:tang-jing"), "the message was sent after all")
    (one,) = await messages(town, case_id=case, recipient="person:tang-jing")
    assert (one["attempts"] >= 1, (running.instance.outbox / one["receipt"]).exists()) == (True, True)


async def test_killed_between_the_file_and_its_event_the_message_is_sent_once(running: Stack, town: Town) -> None:
    folder = running.instance.outbox / "person-cao-ying"
    folder.write_text("in the way")
    case = await appealed(town, f"{DAY} 09:50")
    await town.dispatch(f"{DAY} 09:51", case, fields={"unit": "county-water", "override_reason": "就近"})
    conn = await asyncpg.connect(running.admin_url("notify"))
    async with conn.transaction():
        # Nothing can be appended to the case's lane, so the next try ends after the file and before its event.
        await conn.execute("select log.lock_lane(log.lane_of($1))", case)
        folder.unlink()
        await eventually(lambda: list(folder.glob("[!.]*.txt")), "the file was written")
        running.kill("notify-worker")
    await conn.close()
    await restarted(running)
    await town.line.settle()

    (one,) = await messages(town, case_id=case, recipient="person:cao-ying")
    await eventually(sent(town, case, "person:cao-ying"), "the event followed")
    assert [path.stem for path in files(running) if path.parent == folder] == [one["message_id"]]
    assert (await recorded(running, "message-sent"))[one["message_id"]] == 1


async def test_one_file_and_one_receipt_per_message_though_the_worker_is_killed_at_any_instant(
    running: Stack, town: Town
) -> None:
    for hour in (10, 11):
        before = len(await recorded(running, "message-sent"))
        for minute in range(10):
            await quickly_registered(town, f"{DAY} {hour}:{minute:02}")

        async def sending(before: int = before) -> bool:
            return len(await recorded(running, "message-sent")) > before

        await eventually(sending, "the sender is at work")
        running.kill("notify-worker")
        await restarted(running)
    await town.line.settle()

    due, done = await recorded(running, "message-due"), await recorded(running, "message-sent")
    dropped = await recorded(running, "message-dropped")
    names = Counter(path.stem for path in files(running))

    assert set(due.values()) == set(done.values()) == set(names.values()) == {1}
    assert set(due) == set(done) | set(dropped)
    assert set(names) == set(done)


async def restarted(running: Stack) -> None:
    running.start_process("notify-worker")
    await asyncio.to_thread(running.wait_ready, "notify-worker")


def sent(town: Town, case: str, recipient: str) -> Callable[[], Awaitable[bool]]:
    """A condition: this message has reached its channel."""

    async def holds() -> bool:
        (one,) = await messages(town, case_id=case, recipient=recipient)
        return str(one["state"]) == "SENT"

    return holds
