"""Stored answers are kept for a time, not for ever."""

from libs.log.store.schema import create_forgetting

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    create_forgetting("supervision")
