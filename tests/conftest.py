"""The running system for tests: one new instance per session, on its own ports, removed at the end."""

import secrets
from collections.abc import Iterator

import pytest

from deploy.embedded.stack import Stack


@pytest.fixture(scope="session")
def servers() -> Iterator[Stack]:
    """PostgreSQL and Kafka with schemas and topics; none of our processes."""
    with Stack.servers_only(f"test-{secrets.token_hex(4)}") as running:
        yield running


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """The whole system in manual mode: servers and the eight processes, ready."""
    with Stack(f"test-{secrets.token_hex(4)}") as running:
        yield running
