"""Stored answers are kept for a time, not for ever."""

from libs.log.store.schema import create_forgetting

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    create_forgetting("notify")
