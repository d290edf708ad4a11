"""The one module that reads a real clock; business time comes from the database instead (architecture.md §5)."""

from __future__ import annotations

from datetime import UTC, datetime


def real_now() -> datetime:
    """The machine's clock, UTC: token expiry, lag, retries and time-outs only."""
    return datetime.now(UTC)
