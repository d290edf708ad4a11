"""Search copies in the read model, and attachments beside it: sealed bytes, named by the hash of what they hold."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import UUID

from libs.log.store.schema import run_script

revision = "0003"
down_revision = "0002"

ATTACHMENTS = """
create schema attachments;
create table attachments.attachment (
  case_id     uuid not null,
  sha256      bytea not null check (octet_length(sha256) = 32),
  media_type  text not null,
  size        int not null,
  sent_by     text not null,
  sent_at     timestamptz not null,
  sealed      bytea,
  primary key (case_id, sha256)
);
create index attachment_by_sha256 on attachments.attachment (sha256);
alter table attachments.attachment alter column sealed set storage external;
grant usage on schema attachments to intake;
grant select, insert, update (sealed) on attachments.attachment to intake;
"""


def upgrade() -> None:
    op.create_table(
        "caller",
        sa.Column("case_id", UUID(as_uuid=False), primary_key=True),
        sa.Column("lane", sa.SmallInteger, nullable=False),
        sa.Column("telephone", sa.LargeBinary, nullable=False, comment="HMAC-SHA-256 of the number"),
        schema="read",
    )
    op.create_index("caller_by_telephone", "caller", ["telephone"], schema="read")
    op.create_table(
        "likeness",
        sa.Column("case_id", UUID(as_uuid=False), primary_key=True),
        sa.Column("lane", sa.SmallInteger, nullable=False),
        sa.Column("grid", sa.Text, nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("open", sa.Boolean, nullable=False),
        sa.Column("words", sa.LargeBinary, nullable=False, comment="keyed hashes of letter pairs"),
        schema="read",
    )
    op.create_index(
        "likeness_of_open_cases",
        "likeness",
        ["grid", "received_at"],
        schema="read",
        postgresql_where=sa.text("open"),
    )
    run_script(ATTACHMENTS)
