-- Up to where the lanes of each source were written before their source signed its events (ADR 0011): what a town that
-- an earlier version ran had recorded when the admin step first met it, nothing for all others.

create table log.written_unsigned (
  lane   smallint not null,
  source text not null,
  seq    bigint not null,
  hash   bytea not null,
  primary key (lane, source)
);
comment on column log.written_unsigned.hash is 'of that event, as its own source had it in its table';
grant select on log.written_unsigned to :service;
