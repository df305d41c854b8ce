-- Every kind of coordination (issue: conduct): visits that have no time yet, offers, incidents, how a case is asked.

alter table care.appointments
    add column request jsonb,                      -- a visit without a time, or an entry of the waitlist (D15, D19)
    add column gaps_seen int not null default 0,   -- coverage gaps looked at (D40)
    add column closed_by uuid,                     -- the closure of its site (D14)
    add column late_minutes int not null default 0,
    add column not_started boolean not null default false;   -- looked at after the start (D12)
create index appointments_waiting on care.appointments (practice_id, service, created_at)
    where request is not null and status in ('waitlist', 'booked');
create index appointments_of_series on care.appointments (practice_id, series_id) where series_id is not null;
-- A statement that was planned while a practice was small stays fast when thousands of visits arrive.
create index appointments_settling on care.appointments (practice_id, appointment_id) where settle_at is not null;
create index appointments_missed on care.appointments (practice_id, appointment_id) where status in ('noshow', 'cancelled');

alter table care.cases drop constraint cases_kind_check;
alter table care.cases
    add constraint cases_kind_check check (kind in ('confirm', 'cover', 'fill', 'follow_up', 'place')),
    add column remind int[] not null default '{}',
    add column ordering text not null default 'rank',
    add column together boolean not null default false,
    add column follows uuid,
    add column followers uuid[] not null default '{}',
    add column booked_id uuid,
    add column paused boolean not null default false,
    add column snoozed_until timestamptz;

alter table care.asks
    add column options jsonb not null default '[]',
    add column choice int,
    add column reminded int not null default 0;
-- Who was offered what, when (D19, D30).
create index asks_offered on care.asks (practice_id, person_id, asked_at) where purpose in ('offer_slot', 'cover');

-- A message that lists several questions (E18): the others of it wait as `joined` to the one that is sent.
alter table care.deliveries drop constraint deliveries_state_check;
alter table care.deliveries
    add column joined_to uuid,
    add constraint deliveries_state_check check (state in ('pending', 'accepted', 'delivered', 'failed', 'refused',
        'unknown', 'withdrawn', 'expired', 'superseded', 'joined'));
create index deliveries_joined on care.deliveries (practice_id, joined_to) where joined_to is not null;
create index cases_of_incident on care.cases (practice_id, incident_id) where incident_id is not null;

-- Nothing filled it before.
alter table care.incidents drop column cause;
alter table care.incidents
    add column kind text not null,
    add column state text not null check (state in ('proposed', 'confirmed', 'dropped', 'undone')),
    add column start_at timestamptz not null,
    add column end_at timestamptz not null,
    add column staff_id uuid,
    add column location text,
    add column minutes int not null default 0,
    add column reason text not null default '',
    add column raised_by text not null default '',
    add column contact_id uuid,
    add column visits uuid[] not null default '{}',
    add column due_at timestamptz;
create index incidents_proposed on care.incidents (practice_id, contact_id) where state = 'proposed';
create index incidents_due on care.incidents (practice_id, due_at) where due_at is not null;

-- As before, and incidents that nobody confirmed in time.
create or replace function care.practices_with_work(now timestamptz) returns table (practice_id uuid)
    language sql stable security definer set search_path = care
    as $$
        select p.practice_id
          from care.practices p
          cross join lateral (select least(
              (select o.observed_at from care.observations o
                where o.practice_id = p.practice_id and o.state = 'pending' order by o.observation_id limit 1),
              (select a.next_look_at from care.appointments a
                where a.practice_id = p.practice_id and a.next_look_at <= now order by a.next_look_at limit 1),
              (select e.ack_by from care.exceptions e
                where e.practice_id = p.practice_id and e.state = 'open' and e.appointment_id is null
                  and e.ack_by <= now order by e.ack_by limit 1),
              (select i.due_at from care.incidents i
                where i.practice_id = p.practice_id and i.due_at <= now order by i.due_at limit 1)) as since) w
         where w.since is not null
         order by w.since
    $$;

alter table care.contacts add column consent_at timestamptz;   -- `consent` says the source and the wording (D21)
alter table care.connections add column consent text;          -- of the patients that it brings
alter table care.connections add column read_until timestamptz; -- wall time: somebody is reading it, at most so long
grant update (read_until) on care.connections to caredispatch_intake;
alter table care.patients add column human_only boolean not null default false;   -- never texted (D24)

-- What each record says of another that it replaces or is replaced by (D7). `patients.merged_into` follows from it.
create table care.patient_links (
    practice_id uuid not null references care.practices,
    connection_id text not null,
    said_by uuid not null,
    patient_id uuid not null,                  -- the one that was given up
    merged_into uuid not null,
    primary key (practice_id, connection_id, said_by, patient_id, merged_into)
);
create index patients_merged on care.patients (practice_id, merged_into) where merged_into is not null;
alter table care.patient_links enable row level security;
create policy in_hand on care.patient_links to caredispatch_web, caredispatch_decide
    using (practice_id = (select care.practice_in_hand()));
create policy across on care.patient_links to caredispatch_intake, caredispatch_reveal using (true) with check (true);
grant select on care.patient_links to caredispatch_decide, caredispatch_reveal, caredispatch_web;
grant select, insert, delete on care.patient_links to caredispatch_intake;

alter table care.patients add column home_state text;          -- as their record says it; `state` is the practice's word (D4)
alter table care.contact_people add column told_by text;       -- the connection, or `import` (D5)

grant select on care.incidents to caredispatch_intake, caredispatch_reveal;
grant insert on care.observations to caredispatch_web;

-- What texts say has other names now; what waits to be decided is read with them.
update care.observations set body = jsonb_set(body, '{carrier_word}', 'true')
 where state = 'pending' and body ->> 'label' = 'opt_out';
update care.observations set body = jsonb_set(body, '{label}', '"opt_out"')
 where state = 'pending' and body ->> 'label' = 'no_texts';
update care.observations set body = jsonb_set(body, '{label}', '"human"')
 where state = 'pending' and body ->> 'label' = 'unclear';
