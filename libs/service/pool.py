"""Connections to a database, with an end to waiting: for one that is free, and for a server that says nothing."""

from __future__ import annotations

from typing import Any

import asyncpg

from libs.log.store.event_store import Pool

SILENT_SECONDS = 40.0
"""No statement may take that long (the longest, a CSV's, is ended by the server after 30): the server has gone."""


class Connected(asyncpg.Connection):  # type: ignore[misc]
    """A connection that carries no settings from one user to the next, so that giving it back costs no round trip."""

    def get_reset_query(self) -> str:
        """Nothing to undo: what is set is set for one transaction; one left open is rolled back all the same."""
        return ""


class PatientPool(asyncpg.Pool):  # type: ignore[misc]
    """A pool in which nobody waits for a connection longer than `wait_seconds`; then `TimeoutError`."""

    def __init__(self, url: str, wait_seconds: float | None, **details: Any) -> None:
        super().__init__(url, **details)
        self.wait_seconds = wait_seconds

    def acquire(self, *, timeout: float | None = None) -> Any:
        """As asyncpg's, with our patience where the caller states none."""
        return super().acquire(timeout=self.wait_seconds if timeout is None else timeout)


def open_pool(url: str, size: tuple[int, int], wait_seconds: float | None, **details: Any) -> Pool:
    """A pool of `size` (least, most) connections; `wait_seconds` None waits as long as it takes."""
    return PatientPool(
        url,
        wait_seconds,
        min_size=size[0],
        max_size=size[1],
        max_queries=50_000,
        max_inactive_connection_lifetime=300.0,
        loop=None,
        connection_class=Connected,
        record_class=asyncpg.Record,
        command_timeout=SILENT_SECONDS,
        **details,
    )
