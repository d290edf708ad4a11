-- The event store of one service. Schema `log`: append-only by grant. Schema `read`: filled from Kafka only.
-- :service is replaced by the application role.

create schema log;
create schema read;

create table log.mode (
  kind text primary key check (kind in ('real', 'manual')),
  now  timestamptz check ((kind = 'manual') = (now is not null))
);
create unique index mode_is_one_row on log.mode ((true));

create table log.lane_head (
  lane smallint primary key,
  seq  bigint not null default 0,
  hash bytea not null,
  at   timestamptz not null default 'epoch',
  closed text
) with (fillfactor = 10, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);

-- The newest beat's instant: no lane that was free then, or is written to later, records anything before it (ADR 0004).
create table log.promise (
  at timestamptz not null default 'epoch'
) with (fillfactor = 10);
create unique index promise_is_one_row on log.promise ((true));
insert into log.promise default values;

create table log.stream_head (
  stream  text primary key,
  lane    smallint not null,
  version int not null
) with (fillfactor = 80);

create table log.event (
  lane        smallint not null,
  seq         bigint not null,
  stream      text not null,
  version     int not null,
  case_id     uuid,
  event_id    uuid not null unique,
  type        text not null,
  occurred_at timestamptz not null,
  recorded_at timestamptz not null,
  meta        bytea not null,
  body        bytea not null check (octet_length(body) <= 262144),
  prev_hash   bytea not null,
  hash        bytea not null,
  primary key (lane, seq),
  unique (stream, version)
);

create table log.command_log (
  principal    text not null,
  idem_key     text not null,
  request_hash bytea not null,
  status       smallint,
  response     json,
  last_event   uuid,
  at           timestamptz not null default clock_timestamp(),
  primary key (principal, idem_key)
);

create function log.lane_of(p_case uuid) returns smallint language sql immutable parallel safe as $$
  select (get_byte(sha256(convert_to(p_case::text, 'UTF8')), 3) & 63)::smallint
$$;

create function log.business_now() returns timestamptz language sql volatile as $$
  select coalesce((select now from log.mode), clock_timestamp())
$$;

create function log.lock_lane(p_lane smallint) returns timestamptz
language sql security definer set search_path = log, pg_temp as $$
  select at from lane_head where lane = p_lane for update
$$;

-- Of several, the lowest first. Whoever holds some does not wait long for another: their own writers wait meanwhile.
create function log.lock_lanes(p_lanes smallint[]) returns void
language plpgsql security definer set search_path = log, pg_temp set lock_timeout = '100ms' as $$
begin
  perform from lane_head where lane = any(p_lanes) order by lane for update;
end
$$;

-- One round trip: places the events of a lane's streams, chains them, says where the last one of each stream stands.
-- The events stand in the order of the streams; p_counts says how many of them are each stream's.
create function log.append(
  p_lane smallint, p_streams text[], p_expected int[], p_cases uuid[], p_causes timestamptz[], p_given timestamptz[],
  p_counts int[], p_ids uuid[], p_types text[], p_occurred timestamptz[], p_metas bytea[], p_bodies bytea[],
  out seqs bigint[], out versions int[], out instants timestamptz[]
) language plpgsql security definer set search_path = log, pg_temp as $$
declare
  n       constant int := cardinality(p_ids);
  i       int := 0;
  place   bigint;
  reached int;
  instant timestamptz;
  now     timestamptz;
  manual  boolean;
  leaf    bytea;
  prev    bytea;
  link    bytea;
begin
  update lane_head h set seq = h.seq + n where h.lane = p_lane returning h.seq - n, h.hash, h.at into place, prev, instant;
  if not found then
    raise exception 'lane % does not exist here', p_lane using errcode = 'XB422';
  end if;
  -- A statement of its own: only what is looked up after the lane is locked has seen every promise made for it.
  select greatest(instant, p.at), coalesce(m.now, clock_timestamp()), m.now is not null into instant, now, manual
    from promise p left join mode m on true;

  for s in 1 .. cardinality(p_streams) loop
    if p_lane is distinct from coalesce(lane_of(p_cases[s]), 64::smallint) then
      raise exception 'lane % is not the lane of %', p_lane, coalesce(p_cases[s]::text, p_streams[s]) using errcode = 'XB422';
    end if;
    if p_given[s] is not null and not manual then
      raise exception 'time is given only in manual mode' using errcode = 'XB422';
    end if;
    instant := greatest(instant, p_causes[s], coalesce(p_given[s], now));

    reached := null;
    if coalesce(p_expected[s], -1) = 0 then
      insert into stream_head values (p_streams[s], p_lane, p_counts[s]) on conflict do nothing
      returning stream_head.version into reached;
    elsif p_expected[s] is null then
      insert into stream_head as h values (p_streams[s], p_lane, p_counts[s])
      on conflict (stream) do update set version = h.version + p_counts[s] returning h.version into reached;
    else
      update stream_head h set version = h.version + p_counts[s] where h.stream = p_streams[s] and h.version = p_expected[s]
      returning h.version into reached;
    end if;
    if reached is null then
      raise exception 'stream % is not at version %', p_streams[s], p_expected[s] using errcode = 'XB409';
    end if;
    reached := reached - p_counts[s];

    for k in 1 .. p_counts[s] loop
      i := i + 1;
      place := place + 1;
      reached := reached + 1;
      leaf := sha256('\x00'::bytea || int2send(p_lane) || int8send(place) || int4send(reached)
                     || int8send((extract(epoch from instant) * 1000000)::bigint)
                     || sha256(p_metas[i]) || sha256(p_bodies[i]));
      link := sha256('\x01'::bytea || prev || leaf);
      insert into event values (p_lane, place, p_streams[s], reached, p_cases[s], p_ids[i], p_types[i],
                                p_occurred[i], instant, p_metas[i], p_bodies[i], prev, link);
      prev := link;
    end loop;
    seqs[s] := place;
    versions[s] := reached;
    instants[s] := instant;
  end loop;
  if i <> n then
    raise exception '% events were given, % counted', n, i using errcode = 'XB422';
  end if;
  update lane_head h set hash = prev, at = instant where h.lane = p_lane;
end
$$;

-- Watermarks: first a promise for every lane; once it has committed, `beat` says of which lanes it holds already.
create function log.promise_now() returns timestamptz
language sql security definer set search_path = log, pg_temp as $$
  update promise set at = greatest(at, business_now()) returning at
$$;

-- Lanes in use are left out: their writer may have looked before the promise. Whoever takes a lane from now on sees it.
create function log.beat(p_promised timestamptz)
returns table (lane smallint, seq bigint, at timestamptz, sent timestamptz)
language sql security definer set search_path = log, pg_temp as $$
  select h.lane, h.seq, greatest(h.at, p_promised), clock_timestamp() from lane_head h for update skip locked
$$;

-- An advance of the manual clock waits for every lane.
create function log.advance(p_to timestamptz)
returns table (lane smallint, seq bigint, at timestamptz, sent timestamptz)
language plpgsql security definer set search_path = log, pg_temp as $$
begin
  update mode m set now = greatest(m.now, p_to) where m.kind = 'manual';
  if not found then
    raise exception 'the clock is advanced only in manual mode' using errcode = 'XB422';
  end if;
  perform from lane_head f order by f.lane for update;
  update promise p set at = greatest(p.at, p_to);
  return query select h.lane, h.seq, greatest(h.at, p_to), clock_timestamp() from lane_head h;
end
$$;

-- Closed: the log holds more of the lane than the table, or something else (a restored or promoted database); what
-- were appended now would get numbers that the log has given already. The relay closes, and opens once both agree.
create function log.close_lane(p_lane smallint, p_why text) returns void
language sql security definer set search_path = log, pg_temp as $$
  update lane_head set closed = p_why where lane = p_lane and closed is distinct from p_why
$$;

create function log.refuse_append() returns trigger language plpgsql as $$
begin
  raise exception 'lane % is closed: %', old.lane, old.closed using errcode = 'object_not_in_prerequisite_state';
end
$$;
create trigger closed_lane_takes_nothing before update on log.lane_head
  for each row when (new.closed is not null and new.seq <> old.seq) execute function log.refuse_append();

create function log.refuse_change() returns trigger language plpgsql as $$
begin
  raise exception 'the log is append-only';
end
$$;
create trigger event_is_append_only before update or delete or truncate on log.event
  for each statement execute function log.refuse_change();

create table read.progress (
  topic       text not null,
  partition   smallint not null,
  next_offset bigint not null default 0,
  rebuilt     int not null default 0,
  primary key (topic, partition)
) with (fillfactor = 50);

create table read.source_progress (
  lane   smallint not null,
  source text not null,
  seq    bigint not null default 0,
  hash   bytea not null,
  at     timestamptz not null default 'epoch',
  primary key (lane, source)
) with (fillfactor = 50);

-- What heartbeats have said of a source's lanes; position in the arrays = lane + 1 (ADR 0004).
create table read.source_mark (
  source text primary key,
  at     timestamptz[] not null,
  sent   timestamptz[] not null
) with (fillfactor = 20);

create view read.watermark as
  select p.lane, p.source, p.seq, p.hash, greatest(p.at, m.at[p.lane + 1]) as at, m.sent[p.lane + 1] as sent
    from read.source_progress p join read.source_mark m using (source);

create function read.later(timestamptz[], timestamptz[]) returns timestamptz[]
language sql immutable parallel safe as $$
  select array_agg(greatest(one, other) order by place) from unnest($1, $2) with ordinality both_of(one, other, place)
$$;

-- A reader writes only if every partition that it read stands where it was found.
create function read.all_moved(p_found bigint, p_wanted int) returns boolean language plpgsql as $$
begin
  if p_found <> p_wanted then
    raise exception 'the progress has moved' using errcode = 'XB410';
  end if;
  return true;
end
$$;

create table read.directory_fact (
  version  bigint primary key,
  event_id uuid not null unique,
  type     text not null,
  body     bytea not null
);

create table read.case_view (
  case_id uuid primary key,
  lane    smallint not null,
  state   text not null,
  unit    text,
  grid    text,
  doc     jsonb not null
) with (fillfactor = 80);
create index case_view_by_state on read.case_view (state, case_id);

insert into log.lane_head (lane, hash)
select lane, sha256(convert_to('xunban:' || case lane when 64 then '/xunban/directory' else '/xunban/:service' end || ':' || lane, 'UTF8'))
  from generate_series(0, :last_lane) lane;

insert into read.progress (topic, partition)
select 'case.events', k from generate_series(0, 63) k union all select 'directory.events', 0;
insert into read.source_progress (lane, source, hash)
select lane, source, sha256(convert_to('xunban:' || source || ':' || lane, 'UTF8'))
  from generate_series(0, 63) lane,
       unnest(array['/xunban/intake', '/xunban/routing', '/xunban/supervision', '/xunban/notify']) source
union all
select 64, '/xunban/directory', sha256(convert_to('xunban:/xunban/directory:64', 'UTF8'));
insert into read.source_mark
select source, array_fill(timestamptz 'epoch', array[64]), array_fill(timestamptz 'epoch', array[64])
  from read.source_progress group by source;

revoke all on schema log, read from public;
grant usage on schema log, read to :service;
grant select on log.event, log.lane_head, log.stream_head, log.mode to :service;
grant select, insert on log.command_log to :service;
grant update (status, response) on log.command_log to :service;
revoke execute on all functions in schema log from public;
grant execute on all functions in schema log to :service;
revoke execute on function log.refuse_change(), log.refuse_append() from :service;
grant select, insert, update, delete on all tables in schema read to :service;
alter default privileges in schema read grant select, insert, update, delete on tables to :service;
