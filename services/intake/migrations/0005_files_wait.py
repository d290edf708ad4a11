"""How long a file is kept that no event names."""

from libs.log.store.schema import run_script

revision = "0005"
down_revision = "0004"

WAITING = """
alter table attachments.attachment add column kept_until timestamptz;
comment on column attachments.attachment.kept_until is 'dropped then; none: an event of the case names it';
update attachments.attachment set kept_until = greatest(sent_at, now()) + interval '1 day'
 where not exists (select from log.stream_head where stream = 'case-' || case_id);
create index attachment_waiting on attachments.attachment (sent_by, kept_until) where kept_until is not null;
grant update (kept_until), delete on attachments.attachment to intake;
"""


def upgrade() -> None:
    run_script(WAITING)
