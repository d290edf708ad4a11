"""Records the scenarios: `pytest tests/e2e -p tests.contract.recording --recording NAME` writes histories/NAME/.

What a scenario did is read from Kafka at its end; what today's code makes of it stands in its last lines. A recording
is never edited and never written over.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import orjson
import pytest
import pytest_asyncio

from libs.audit.reading import open_log
from libs.events.envelope import from_kafka
from libs.events.lanes import DIRECTORY_LANE
from libs.events.topics import CASE_EVENTS, DIRECTORY_EVENTS
from operations.embedded.stack import Stack
from tests.contract.replaying import DIRECTORY, HISTORIES, directory_of, line_of, results
from trials.town import Town


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--recording", required=True, metavar="NAME", help="name of the new folder in histories/")


@pytest.fixture(scope="session")
def folder(request: pytest.FixtureRequest) -> Path:
    made = HISTORIES / str(request.config.getoption("--recording"))
    made.mkdir(parents=True)
    return made


@pytest_asyncio.fixture(autouse=True)
async def recorded(request: pytest.FixtureRequest, folder: Path, town_stack: Stack, town: Town) -> AsyncIterator[None]:
    before = {_subject(one) for one in await _log(town_stack)}
    yield
    log = await _log(town_stack)
    cases = [one for one in log if _lane(one) != DIRECTORY_LANE and _subject(one) not in before]
    facts = [one for one in log if _lane(one) == DIRECTORY_LANE]
    _write(folder / DIRECTORY, [line_of(one) for one in facts])
    if cases and request.node.name.startswith("test_scenario"):
        directory = directory_of(from_kafka(one).decode() for one in facts)
        made = results([from_kafka(one).decode() for one in cases], directory)
        name = request.node.name.removeprefix("test_").replace("_", "-")
        _write(folder / f"{name}.jsonl", [*(line_of(one) for one in cases), *made])


async def _log(stack: Stack) -> list[Any]:
    """Every record as of now: case after case as they came, each in the order of its lane."""
    async with open_log(stack.broker) as log:
        topics = (CASE_EVENTS.name, DIRECTORY_EVENTS.name)
        extent = await log.extent([tp for topic in topics for tp in await log.partitions(topic)])
        found = [record async for batch in log.read(extent.begin, extent.end) for record in batch]
    in_lanes: dict[tuple[int, str], list[Any]] = {}
    for one in sorted(found, key=lambda one: one.offset):
        in_lanes.setdefault((_lane(one), "" if _lane(one) == DIRECTORY_LANE else _subject(one)), []).append(one)
    groups = sorted(in_lanes.values(), key=lambda group: dict(group[0].headers)["ce_recordedat"])
    return [one for group in groups for one in group]


def _lane(record: Any) -> int:
    return int(dict(record.headers)["ce_lane"])


def _subject(record: Any) -> str:
    return str(dict(record.headers)["ce_subject"].decode())


def _write(path: Path, lines: list[dict[str, Any]]) -> None:
    path.write_bytes(b"".join(orjson.dumps(line) + b"\n" for line in lines))
