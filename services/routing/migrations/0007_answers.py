"""Stored answers are kept for a time, not for ever."""

from libs.log.store.schema import create_forgetting

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    create_forgetting("routing")
