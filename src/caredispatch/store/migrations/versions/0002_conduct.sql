-- Every kind of coordination (issue: conduct): visits that have no time yet, offers, incidents, how a case is asked.

alter table care.appointments
    add column request jsonb,                      -- a visit without a time, or an entry of the waitlist (D15, D19)
    add column gaps_seen int not null default 0,   -- coverage gaps looked at (D40)
    add column late_minutes int not null default 0;
create index appointments_waiting on care.appointments (practice_id, service) where status = 'waitlist';
create index appointments_of_series on care.appointments (practice_id, series_id) where series_id is not null;

alter table care.cases drop constraint cases_kind_check;
alter table care.cases
    add constraint cases_kind_check check (kind in ('confirm', 'cover', 'fill', 'follow_up', 'place')),
    add column remind int[] not null default '{}',
    add column ordering text not null default 'rank',
    add column together boolean not null default false,
    add column follows uuid,
    add column booked_id uuid,
    add column paused boolean not null default false,
    add column snoozed_until timestamptz;

alter table care.asks
    add column options jsonb not null default '[]',
    add column choice int,
    add column reminded int not null default 0;
-- Who was offered what, when (D19, D30).
create index asks_offered on care.asks (practice_id, person_id, asked_at) where purpose in ('offer_slot', 'cover');

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
    add column visits uuid[] not null default '{}';
create index incidents_proposed on care.incidents (practice_id, contact_id) where state = 'proposed';

alter table care.contacts add column consent_at timestamptz;   -- `consent` says the source and the wording (D21)
alter table care.patients add column human_only boolean not null default false;   -- never texted (D24)

grant select on care.incidents to caredispatch_intake, caredispatch_reveal;
grant insert on care.observations to caredispatch_web;
