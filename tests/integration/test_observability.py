"""What the running system says of itself – metrics, traces, logs – and what it answers when there is too much of it."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import signal
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial

import asyncpg
import httpx
import pytest
import pytest_asyncio
from aiokafka import AIOKafkaProducer, TopicPartition

from libs.audit.reading import open_log
from libs.events.envelope import WireRecord
from libs.events.ids import new_id
from libs.events.lanes import lane_of
from libs.events.signature import of_head
from libs.log.read.progress import parsed
from libs.log.write.idempotency import forget_answers
from operations.embedded.stack import Stack
from operations.installation import ROOT, SERVICES
from tests.integration.collector import Collector, Span, collecting
from tests.integration.crowd import BODY, WORDS, appeal, cases_received, operators, scraped, silent_database
from tests.integration.logs import PATIENT, eventually
from trials.clock_driver import Timeline
from trials.faults.stranger import forged
from trials.publish import apply_directory
from trials.town import Town, civil

TRACE, CALLER = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    with collecting() as made:
        yield made


@pytest.fixture(scope="module")
def running(collector: Collector) -> Iterator[Stack]:
    """The whole system, told where traces go."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
        environment.setenv("OTEL_BSP_SCHEDULE_DELAY", "100")
        with Stack(f"test-{secrets.token_hex(4)}") as stack:
            yield stack


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def town(running: Stack) -> AsyncIterator[Town]:
    """绥山镇 on the morning of Monday, 2026-11-02."""
    async with Timeline.of(running) as line:
        await line.advance(civil("2026-11-02 08:00"))
        await apply_directory(line, ROOT / "examples" / "town")
        yield Town(line)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def case(town: Town) -> str:
    """A case registered by a request that belongs to somebody's trace."""
    made = await town.appeal("2026-11-02 09:00", "zhou-min", "G03", "complaint", WORDS, reporter_phone="13800000000")
    town.line.client.headers["traceparent"] = f"00-{TRACE}-{CALLER}-01"
    await town.register("2026-11-02 09:10", made, "sewer-odour", "U3")
    del town.line.client.headers["traceparent"]
    await town.dispatch("2026-11-02 09:20", made)
    return made


# Traces --------------------------------------------------------------------------------------------------------------


def named(spans: list[Span], process: str, name: str) -> list[Span]:
    return [span for span in spans if (span.process, span.name, span.trace) == (process, name, TRACE)]


async def test_one_trace_spans_the_request_the_log_and_the_reactions_of_other_services(
    case: str, collector: Collector
) -> None:
    wanted = [
        ("intake-api", "POST /cases/{case_id}/register"),
        ("intake-api", "append"),
        ("intake-worker", "relay"),
        ("routing-worker", "apply intake.case-registered.v1"),
        ("routing-worker", "relay"),
        ("supervision-worker", "apply routing.route-proposed.v1"),
        ("supervision-worker", "apply intake.case-registered.v1"),
        ("notify-worker", "apply supervision.deadline-set.v1"),
    ]
    spans = await asyncio.to_thread(collector.wait, lambda seen: all(named(seen, *one) for one in wanted))
    (request,), (append,) = named(spans, *wanted[0]), named(spans, *wanted[1])
    assert (request.parent, append.parent) == (CALLER, request.id)
    assert append.id in {span.parent for span in named(spans, *wanted[2])}
    (read_by_routing,) = named(spans, *wanted[3])
    assert read_by_routing.parent == append.id
    (reaction_read,) = named(spans, *wanted[5])
    assert reaction_read.parent == read_by_routing.id
    (read_by_supervision,) = named(spans, *wanted[6])
    assert {span.parent for span in named(spans, *wanted[7])} == {read_by_supervision.id}
    assert case in append.text
    assert not [span for span in spans if "13800000000" in span.text or "下水道" in span.text]


# Metrics -------------------------------------------------------------------------------------------------------------


async def test_every_process_says_how_it_is(case: str, running: Stack) -> None:
    found, everything = await scraped(running)
    for service in SERVICES:
        api, worker = found[service, "api"], found[service, "worker"]
        assert api["xunban_database_up{}"] == worker["xunban_database_up{}"] == 1
        assert worker["xunban_lanes_owned{}"] == 64
        assert (
            worker["xunban_partitions_halted{what=projection}"] == worker["xunban_partitions_halted{what=relay}"] == 0
        )
        assert worker["xunban_relay_backlog_events{}"] == 0
        for source in SERVICES:
            assert 0 <= worker[f"xunban_watermark_lag_seconds{{source={source}}}"] < 30
            assert 0 <= api[f"xunban_freshness_lag_seconds{{source={source}}}"] < 30
        assert worker["xunban_projection_batch_events_sum{}"] > 0
        assert worker["xunban_checkpoint_signed_timestamp_seconds{}"] > 0
    intake, notify = found["intake", "api"], found["notify", "worker"]
    assert intake["xunban_http_requests_total{method=POST,route=/cases/{case_id}/register,status=200}"] == 1
    assert intake["xunban_http_request_seconds_count{method=POST,route=/cases/{case_id}/register}"] == 1
    assert intake["xunban_events_appended_total{}"] >= 2
    assert sum(count for name, count in notify.items() if name.startswith("xunban_messages_total{")) >= 1
    assert found["supervision", "worker"]["xunban_timer_late_seconds{}"] == 0
    until = datetime.fromtimestamp(found["supervision", "worker"]["xunban_calendar_until_timestamp_seconds{}"], UTC)
    assert until == datetime(2027, 1, 1, tzinfo=UTC), "the notice for 2027 is not out"
    assert case not in everything
    assert "13800000000" not in everything


async def test_every_service_drops_answers_that_are_old(case: str, running: Stack) -> None:
    columns, ago = "principal, idem_key, request_hash, at", "now() - $2::interval"
    add = f"insert into log.command_log ({columns}) values ('x', $1, '', {ago})"  # noqa: S608
    for service in SERVICES:
        conn = await asyncpg.connect(running.database_url(service))
        try:
            await conn.execute(add, "old", timedelta(hours=3))
            await conn.execute(add, "young", timedelta(hours=1))
            assert await forget_answers(conn, timedelta(hours=2), 10) == 1
            assert await conn.fetchval("select idem_key from log.command_log where principal = 'x'") == "young"
        finally:
            await conn.close()


async def test_a_step_that_the_clock_has_passed_and_nobody_may_record_yet_is_late(case: str, running: Stack) -> None:
    """Supervision's clock is ahead; the others' watermarks hold the step back."""
    conn = await asyncpg.connect(running.admin_url("supervision"))
    try:
        due = await conn.fetchval("select min(due_at) from timers.timer where case_id = $1", case)
        before = await conn.fetchval("select now from log.mode")
        await conn.execute("update log.mode set now = $1::timestamptz + interval '90 seconds'", due)
        found, _ = await scraped(running)
        await conn.execute("update log.mode set now = $1", before)
    finally:
        await conn.close()
    assert found["supervision", "worker"]["xunban_timer_late_seconds{}"] == pytest.approx(90)
    assert found["supervision", "worker"]["xunban_timers_due{}"] == 1


async def test_what_the_log_has_not_taken_yet_is_counted(case: str, running: Stack) -> None:
    """The broker stands still while somebody calls; the case is accepted all the same."""
    broker = running.broker_pid()
    assert broker is not None
    async with operators(running) as client:
        os.kill(broker, signal.SIGSTOP)
        try:
            before, _ = await scraped(running)
            accepted = await appeal(client, new_id())
            found, _ = await scraped(running)
        finally:
            os.kill(broker, signal.SIGCONT)
    assert accepted.status == 201
    lag = "xunban_watermark_lag_seconds{source=intake}"
    assert found["routing", "worker"][lag] > before["routing", "worker"][lag]
    assert found["intake", "worker"]["xunban_relay_backlog_events{}"] == 1

    async def taken() -> bool:
        return (await scraped(running))[0]["intake", "worker"]["xunban_relay_backlog_events{}"] == 0

    await eventually(taken, "the log has taken it")


async def test_of_two_decisions_on_one_case_at_once_one_is_made_anew_and_that_is_counted(
    case: str, running: Stack
) -> None:
    """Both were made before either was recorded."""
    before, _ = await scraped(running)
    conn = await asyncpg.connect(running.admin_url("intake"), server_settings=PATIENT)
    async with operators(running) as client:
        made = (await client.post("/appeals", json=BODY, headers={"Idempotency-Key": new_id()})).json()["case_id"]
        async with conn.transaction():
            await conn.execute("select log.lock_lane(log.lane_of($1))", made)
            sent = [asyncio.create_task(corrected(client, made, content)) for content in ("两处下水道", "三处下水道")]
            await eventually(partial(wait_for_a_lane, running, 2), "both wait for the lane")
        answers = await asyncio.gather(*sent)
    await conn.close()
    after, _ = await scraped(running)
    conflicts = [found["intake", "api"]["xunban_append_conflicts_total{}"] for found in (before, after)]
    assert [answer.status_code for answer in answers] == [200, 200], [answer.text for answer in answers]
    assert conflicts[1] == conflicts[0] + 1


async def corrected(client: httpx.AsyncClient, case_id: str, content: str) -> httpx.Response:
    body, key = {"content": content, "reason": "登记有误"}, {"Idempotency-Key": new_id()}
    return await client.post(f"/cases/{case_id}/correct", json=body, headers=key)


async def wait_for_a_lane(stack: Stack, count: int) -> bool:
    """On a connection of its own: within one transaction it would be told the same each time."""
    conn = await asyncpg.connect(stack.admin_url("intake"))
    try:
        waiting = "select count(*) from pg_stat_activity where datname = 'intake' and wait_event_type = 'Lock'"
        return bool(await conn.fetchval(waiting) == count)
    finally:
        await conn.close()


# Too much of it ------------------------------------------------------------------------------------------------------


async def test_of_many_requests_at_once_each_is_done_or_told_to_come_again_and_is_done_once_in_the_end(
    case: str, running: Stack
) -> None:
    keys, before, refused = [new_id() for _ in range(200)], await cases_received(running), Counter[str]()
    async with operators(running) as client:
        left = keys
        while left:
            answers = dict(zip(left, await asyncio.gather(*(appeal(client, key) for key in left)), strict=True))
            assert {(one.status, one.retry_after) for one in answers.values()} <= {(201, None), (503, "1")}
            left = [key for key, answer in answers.items() if answer.status == 503]
            refused.update(answers[key].code for key in left)
    assert refused["overloaded"] > 0
    assert refused.keys() <= {"overloaded", "unavailable"}
    assert await cases_received(running) == before + 200
    found, _ = await scraped(running)
    assert found["intake", "api"]["xunban_http_overloaded_total{}"] == refused["overloaded"]
    assert found["intake", "api"]["xunban_problems_total{code=overloaded}"] == refused["overloaded"]


async def test_while_the_database_lets_nobody_write_nobody_waits_long(case: str, running: Stack) -> None:
    before = await cases_received(running)
    conn = await asyncpg.connect(running.admin_url("intake"), server_settings=PATIENT)
    try:
        async with conn.transaction(), operators(running) as client:
            await conn.execute("lock table log.lane_head in access exclusive mode")
            sent = [asyncio.create_task(appeal(client, new_id())) for _ in range(50)]
            alive = await client.get("/healthz")
            answers = await asyncio.gather(*sent)
    finally:
        await conn.close()
    assert alive.status_code == 200
    assert {(one.status, one.code, one.retry_after) for one in answers} == {(503, "unavailable", "1")}
    assert max(one.seconds for one in answers) < 10
    assert await cases_received(running) == before


async def test_a_database_that_stands_still_fills_no_memory(case: str, running: Stack) -> None:
    """The few that hold its connections wait for it; all others are told within the patience for a connection."""
    async with operators(running) as client:
        with silent_database(running):
            sent = [asyncio.create_task(appeal(client, new_id())) for _ in range(100)]
            told = [await first for _, first in zip(range(92), asyncio.as_completed(sent), strict=False)]
            metrics = (await client.get("/metrics")).text
        assert {(one.status, one.retry_after) for one in told} == {(503, "1")}
        assert max(one.seconds for one in told) < 10
        assert 'xunban_database_up{process="api",service="intake"} 0.0' in metrics
        assert {one.status for one in await asyncio.gather(*sent)} <= {201, 503}


# What is no event of ours --------------------------------------------------------------------------------------------


async def test_what_a_stranger_writes_is_counted_by_every_service_and_halts_none(case: str, running: Stack) -> None:
    lane = (lane_of(case) + 1) % 64
    async with AIOKafkaProducer(bootstrap_servers=running.bootstrap) as stranger:
        await stranger.send_and_wait("case.events", WORDS.encode(), partition=lane)

    async def counted() -> bool:
        found, _ = await scraped(running)
        workers = [found[name, "worker"] for name in SERVICES]
        assert [worker["xunban_partitions_halted{what=projection}"] for worker in workers] == [0] * 4
        return [worker["xunban_records_passed_over_total{reason=FOREIGN}"] for worker in workers] == [1] * 4

    await eventually(counted, "four readers have passed it over")


async def test_a_partition_that_halts_is_counted_by_every_service(case: str, running: Stack) -> None:
    """Its own source has signed an event that stands behind one that never came."""
    tp = TopicPartition("case.events", lane_of(case))
    async with open_log(running.bootstrap) as log:
        extent = await log.extent([tp])
        records = [parsed(record) async for batch in log.read(extent.begin, extent.end) for record in batch]
    own = [one for one in records if isinstance(one, WireRecord) and one.source == "/xunban/intake"]
    missing = replace(own[-1], position=replace(own[-1].position, seq=own[-1].position.seq + 1))
    headers, body = forged(missing)
    said = dict(headers)
    message = of_head("/xunban/intake", tp.partition, int(said["ce_laneseq"]), bytes.fromhex(said["ce_hash"].decode()))
    headers.append(("ce_signature", running.keys_of("intake").signing.sign(message).hex().encode()))
    async with AIOKafkaProducer(bootstrap_servers=running.bootstrap) as intake:
        await intake.send_and_wait(tp.topic, body, key=said["ce_subject"], partition=tp.partition, headers=headers)

    async def counted() -> bool:
        found, _ = await scraped(running)
        return [found[name, "worker"]["xunban_partitions_halted{what=projection}"] for name in SERVICES] == [1] * 4

    await eventually(counted, "four readers have halted")


# Logs ----------------------------------------------------------------------------------------------------------------


async def test_the_logs_name_what_they_are_about_and_no_person(case: str, running: Stack) -> None:
    """After all that went wrong above; every line is one fact."""
    said = []
    for service in SERVICES:
        for process in ("api", "worker"):
            text = (running.instance.logs / f"{service}-{process}.log").read_text()
            assert "13800000000" not in text
            assert "下水道" not in text
            said += [json.loads(line) for line in text.splitlines() if not line.startswith("INFO:")]
    halted = {line["service"] for line in said if line["event"] == "partition_halted"}
    assert halted == set(SERVICES)
    away = [line for line in said if line["event"] == "store_unavailable"]
    assert {(line["service"], line["process"], line["route"]) for line in away} >= {("intake", "api", "/appeals")}
    assert all(len(line["trace_id"]) == 32 for line in away)
