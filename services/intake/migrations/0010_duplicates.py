"""Numbers of other systems, each with its one case; what cases may have in common, and which are not one matter."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import UUID

from libs.log.store.schema import run_script

revision = "0010"
down_revision = "0009"

NUMBERS = """
create schema numbers;
create table numbers.taken (
  source   text not null,
  number   text not null,
  case_id  uuid not null,
  primary key (source, number)
);
comment on column numbers.taken.source is 'the machine whose number it is, or the desk';
grant usage on schema numbers to intake;
grant select, insert, update (case_id) on numbers.taken to intake;
"""


def upgrade() -> None:
    run_script(NUMBERS)
    op.create_table(
        "clue",
        sa.Column("case_id", UUID(as_uuid=False), primary_key=True),
        sa.Column("clue", sa.LargeBinary, primary_key=True),
        sa.Column("lane", sa.SmallInteger, nullable=False),
        sa.Column("about", sa.Text, nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("open", sa.Boolean, nullable=False),
        schema="read",
    )
    op.create_index("clue_of_open_cases", "clue", ["clue", "case_id"], schema="read", postgresql_where=sa.text("open"))
    op.create_table(
        "told_apart",
        sa.Column("case_id", UUID(as_uuid=False), primary_key=True),
        sa.Column("other", UUID(as_uuid=False), primary_key=True),
        sa.Column("lane", sa.SmallInteger, nullable=False),
        schema="read",
    )
    op.create_index("told_apart_by_other", "told_apart", ["other"], schema="read")
