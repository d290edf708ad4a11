"""Where cases wait that cannot be judged by the rules in force."""

from libs.log.store.schema import create_waiting

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    create_waiting("routing")
