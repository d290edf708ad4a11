-- Stored answers go once nobody repeats their request any more: by age alone, some at a time, never a young one. No
-- command waits for it but one that repeats such an old key. Rows come in the order of time, so a few pages of index do.

create index command_log_by_age on log.command_log using brin (at) with (pages_per_range = 32, autosummarize = on);

create function log.forget_answers(p_age interval, p_most int) returns int
language plpgsql security definer set search_path = log, pg_temp as $$
declare
  gone int;
begin
  if p_age < interval '1 hour' then
    raise exception 'an answer is kept for an hour at least' using errcode = 'XB422';
  end if;
  with old as (
    select principal, idem_key from command_log where at < clock_timestamp() - p_age limit p_most for update skip locked)
  delete from command_log c using old where (c.principal, c.idem_key) = (old.principal, old.idem_key);
  get diagnostics gone = row_count;
  return gone;
end
$$;
revoke execute on function log.forget_answers(interval, int) from public;
grant execute on function log.forget_answers(interval, int) to :service;
