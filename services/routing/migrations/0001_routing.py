"""The event store of routing: append-only log, lanes, idempotency, progress of the reader."""

from libs.events.schema import create_event_store

revision = "0001"
down_revision = None


def upgrade() -> None:
    create_event_store("routing", last_lane=64)
