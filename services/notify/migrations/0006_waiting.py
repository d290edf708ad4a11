"""Where cases wait that cannot be judged by the rules in force."""

from libs.log.store.schema import create_waiting

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    create_waiting("notify")
