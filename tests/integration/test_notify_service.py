"""Notify on the real broker, server and receivers: who is told by which channel, and its fate whatever is killed."""

from collections import Counter
from collections.abc import AsyncIterator, Iterator
from email import message_from_bytes
from email.policy import default
from threading import Event

import orjson
import pytest
import pytest_asyncio

from operations.embedded.stack import Stack
from tests.integration.logs import eventually
from tests.integration.telling import (
    DAY,
    NAME,
    TELEPHONE,
    Outside,
    appealed,
    appended_by,
    became,
    files,
    length_of,
    messages,
    nothing_can_be_appended,
    nothing_can_be_recorded,
    notifying,
    passed_to,
    published,
    quickly_registered,
    receivers,
    recorded,
    restarted,
    said,
    taken,
    turned_away,
    verify,
)
from trials.clock_driver import Timeline
from trials.town import Town, civil


@pytest.fixture(scope="module")
def outside() -> Iterator[Outside]:
    with receivers() as made:
        yield made


@pytest.fixture(scope="module")
def running(outside: Outside, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with notifying(outside, tmp_path_factory.mktemp("keys") / "webhook.key") as stack:
        yield stack


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def town(running: Stack, outside: Outside) -> AsyncIterator[Town]:
    """绥山镇 on the morning of Monday, 2026-11-02."""
    async with Timeline.of(running) as line:
        await line.advance(civil(f"{DAY} 08:00"))
        await published(line, outside)
        yield Town(line)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def refused_everywhere(town: Town) -> str:
    """A case of the fire brigade, whose system answers 410 to every try: begun early, for its tries take a while."""
    case = await appealed(town, f"{DAY} 08:30")
    return await passed_to(town, f"{DAY} 08:31", case, "county-fire")


async def test_everybody_who_must_act_is_told_and_the_ledger_says_so(
    running: Stack, town: Town, refused_everywhere: str
) -> None:
    assert refused_everywhere
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


async def test_a_refused_reporter_is_told_by_sms_unless_nobody_knows_who_he_is(town: Town, outside: Outside) -> None:
    named = await turned_away(town, f"{DAY} 09:30", reporter_name=NAME, reporter_phone=TELEPHONE)
    nameless = await turned_away(town, f"{DAY} 09:31")

    assert [(one["state"], one["reason"]) for one in await messages(town, case_id=named)] == [("SENT", None)]
    assert [(one["state"], one["reason"]) for one in await messages(town, case_id=nameless)] == [
        ("DROPPED", "ANONYMOUS")
    ]
    (sms,) = [orjson.loads(one.body) for one in outside.sms.got]
    assert (sms["to"], named in sms["text"], NAME in sms["text"]) == (TELEPHONE, True, False)


async def test_no_message_and_no_log_line_names_the_reporter(running: Stack, outside: Outside) -> None:
    written = b"".join(path.read_bytes() for path in files(running))
    logged = b"".join(path.read_bytes() for path in running.instance.logs.glob("notify-*.log"))
    posted = b"".join(one.body for one in (*outside.water.got, *outside.fire.got, *outside.mail.got))

    assert written
    assert NAME.encode() not in written + logged + posted
    assert TELEPHONE.encode() not in written + logged + posted


async def test_a_channel_that_fails_is_tried_again_until_it_works(running: Stack, town: Town) -> None:
    folder = running.instance.outbox / "person-tang-jing"
    folder.write_text("in the way")
    case = await appealed(town, f"{DAY} 09:40")
    await passed_to(town, f"{DAY} 09:41", case, "county-urban")

    async def failed() -> bool:
        (one,) = await messages(town, case_id=case, recipient="person:tang-jing")
        return str(one["state"]) == "FAILED"

    await eventually(failed, "the failure is in the ledger")
    folder.unlink()
    await eventually(became(town, case, "person:tang-jing"), "the message was sent after all")
    (one,) = await messages(town, case_id=case, recipient="person:tang-jing")
    assert (one["attempts"] >= 1, (running.instance.outbox / one["receipt"]).exists()) == (True, True)


async def test_after_an_outage_what_is_missing_is_sent_as_late_and_what_is_overtaken_is_dropped(
    running: Stack, town: Town
) -> None:
    folder = running.instance.outbox / "person-chen-li"
    folder.rename(folder.with_name("aside"))
    folder.write_text("in the way")
    overtaken, missing = await appealed(town, f"{DAY} 09:42"), await appealed(town, f"{DAY} 09:43")
    await town.dispatch(f"{DAY} 09:44", overtaken)
    await town.line.advance(civil(f"{DAY} 10:30"))
    folder.unlink()
    folder.with_name("aside").rename(folder)

    await eventually(became(town, missing, "person:chen-li"), "what was missing was sent")
    await eventually(became(town, overtaken, "person:chen-li", "DROPPED"), "what was overtaken was dropped")
    (late,) = await messages(town, case_id=missing)
    (gone,) = await messages(town, case_id=overtaken, recipient="person:chen-li")
    assert (late["late"], gone["reason"]) == (True, "OBSOLETE")
    assert "迟到的告知: 本应于 2026-11-02 09:43" in (running.instance.outbox / late["receipt"]).read_text()
    assert not (folder / f"{gone['message_id']}.txt").exists()


async def test_killed_between_sending_and_recording_the_file_is_there_once_and_the_receiver_sees_one_id(
    running: Stack, town: Town, outside: Outside, refused_everywhere: str
) -> None:
    # A try that a kill keeps from being recorded is made again: the tries that are counted below end before it.
    await eventually(became(town, refused_everywhere, "unit:county-fire", "DROPPED"), "its nine tries are over")
    folder = running.instance.outbox / "person-cao-ying"
    folder.write_text("in the way")
    outside.water.status = 400
    case = await appealed(town, f"{DAY} 10:40")
    await passed_to(town, f"{DAY} 10:41", case, "county-water")
    async with nothing_can_be_appended(running, case):
        # So the next try ends after the file and before its event.
        folder.unlink()
        outside.water.status = 200
        await eventually(lambda: list(folder.glob("[!.]*.txt")), "the file was written")
        await eventually(lambda: taken(outside.water), "the water company's system took it")
        running.kill("notify-worker")
    await restarted(running)
    await town.line.settle()

    (one,) = await messages(town, case_id=case, recipient="person:cao-ying")
    await eventually(became(town, case, "person:cao-ying"), "the event followed")
    await eventually(became(town, case, "unit:county-water"), "the other one too")
    assert [path.stem for path in files(running) if path.parent == folder] == [one["message_id"]]
    assert (await recorded(running, "message-sent"))[one["message_id"]] == 1
    (hook,) = await messages(town, case_id=case, recipient="unit:county-water")
    assert {one.headers["webhook-id"] for one in outside.water.got} == {hook["message_id"]}
    assert len(taken(outside.water)) == 2
    verify(outside.water.got[-1], "unit:county-water")


async def test_what_was_sent_and_cannot_be_recorded_is_not_sent_again_and_again(
    running: Stack, town: Town, outside: Outside
) -> None:
    case, before, waits = await appealed(town, f"{DAY} 10:50"), len(outside.water.got), said(running, "sender_waits")
    async with nothing_can_be_recorded(running):
        to_water = {"unit": "county-water", "override_reason": "就近"}
        await town.line.post("routing", f"/cases/{case}/dispatch", to_water, person="chen-li")
        await eventually(lambda: said(running, "sender_waits") > waits + 3, "it was tried to record it")
    await eventually(became(town, case, "unit:county-water"), "it is recorded")
    assert len(outside.water.got) == before + 1


async def test_what_was_sent_of_several_cases_is_recorded_by_one_append(
    running: Stack, town: Town, outside: Outside
) -> None:
    cases, before = [await appealed(town, f"{DAY} 10:52") for _ in range(4)], len(outside.water.got)
    async with nothing_can_be_recorded(running):
        to_water = {"unit": "county-water", "override_reason": "就近"}
        for case in cases:
            await town.line.post("routing", f"/cases/{case}/dispatch", to_water, person="chen-li")
        await eventually(lambda: len(outside.water.got) == before + 4, "all four were posted")
        waits = said(running, "sender_waits")
        await eventually(lambda: said(running, "sender_waits") > waits + 2, "and looked at again")
    for case in cases:
        await eventually(became(town, case, "unit:county-water"), "it is recorded")

    hooks = {
        one["message_id"] for case in cases for one in await messages(town, case_id=case, recipient="unit:county-water")
    }
    assert (len(hooks), len(await appended_by(running, hooks))) == (4, 1)


async def test_a_case_that_moved_on_while_its_message_was_under_way_is_recorded_by_itself(
    running: Stack, town: Town, outside: Outside
) -> None:
    case, before = await appealed(town, f"{DAY} 10:54"), len(outside.water.got)
    outside.water.hangs = Event()
    to_water = {"unit": "county-water", "override_reason": "就近"}
    await town.line.post("routing", f"/cases/{case}/dispatch", to_water, person="chen-li")
    await eventually(lambda: len(outside.water.got) == before + 1, "its system has it and does not answer yet")
    length = await length_of(running, case)
    await town.line.post("supervision", f"/cases/{case}/urge", {"note": "请尽快"}, person="han-feng")

    async def moved_on() -> bool:
        return await length_of(running, case) > length

    await eventually(moved_on, "notify's own stream of the case went on")
    outside.water.hangs.set()
    outside.water.hangs = None

    async def all_sent() -> bool:
        hooks = await messages(town, case_id=case, recipient="unit:county-water")
        return [one["state"] for one in hooks] == ["SENT", "SENT"]

    await eventually(all_sent, "both are recorded")
    assert len(outside.water.got) == before + 2


async def test_one_file_and_one_receipt_per_message_though_the_worker_is_killed_at_any_instant(
    running: Stack, town: Town
) -> None:
    before = len(await recorded(running, "message-sent"))
    for minute in range(10):
        await quickly_registered(town, f"{DAY} 11:{minute:02}")

    async def sending() -> bool:
        return len(await recorded(running, "message-sent")) > before

    await eventually(sending, "the sender is at work")
    running.kill("notify-worker")
    await restarted(running)
    await town.line.settle()

    due, done = await recorded(running, "message-due"), await recorded(running, "message-sent")
    dropped = await recorded(running, "message-dropped")
    names = Counter(path.stem for path in files(running))
    by_file = {one["message_id"] for one in await messages(town, state="SENT") if one["channel"] == "file"}

    assert set(due.values()) == set(done.values()) == set(names.values()) == {1}
    assert set(due) == set(done) | set(dropped)
    assert set(names) == by_file


async def test_ten_cases_alike_on_one_day_are_the_last_that_are_told_one_by_one(running: Stack, town: Town) -> None:
    # Ten in this grid are there already.
    for minute in range(6):
        await quickly_registered(town, f"{DAY} 11:1{minute}")
    await town.line.settle()

    told = [one for one in await messages(town, recipient="person:chen-li") if one["due_at"] >= "2026-11-02T03:00"]
    (last,) = [one for one in told if one["mass"]]
    assert Counter(one["state"] for one in told) == {"SENT": 10, "DROPPED": 6}
    assert {(one["reason"], one["covered_by"]) for one in told if one["state"] == "DROPPED"} == {
        ("COVERED", last["message_id"])
    }
    assert "同类案件今日已达 10 件" in (running.instance.outbox / last["receipt"]).read_text()


async def test_who_wants_a_digest_gets_one_mail_at_its_hour_for_all_his_cases(town: Town, outside: Outside) -> None:
    cases = [await appealed(town, f"{DAY} 11:3{minute}") for minute in (0, 2)]
    for minute, case in enumerate(cases, 5):
        await passed_to(town, f"{DAY} 11:3{minute}", case, "county-market")
    assert outside.mail.got == []

    await town.line.advance(civil(f"{DAY} 12:31"))
    for case in cases:
        await eventually(became(town, case, "person:liang-xue"), "the digest was sent")

    (mail,) = [message_from_bytes(one.body, policy=default) for one in outside.mail.got]
    (receipt,) = {one["receipt"] for one in await messages(town, recipient="person:liang-xue")}
    assert (mail["Subject"], mail["Message-ID"]) == ("【巡办】汇总: 2 条告知", receipt)
    assert all(case in mail.get_content() for case in cases)


async def test_an_undelivered_message_is_listed_on_its_case_and_sent_again_on_demand(
    town: Town, outside: Outside, refused_everywhere: str
) -> None:
    case = refused_everywhere
    await eventually(became(town, case, "unit:county-fire", "DROPPED"), "the last try has failed")
    shown = await town.line.get("notify", f"/cases/{case}", person="han-feng")
    (dead,) = shown["undelivered"]
    assert shown["allowed_actions"] == ["resend_message"]
    assert Counter(one.headers["webhook-id"] for one in outside.fire.got) == {dead: 9}

    outside.fire.status = 200
    again = f"/cases/{case}/messages/{dead}/resend"
    await town.line.post("notify", again, {}, person="pan-hong", expect=403)
    await town.line.post("notify", again, {}, person="han-feng")
    await eventually(became(town, case, "unit:county-fire"), "it was sent again")
    assert [one.headers["webhook-id"] for one in taken(outside.fire)] == [dead]


async def test_an_event_of_which_nobody_was_told_is_listed_with_the_reason(town: Town) -> None:
    other = await turned_away(town, f"{DAY} 12:41", reporter_name=NAME)

    untold = await town.line.get("notify", "/untold", person="han-feng")
    assert [(one["case_id"], one["recipient"], one["reason"]) for one in untold["items"]] == [
        (other, "reporter", "NO_CONTACT")
    ]
    assert untold["count"] == 1
    headers = {**town.line._headers("han-feng", None, None), "Accept": "text/csv"}
    answer = await town.line.client.get(f"{town.line.apis['notify']}/untold", headers=headers)
    assert [line.split(",")[0] for line in answer.text.splitlines()[1:]] == [other]
