"""What passes by itself: a database, a vault or a connection that is away. Whoever meets it tries again."""

from __future__ import annotations

import asyncpg

from libs.events.errors import Unavailable

AWAY = (
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    # What the client says of a connection that was ended under its hands, between two of its own steps.
    asyncpg.InternalClientError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.ObjectNotInPrerequisiteStateError,
    asyncpg.DeadlockDetectedError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.ReadOnlySQLTransactionError,
    OSError,
    TimeoutError,
)
"""The database is away, busy or just starting: whoever meets one of these tries again."""
LOCKED = asyncpg.LockNotAvailableError
"""One of `AWAY` that is about one lane: somebody else holds it for long."""
TRANSIENT = (*AWAY, Unavailable)
