"""Where cases wait that cannot be judged by the rules in force."""

from libs.log.store.schema import create_waiting

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    create_waiting("supervision")
