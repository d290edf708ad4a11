"""Rows that change with each step of a case find room where they stand."""

from libs.log.store.schema import loosen

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    loosen("clock")
