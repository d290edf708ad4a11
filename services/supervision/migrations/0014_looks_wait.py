"""A case may wait for a look of the service's own, at which no event waits yet."""

from libs.log.store.schema import run_script

revision = "0014"
down_revision = "0013"

LOOKS = """
alter table log.waiting alter column body drop not null, alter column case_then drop not null;
comment on column log.waiting.event is
  'its place in the log and what its headers say; of a look: its name, and the type of the newest event then';
comment on column log.waiting.case_then is 'the case right after it; none, like the body: no event but a look waits';
"""


def upgrade() -> None:
    run_script(LOOKS)
