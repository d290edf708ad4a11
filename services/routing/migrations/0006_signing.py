"""Up to where the lanes were written before their events were signed."""

from libs.log.store.schema import create_signing

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    create_signing("routing")
