"""The vault: wrapped keys of the cases, and nothing else."""

from libs.log.store.schema import create_vault

revision = "0001"
down_revision = None


def upgrade() -> None:
    create_vault()
