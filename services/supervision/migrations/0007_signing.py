"""Up to where the lanes were written before their events were signed."""

from libs.log.store.schema import create_signing

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    create_signing("supervision")
