"""The vault: wrapped keys of the cases, and nothing else."""

from libs.events.schema import create_vault

revision = "0001"
down_revision = None


def upgrade() -> None:
    create_vault()
