"""Records that no source signed, on a real broker: applied by nobody, named by the auditor, and everything goes on."""

from __future__ import annotations

from datetime import timedelta

from libs.audit.history import history
from libs.events.signature import HEADER, of_beat
from libs.log.process.counters import COUNTERS
from libs.service.clock import real_now
from tests.integration.logs import MORNING, NOTED, SOURCE, Log, case_in, eventually
from tests.integration.readers import Noting, has_seen, wire, working
from tests.integration.relays import caught_up, relaying
from tests.integration.strangers import beat_of, write, write_unreadable_name
from tests.keys import KEY, PUBLIC, STRANGER
from trials.faults.stranger import NONSENSE, forged

LANE = 33


async def test_nonsense_in_a_topic_stops_neither_reader_nor_relay(noted_log: Log) -> None:
    case_id = case_in(LANE)
    async with working(noted_log, Noting()) as worker:
        await noted_log.append(case_id)
        await has_seen(noted_log, LANE, 1)
        await write(noted_log.bootstrap, "case.events", LANE, [(headers, b"\xff", b"?") for headers in NONSENSE])
        await write_unreadable_name(noted_log.bootstrap, "case.events", LANE)
        await noted_log.append(case_id)
        await has_seen(noted_log, LANE, 1, 2)
        assert not worker.halted
    # Who comes after reads it again and goes on from there.
    async with working(noted_log, Noting()) as worker:
        await noted_log.append(case_id)
        await has_seen(noted_log, LANE, 1, 2, 3)
        assert (worker.halted, worker.relay.halted) == ({}, {})


async def test_an_event_forged_with_a_sound_chain_is_taken_by_nobody_and_the_genuine_one_is(noted_log: Log) -> None:
    lane = noted_log.new_lane
    case_id = case_in(lane)
    before = COUNTERS.passed_over["UNSIGNED"]
    async with working(noted_log, Noting()) as worker:
        await noted_log.append(case_id)
        await has_seen(noted_log, lane, 1)
        headers, body = forged((await wire(noted_log, lane))[-1])
        await write(noted_log.bootstrap, "case.events", lane, [(headers, body, case_id.encode())])
        await noted_log.append(case_id, NOTED)
        await has_seen(noted_log, lane, 1, 2)
        assert not worker.halted
        assert COUNTERS.passed_over["UNSIGNED"] > before
    # Its relay is not deceived either: the table is ahead of what its source signed, and stays open.
    async with relaying(noted_log, [lane]) as relay:
        await noted_log.append(case_id, NOTED)
        await caught_up(noted_log, relay, lane)
        assert relay.halted == {}
    shown = await history(noted_log.bootstrap, case_id, keys=PUBLIC)
    assert [event.data == NOTED.upcast() for event in shown.events] == [True, False, True, True]
    assert [event.id in shown.unproven for event in shown.events] == [False, True, False, False]
    assert shown.case is not None
    assert shown.case.state == "NOT_ACCEPTED"


async def test_a_false_signature_is_no_better_than_none(noted_log: Log) -> None:
    case_id = case_in(LANE + 2)
    async with working(noted_log, Noting()):
        await noted_log.append(case_id)
        await has_seen(noted_log, LANE + 2, 1)
        headers, body = forged((await wire(noted_log, LANE + 2))[-1])
        signed = [*headers, (HEADER, STRANGER.sign(b"anything").hex().encode())]
        await write(noted_log.bootstrap, "case.events", LANE + 2, [(signed, body, case_id.encode())])
        await noted_log.append(case_id)
        await has_seen(noted_log, LANE + 2, 1, 2)


async def test_a_heartbeat_that_lies_moves_no_watermark(noted_log: Log) -> None:
    ahead = MORNING + timedelta(days=400)
    truth = beat_of(range(64), ahead, real_now())
    async with working(noted_log, Noting()) as worker:
        await noted_log.append(case_in(LANE + 3))
        await has_seen(noted_log, LANE + 3, 1)
        before = COUNTERS.passed_over["BEAT"]
        stranger = [(HEADER, STRANGER.sign(of_beat(truth)).hex().encode())]
        others = [(HEADER, KEY.sign(of_beat(truth)).hex().encode())]
        to_come = beat_of(range(64), ahead, real_now() + timedelta(hours=1))
        early = [(HEADER, KEY.sign(of_beat(to_come)).hex().encode())]
        beats = [
            ([], truth, SOURCE.encode()),
            (stranger, truth, SOURCE.encode()),
            (others, truth, b"/xunban/routing"),
            (early, to_come, SOURCE.encode()),
            ([("x", None)], b"\xff", b"k"),
            ([], b'{"source": 1, "sent": "", "lanes": [[1, 2]]}', SOURCE.encode()),
        ]
        await write(noted_log.bootstrap, "log.heartbeats", 0, beats)
        await eventually(lambda: COUNTERS.passed_over["BEAT"] == before + len(beats), "all are refused")
        assert worker.watermarks.lane(LANE + 3, [SOURCE]) < ahead
