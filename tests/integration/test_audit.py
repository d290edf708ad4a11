"""The auditor's command line on a real broker: it finds what was planted in a copy of a real log."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from itertools import chain
from typing import Any

import pytest
from typer.testing import CliRunner

from cli.audit import app
from libs.audit.checks.claims import Topics
from libs.audit.checks.findings import Fault
from libs.audit.history import history
from libs.audit.reading import NoLog
from libs.audit.verify import verify
from libs.events.contracts.intake import CaseRegistered
from libs.events.envelope import from_kafka
from libs.events.ids import ClassCode, GridCode, PersonId, new_id
from operations.embedded.stack import Stack
from tests.integration.logs import MORNING, NOTED, SOURCE, Log, case_in, new_log
from tests.integration.published import copy, publish
from tests.integration.readers import signed
from tests.keys import PUBLIC
from trials.faults.stranger import forged

GAP, SWAP, FLIP, FOREIGN = LANES = (11, 12, 13, 14)
REGISTERED = CaseRegistered(
    registered_by=PersonId("zhou-min"),
    kind="complaint",
    class_code=ClassCode("manhole"),
    urgency="U3",
    grid=GridCode("G03"),
)


@pytest.fixture(scope="module")
async def published_log(servers: Stack) -> AsyncIterator[Log]:
    """An event store that takes part in the topics."""
    async with new_log(servers, relayed=True) as log:
        yield log


@pytest.fixture(scope="module")
async def records(published_log: Log) -> dict[int, list[Any]]:
    """One case in each of four lanes, four events each, as the relay published them."""
    for lane in LANES:
        await published_log.append(case_in(lane), NOTED, REGISTERED, NOTED, NOTED, given=MORNING)
    published = await publish(published_log, set(LANES), 16)
    return {lane: [record for record in published if record.partition == lane] for lane in LANES}


@pytest.fixture(scope="module")
async def sound(published_log: Log, records: dict[int, list[Any]]) -> str:
    """A copy of the log with one record sent twice."""
    name = f"copy.{new_id()}"
    await copy(published_log.bootstrap, [*chain.from_iterable(records.values()), records[GAP][1]], name)
    return name


@pytest.fixture(scope="module")
async def broken(published_log: Log, records: dict[int, list[Any]]) -> str:
    """A copy with a record left out, two swapped, one altered, and one of somebody else."""
    name = f"copy.{new_id()}"
    first, second, third, fourth = records[SWAP]
    altered = replace(records[FLIP][1], value=records[FLIP][1].value.replace(b"U3", b"U4"))
    stranger = replace(records[FOREIGN][3], key=b"nobody", value=b"{}", headers=[("ce_id", b"1")])
    planted = [
        *(records[GAP][0], records[GAP][2], records[GAP][3]),
        *(first, third, second, fourth),
        *(records[FLIP][0], altered, records[FLIP][2], records[FLIP][3]),
        *(*records[FOREIGN], stranger),
    ]
    await copy(published_log.bootstrap, planted, name)
    return name


async def test_a_sound_log_is_counted_and_a_duplicate_is_no_fault(published_log: Log, sound: str) -> None:
    report = await verify(published_log.bootstrap, Topics(sound, f"{sound}.facts"))

    assert report.sound, report.findings
    assert (report.events, report.duplicates, report.partitions) == (16, 1, 65)
    assert report.lanes == 4


async def test_each_planted_fault_is_found_with_its_lane_and_sequence(published_log: Log, broken: str) -> None:
    report = await verify(published_log.bootstrap, Topics(broken, f"{broken}.facts"))

    assert {(found.fault, found.partition, found.offset, found.lane, found.seq) for found in report.findings} == {
        (Fault.GAP, GAP, 1, GAP, 3),
        (Fault.GAP, SWAP, 1, SWAP, 3),
        (Fault.ORDER, SWAP, 2, SWAP, 2),
        (Fault.CONTENT, FLIP, 1, FLIP, 2),
        (Fault.FOREIGN, FOREIGN, 4, None, None),
    }


async def test_the_auditor_blames_the_forged_record_and_not_the_genuine_one(
    published_log: Log, records: dict[int, list[Any]]
) -> None:
    """In the midst with a sound chain, at the end, with a false signature; and a genuine tail that somebody cut."""
    first, second, third, fourth = records[GAP]
    name = f"copy.{new_id()}"
    headers, body = forged(from_kafka(first))
    in_the_midst = replace(first, headers=headers, value=body)
    headers, body = forged(from_kafka(records[SWAP][3]))
    at_the_end = replace(records[SWAP][0], headers=headers, value=body)
    falsely_signed = replace(at_the_end, headers=[*headers, ("ce_signature", b"00" * 64)])
    unsigned = [pair for pair in fourth.headers if pair[0] != "ce_signature"]
    last_of_a_batch = replace(
        first, headers=[*first.headers, ("ce_signature", signed(from_kafka(first).position).hex().encode())]
    )
    planted = [last_of_a_batch, in_the_midst, second, third, fourth, *records[SWAP], at_the_end, falsely_signed]
    await copy(published_log.bootstrap, [*planted, replace(fourth, headers=unsigned)], name)

    report = await verify(published_log.bootstrap, topics_of(name), keys=PUBLIC)

    assert sorted((found.fault, found.partition, found.offset) for found in report.findings) == [
        (Fault.SIGNATURE, SWAP, 5),
        (Fault.UNSIGNED, GAP, 1),
        (Fault.UNSIGNED, SWAP, 4),
    ]
    assert report.duplicates == 1
    (proven,) = report.proven
    assert (proven.source, proven.unsigned, proven.checkpoint) == (SOURCE, 3, None)
    assert proven.signed_at is not None


async def test_what_only_a_witness_can_know_is_asked_of_what_he_kept(published_log: Log, sound: str) -> None:
    report = await verify(published_log.bootstrap, topics_of(sound), keys=PUBLIC, since=["ab" * 32])

    assert [found.fault for found in report.findings] == [Fault.CUT]


async def test_the_command_line_says_what_it_checked_and_fails_on_a_finding(
    published_log: Log, sound: str, broken: str
) -> None:
    where = ("verify", "--bootstrap", published_log.bootstrap)
    good, bad = [await run(*where, "--cases", one, "--directory", f"{one}.facts") for one in (sound, broken)]

    assert (good.exit_code, bad.exit_code) == (0, 1)
    assert "日志完整" in good.output
    assert "缺号" in bad.output


async def test_the_history_of_a_case_tells_its_events_in_log_order(
    published_log: Log, records: dict[int, list[Any]]
) -> None:
    case_id = records[GAP][0].key.decode()

    found = await history(published_log.bootstrap, case_id.upper())
    shown = await run("history", case_id, "--bootstrap", published_log.bootstrap)

    assert [event.data for event in found.events] == [NOTED.upcast(), REGISTERED, NOTED.upcast(), NOTED.upcast()]
    assert found.case is not None
    assert found.case.state == "NOT_ACCEPTED"
    assert shown.exit_code == 0
    assert shown.output.index("不予受理") < shown.output.index("立案")


def topics_of(name: str) -> Topics:
    """A copy whose checkpoints and heartbeats are those of nobody."""
    return Topics(name, f"{name}.facts", f"{name}.facts", f"{name}.facts")


async def test_an_unknown_case_and_a_log_that_is_not_there_are_said_in_one_line(published_log: Log) -> None:
    unknown = await run("history", new_id(), "--bootstrap", published_log.bootstrap)

    assert (unknown.exit_code, "没有此案件" in unknown.output) == (1, True)
    with pytest.raises(NoLog):
        await verify("127.0.0.1:1")
    with pytest.raises(NoLog):
        await verify(published_log.bootstrap, Topics(cases="no.such.topic"))


async def run(*arguments: str) -> Any:
    """The command line in a thread, because it runs an event loop of its own."""
    return await asyncio.to_thread(CliRunner().invoke, app, list(arguments))
