"""The auditor's command line on a real broker: it finds what was planted in a copy of a real log."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from itertools import chain
from typing import Any

import pytest
from typer.testing import CliRunner

from cli.audit import app
from libs.audit.checks.chain import Topics
from libs.audit.checks.findings import Fault
from libs.audit.history import history
from libs.audit.reading import NoLog
from libs.audit.verify import verify
from libs.events.contracts.intake import CaseRegistered
from libs.events.ids import ClassCode, GridCode, PersonId, new_id
from operations.embedded.stack import Stack
from tests.integration.logs import MORNING, NOTED, Log, case_in, new_log
from tests.integration.published import copy, publish

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

    assert [event.data for event in found.events] == [NOTED, REGISTERED, NOTED, NOTED]
    assert found.case is not None
    assert found.case.state == "NOT_ACCEPTED"
    assert shown.exit_code == 0
    assert shown.output.index("不予受理") < shown.output.index("立案")


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
