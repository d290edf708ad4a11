"""Open cases by class and grid: which ones are passed on when one of these ends."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import UUID

revision = "0009"
down_revision = "0008"

FILL = """
insert into read.filed
select case_id, lane, doc ->> 'class_code', grid from read.case_view
 where state not in ('CLOSED', 'ARCHIVED', 'MERGED', 'NOT_ACCEPTED', 'DIVERTED', 'WITHDRAWN', 'VOID')
"""


def upgrade() -> None:
    op.create_table(
        "filed",
        sa.Column("case_id", UUID(as_uuid=False), primary_key=True),
        sa.Column("lane", sa.SmallInteger, nullable=False),
        sa.Column("class_code", sa.Text),
        sa.Column("grid", sa.Text),
        schema="read",
    )
    op.create_index("filed_by_class", "filed", ["class_code", "case_id"], schema="read")
    op.create_index("filed_by_grid", "filed", ["grid", "case_id"], schema="read")
    op.execute(FILL)
