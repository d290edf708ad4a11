"""Structured logs: snake_case facts with keys, one JSON object a line, no personal data.

Of a library's exception only its type and where it came from are written: its words repeat values, and a value may be
a person's.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic
from traceback import walk_tb
from typing import Any

import structlog

OURS = ("libs.", "services.")
FRAMES = 20
"""The innermost frames say where it happened; the outermost are the server's."""
QUIET = 10.0
"""Seconds in which the Kafka client does not say the same words twice."""


def set_up(service: str, process: str) -> None:
    """Configure structlog, and have the libraries say what they say through it."""
    logging.basicConfig(handlers=[Libraries()], level=logging.WARNING, force=True)
    for name in ("uvicorn", "uvicorn.error"):
        # They come with handlers of their own, which print whatever an exception says.
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = True
        logging.getLogger(name).setLevel(logging.WARNING)

    def whose(_: Any, __: str, entry: structlog.typing.EventDict) -> structlog.typing.EventDict:
        # Not a context variable: a request does not run in the context in which the process was set up.
        return {**entry, "service": service, "process": process}

    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            whose,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            without_words,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        cache_logger_on_first_use=True,
    )


def without_words(_: Any, __: str, entry: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """`exc_info` becomes `error` (its type, those of its causes), `words` (our own) and `frames` (file, line, name)."""
    said = entry.pop("exc_info", None)
    error = sys.exc_info()[1] if said is True else said[1] if isinstance(said, tuple) else said
    if isinstance(error, BaseException):
        entry["error"] = [type(one).__name__ for one in _with_causes(error)]
        entry["words"] = [words for one in _with_causes(error) if (words := _words(one))]
        entry["frames"] = [
            f"{frame.f_code.co_filename}:{line} {frame.f_code.co_name}" for frame, line in walk_tb(error.__traceback__)
        ][-FRAMES:]
    return entry


def _with_causes(error: BaseException) -> Iterator[BaseException]:
    yield error
    if isinstance(error, BaseExceptionGroup):
        for one in error.exceptions:
            yield from _with_causes(one)
    if cause := error.__cause__ or (None if error.__suppress_context__ else error.__context__):
        yield from _with_causes(cause)


def _words(error: BaseException) -> str | None:
    # Our own refusals and halts speak of ids alone; a library's exception repeats what it was given.
    return str(error) if type(error).__module__.startswith(OURS) else None


class Libraries(logging.Handler):
    """What libraries say by the standard module, as one fact of ours."""

    def __init__(self) -> None:
        super().__init__()
        self._quiet_until: dict[str, float] = {}

    def emit(self, record: logging.LogRecord) -> None:
        """The Kafka client speaks of nodes and topics; of all others only the first line of their fixed words."""
        kafka = record.name.startswith("aiokafka")
        if kafka and self._was_just_said(str(record.msg)):
            return
        words = record.getMessage() if kafka else str(record.msg)
        level = logging.WARNING if record.levelno <= logging.WARNING else logging.ERROR
        said = words.partition("\n")[0]
        structlog.get_logger().log(level, "library_said", logger=record.name, said=said, exc_info=record.exc_info)

    def _was_just_said(self, words: str) -> bool:
        # Without its broker the client says some hundred lines a second.
        if monotonic() < self._quiet_until.get(words, 0):
            return True
        self._quiet_until[words] = monotonic() + QUIET
        return False


@contextmanager
def log_crash(event: str) -> Iterator[None]:
    """Log what ends the process, by its type and our own words."""
    try:
        yield
    except Exception as why:
        structlog.get_logger().error(event, exc_info=why)
        raise
