"""Recorded logs are replayed by today's code: the case, its clocks, verdicts and steps are those of the recording."""

from functools import cache
from pathlib import Path
from typing import Any

import pytest

from libs.directory.facts.directory import Directory
from libs.events.contracts import intake, routing, supervision
from libs.events.lanes import encode_meta
from tests.contract.replaying import DIRECTORY, HISTORIES, directory_of, load, results

SCENARIOS = sorted(path for path in HISTORIES.glob("*/*.jsonl") if path.name != DIRECTORY)
TOLD = {
    routing.CaseDispatched,
    supervision.DeadlineSet,
    supervision.DeadlineBreached,
    supervision.AutoEscalated,
    supervision.CaseClosed,
    intake.AppealWithdrawn,
}
"""Among what they tell at least."""


@cache
def directory(recording: Path) -> Directory:
    return directory_of(load(recording / DIRECTORY).events)


def said_then(then: dict[str, Any], now: dict[str, Any]) -> dict[str, Any]:
    """Of what today's code makes of a case, what the recording says too; a field that came later is not in it."""
    return {**{name: now[name] for name in then}, "case": {name: now["case"][name] for name in then["case"]}}


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_todays_code_makes_of_a_recorded_log_what_was_made_of_it(path: Path) -> None:
    scenario = load(path)

    made = results(scenario.events, directory(path.parent))

    assert [said_then(then, now) for then, now in zip(scenario.results, made, strict=True)] == list(scenario.results)


@pytest.mark.parametrize("path", sorted(HISTORIES.glob("*/*.jsonl")), ids=lambda path: path.stem)
def test_every_record_has_the_hash_that_its_bytes_have_today(path: Path) -> None:
    for record in load(path).records:
        assert record.position.expected_hash(encode_meta(record.headers), record.body) == record.position.hash


def test_the_histories_tell_of_the_whole_way_of_a_case() -> None:
    told = {type(event.data) for path in SCENARIOS for event in load(path).events}

    assert told >= TOLD
    assert len(SCENARIOS) >= 6
