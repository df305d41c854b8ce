-- What measures need: when a change happened outside, what was known of leave when, the frozen baseline, the minutes of
-- coordinators by one instrument (D35, D38, D39).

-- When it happened outside, as far as is known; where nothing is, the earliest that it may have been (D35). Words between
-- our subjects keep it. In the journal it stands beside the hashed body: it is no input of the decision.
alter table care.observations add column outside_at timestamptz;
alter table care.journal add column outside_at timestamptz;
-- From when a leave was known: later than 14 days ahead it takes no offered minutes away (D39).
alter table care.busy_blocks add column known_at timestamptz;

-- What was measured before, frozen: a later one says why it takes the place of the one before, which stays readable.
create table care.baselines (
    practice_id uuid not null references care.practices,
    number int not null,
    source text not null check (source in ('file', 'listening')),
    instrument text not null check (instrument in ('', 'tally', 'prompts')),   -- of coordinator minutes (D38); empty: none
    first_day date not null,
    last_day date not null check (last_day >= first_day),
    frozen_at timestamptz not null,
    reason text not null default '',
    figures jsonb not null,
    primary key (practice_id, number)
);

-- What coordinators noted of their time. A tally that was begun and not ended yet has no minutes.
create table care.coordinator_minutes (
    practice_id uuid not null references care.practices,
    entry_id uuid not null,
    instrument text not null check (instrument in ('tally', 'prompts')),
    who text not null,
    location text not null default '',
    at timestamptz not null,                   -- of the work: its beginning
    minutes double precision check (minutes >= 0 and minutes <= 1440),
    noted_at timestamptz not null,
    primary key (practice_id, entry_id)
);
create index coordinator_minutes_by_time on care.coordinator_minutes (practice_id, at);
create unique index coordinator_minutes_begun on care.coordinator_minutes (practice_id, who) where minutes is null;

create function care.stays_as_written() returns trigger language plpgsql
    as $$ begin raise exception 'a baseline is frozen: freeze another one instead'; end $$;
create trigger frozen before update or delete or truncate on care.baselines
    for each statement execute function care.stays_as_written();

do $$
declare
    t text;
begin
    foreach t in array array['baselines', 'coordinator_minutes'] loop
        execute format('alter table care.%I enable row level security', t);
        execute format('create policy in_hand on care.%I to caredispatch_web, caredispatch_decide
            using (practice_id = (select care.practice_in_hand()))', t);
        execute format('grant select on care.%I to caredispatch_web', t);
    end loop;
end $$;
