"""The running system for tests: one new instance per session, on its own ports, removed at the end."""

import secrets
from collections.abc import Iterator
from pathlib import PurePosixPath

import pytest
import structlog
from hypothesis import HealthCheck, settings
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from libs.service.observe.log import without_words
from operations.embedded.stack import Stack

pytest_plugins = ("tests.results",)

# How long an example takes says how busy the machine is, and nothing of what is tested.
settings.register_profile("whole", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True)
settings.register_profile("quick", settings.get_profile("whole"), max_examples=20)
settings.load_profile("whole")


class Pieces(LoadScopeScheduling):  # type: ignore[misc]
    """What one of two test processes does on its own: a folder whose tests share a running system, else a module."""

    def _split_scope(self, nodeid: str) -> str:
        module = PurePosixPath(nodeid.partition("::")[0])
        return str(module.parent if module.parent.name in {"browser", "e2e", "faults", "http", "town"} else module)


def pytest_configure() -> None:
    """Log like a process: a traceback with the values of all its frames takes seconds, and a worker its place."""
    processors = structlog.processors
    structlog.configure([processors.add_log_level, without_words, processors.JSONRenderer(ensure_ascii=False)])


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Pieces:
    return Pieces(config, log)


@pytest.fixture(scope="session")
def servers() -> Iterator[Stack]:
    """PostgreSQL and Kafka with schemas and topics; none of our processes."""
    with Stack.servers_only(f"test-{secrets.token_hex(4)}") as running:
        yield running
