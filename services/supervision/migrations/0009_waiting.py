"""Where cases wait that cannot be judged by the rules in force."""

from libs.log.store.schema import create_waiting

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    create_waiting("supervision")
