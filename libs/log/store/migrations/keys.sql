-- The vault: one small database with its own address, roles and backup rule. Wrapped keys only.
create table case_key (
  case_id       uuid not null,
  kind          text not null check (kind in ('reporter', 'case')),
  wrapped       bytea not null,
  master_key_id text not null,
  primary key (case_id, kind)
);
grant select on case_key to keys_reader;
grant select, insert, delete on case_key to keys_intake;
