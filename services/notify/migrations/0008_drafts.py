"""Up to which version of the directory its drafts are told; of what was before, nobody is told any more."""

from libs.log.store.schema import run_script

revision = "0008"
down_revision = "0007"

TOLD = """
create table log.drafts_told (version bigint not null);
insert into log.drafts_told select coalesce(max(version), 0) from read.directory_fact;
grant select, update on log.drafts_told to notify;
"""


def upgrade() -> None:
    run_script(TOLD)
