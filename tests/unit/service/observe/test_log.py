"""What a log line says of an exception: where it came from, never what it repeats of a person."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from libs.events.errors import ChainBroken
from libs.service.observe.log import log_crash, set_up

LEAK = "张三13800000000"


@pytest.fixture(autouse=True)
def as_in_a_service() -> Iterator[None]:
    """Logging as a process sets it up, and as it was before at the end."""
    root = logging.getLogger()
    before = root.handlers[:], root.level
    set_up("intake", "api")
    yield
    root.handlers[:], root.level = before
    structlog.reset_defaults()


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    out, err = capsys.readouterr()
    assert LEAK not in out + err
    assert err == ""
    return [json.loads(line) for line in out.splitlines()]


def fail() -> None:
    try:
        int(LEAK)
    except ValueError as why:
        raise KeyError(LEAK) from why


def test_an_exception_is_told_by_its_types_and_frames(capsys: pytest.CaptureFixture[str]) -> None:
    try:
        fail()
    except KeyError as error:
        structlog.get_logger().error("request_failed", exc_info=error)
    (line,) = lines(capsys)
    assert line["event"] == "request_failed"
    assert (line["service"], line["process"]) == ("intake", "api")
    assert line["error"] == ["KeyError", "ValueError"]
    assert line["frames"][-1].endswith(" fail")


def test_what_a_group_of_tasks_died_of_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ExceptionGroup), log_crash("worker_died"):
        raise ExceptionGroup(LEAK, [ValueError(LEAK), OSError(LEAK)])
    (line,) = lines(capsys)
    assert (line["event"], line["error"]) == ("worker_died", ["ExceptionGroup", "ValueError", "OSError"])


def test_our_own_words_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ChainBroken), log_crash("worker_died"):
        raise ChainBroken("/xunban/intake 7/12: expected 11")
    (line,) = lines(capsys)
    assert line["words"] == ["/xunban/intake 7/12: expected 11"]


def test_what_a_server_logs_of_a_failed_request_repeats_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    try:
        fail()
    except KeyError:
        logging.getLogger("uvicorn.error").exception("Exception in ASGI application\n")
    (line,) = lines(capsys)
    assert line["event"] == "library_said"
    assert (line["said"], line["error"]) == ("Exception in ASGI application", ["KeyError", "ValueError"])


def test_what_a_lost_task_says_is_cut_after_its_first_line(capsys: pytest.CaptureFixture[str]) -> None:
    words = f"Task exception was never retrieved\nfuture: <Task exception=KeyError('{LEAK}')>"
    logging.getLogger("asyncio").error(words)
    logging.getLogger("somebody").error("cannot read %s", LEAK)
    first, second = lines(capsys)
    assert (first["said"], second["said"]) == ("Task exception was never retrieved", "cannot read %s")


def test_a_client_that_finds_no_broker_says_so_once_and_not_a_hundred_times_a_second(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for attempt in range(100):
        logging.getLogger("aiokafka").error("Unable connect to %r: %s", "127.0.0.1:19092", attempt)
    logging.getLogger("aiokafka").error("Unable to update metadata from %s", [1])
    first, second = lines(capsys)
    assert (first["said"], second["said"]) == (
        "Unable connect to '127.0.0.1:19092': 0",
        "Unable to update metadata from [1]",
    )


def test_the_kafka_client_says_which_node_is_away(capsys: pytest.CaptureFixture[str]) -> None:
    logging.getLogger("aiokafka.conn").warning("Unable to connect to node %s", "127.0.0.1:19092")
    (line,) = lines(capsys)
    assert line["said"] == "Unable to connect to node 127.0.0.1:19092"
