-- Events to which a service could not react, and what came of the same cases after them, in their order: a case that the
-- rules in force do not let anybody judge waits here, alone, until they do (architecture.md §4).

create table log.waiting (
  number       bigint generated always as identity primary key,
  lane         smallint not null,
  case_id      uuid not null,
  event_id     uuid not null,
  recorded_at  timestamptz not null,
  why          text not null,
  event        jsonb not null,
  body         bytea not null,
  case_then    jsonb not null
);
comment on column log.waiting.why is 'kind of the error that the first of the case met; empty for those behind it';
comment on column log.waiting.event is 'its place in the log and what its headers say';
comment on column log.waiting.case_then is 'the case right after it';
create index waiting_of_case on log.waiting (case_id, number);
create index waiting_of_lane on log.waiting (lane);
grant select, insert, delete on log.waiting to :service;
