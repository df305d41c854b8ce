-- The spine's data model. Every key begins with practice_id (E26). Columns are named like the fields of the values in
-- `core`, so that one statement per table persists what `apply` says. Instants are business time unless named wire_*.
-- Rows of one appointment are only ever written by the decision that holds its door (E2); hot tables therefore carry
-- no foreign keys to each other, the directory does. What belongs to an appointment and is only ever read with it has the
-- appointment in its key: one index less to keep.

create extension if not exists btree_gist;
create schema care;
create schema vault;

-- ---------------------------------------------------------------- practice and its directory

create table care.practices (
    practice_id uuid primary key,
    name text not null,
    slug text not null unique,
    time_zone text not null,
    sending_paused boolean not null default false,
    directory_version int not null default 0,
    playbook_version int not null default 0,
    created_at timestamptz not null
);

create table care.clock (
    only_row boolean primary key default true check (only_row),
    wall0 timestamptz not null,
    sim0 timestamptz not null,
    speed double precision not null check (speed >= 0)  -- 1 real, 0 stepped by a conductor (E22)
);

-- A directory is locations, services, rooms, staff with hours, skills and licences: immutable once written, so that a
-- journalled decision can name the version that it was made from (E15).
create table care.directories (
    practice_id uuid not null references care.practices,
    version int not null,
    body jsonb not null,
    written_at timestamptz not null,
    primary key (practice_id, version)
);

create table care.playbooks (
    practice_id uuid not null references care.practices,
    version int not null,
    source text not null,
    author text not null,
    reason text not null default '',
    published_at timestamptz not null,
    primary key (practice_id, version)
);

create table care.connections (
    practice_id uuid not null references care.practices,
    connection_id text not null,
    connector text not null,
    settings jsonb not null default '{}',
    baa text not null default 'none' check (baa in ('none', 'signed')),
    owns text[] not null default '{}',
    writes boolean not null default true,      -- whether copies there are kept equal to the record
    creates boolean not null default false,    -- whether a visit that it lacks is created there
    calendar boolean not null default false,   -- whether it is asked for busy time
    loaded boolean not null default false,     -- the first load is over: changes fire triggers (D8)
    paused boolean not null default false,
    burst_floor int not null default 20,       -- D8: max(this, 3 x usual) changes in ten minutes
    cursor text,
    poll_at timestamptz,
    primary key (practice_id, connection_id)
);

create table care.mappings (
    practice_id uuid not null,
    connection_id text not null,
    kind text not null check (kind in ('service', 'location', 'actor')),
    external_id text not null,
    internal_id text not null,
    primary key (practice_id, connection_id, kind, external_id),
    foreign key (practice_id, connection_id) references care.connections on delete cascade
);
create index mappings_back on care.mappings (practice_id, connection_id, kind, internal_id);

create table care.change_counts (            -- D8: changes of a source by ten minutes
    practice_id uuid not null,
    connection_id text not null,
    bucket_at timestamptz not null,
    n int not null,
    primary key (practice_id, connection_id, bucket_at)
);

-- ---------------------------------------------------------------- people (no identity here; that is the vault's)

create table care.patients (
    practice_id uuid not null references care.practices,
    patient_id uuid not null,
    merged_into uuid,                          -- D7
    language text not null default 'en',
    time_zone text,
    state text,                                -- where they are for video visits (D4); unknown: ask
    tags text[] not null default '{}',         -- opaque care-plan tags
    excluded_staff uuid[] not null default '{}',
    automation text not null default 'allowed' check (automation in ('allowed', 'human_first')),
    clinician_follows_up boolean not null default false,
    restricted boolean not null default false, -- D34
    payer text,
    created_at timestamptz not null,
    primary key (practice_id, patient_id)
);

create table care.contacts (                   -- D5; the address itself is in vault.addresses
    practice_id uuid not null references care.practices,
    contact_id uuid not null,
    channel text not null check (channel in ('sms', 'email', 'voice')),
    language text not null default 'en',
    time_zone text not null,
    quiet_begin int,
    quiet_end int,
    consent text,
    verified boolean not null default false,
    status text not null default 'usable' check (status in ('usable', 'opted_out', 'wrong', 'undeliverable')),
    preference int not null default 0,
    primary key (practice_id, contact_id)
);

create table care.contact_people (             -- one number may serve several patients
    practice_id uuid not null,
    contact_id uuid not null,
    person_kind text not null check (person_kind in ('staff', 'patient')),
    person_id uuid not null,
    relation text not null default 'self' check (relation in ('self', 'parent', 'guardian', 'carer')),
    rights text[] not null default '{told,confirm,cancel}',
    rights_until date,
    told_at timestamptz not null,              -- of several on one channel the newest counts first
    primary key (practice_id, person_id, contact_id),
    foreign key (practice_id, contact_id) references care.contacts on delete cascade
);
create index contact_people_by_contact on care.contact_people (practice_id, contact_id);

create table care.care_team (
    practice_id uuid not null references care.practices,
    patient_id uuid not null,
    staff_id uuid not null,
    visits int not null default 0,
    since date,
    primary key (practice_id, patient_id, staff_id)
);

create table care.authorisations (             -- D6: units or visits left
    practice_id uuid not null references care.practices,
    authorisation_id uuid not null,
    patient_id uuid not null,
    service text not null,
    units_left int not null,
    valid_until date,
    primary key (practice_id, authorisation_id)
);

create table care.panels (                     -- D6: panelled with the payer on a day
    practice_id uuid not null references care.practices,
    staff_id uuid not null,
    payer text not null,
    valid_from date not null,
    valid_until date,
    primary key (practice_id, staff_id, payer, valid_from)
);

create table care.busy_blocks (                -- leave and other people's calendars: facts, never refused (E9)
    practice_id uuid not null references care.practices,
    block_id uuid not null,
    resource_id uuid not null,
    start_at timestamptz not null,
    end_at timestamptz not null check (end_at > start_at),
    kind text not null check (kind in ('leave', 'external')),
    connection_id text,
    external_id text,
    primary key (practice_id, block_id)
);
create index busy_blocks_of on care.busy_blocks (practice_id, resource_id, end_at);

-- ---------------------------------------------------------------- the record

create table care.series (
    practice_id uuid not null references care.practices,
    series_id uuid not null,
    source text not null,
    external_id text,
    primary key (practice_id, series_id)
);

create table care.sessions (                   -- D1: one happening that several appointments may share
    practice_id uuid not null references care.practices,
    session_id uuid not null,
    capacity int not null default 1,
    primary key (practice_id, session_id)
);

create table care.appointments (
    practice_id uuid not null,
    appointment_id uuid not null,
    session_id uuid not null,
    source text not null,
    service text not null,
    location text not null,
    modality text not null check (modality in ('in_person', 'video', 'phone')),
    status text not null check (status in ('proposed', 'pending', 'booked', 'arrived', 'fulfilled', 'cancelled',
        'noshow', 'checked-in', 'waitlist', 'entered-in-error')),
    start_at timestamptz not null,
    end_at timestamptz not null check (end_at > start_at),
    created_at timestamptz not null,
    confirmation text not null check (confirmation in ('unasked', 'asked', 'confirmed', 'declined', 'silent')),
    confirmed_at timestamptz,
    initiator text check (initiator in ('patient', 'practice')),
    cancelled_at timestamptz,
    settle_at timestamptz,
    rescheduled_from uuid,
    series_id uuid,
    observed_overlap boolean not null default false,
    tell_by_done boolean not null default false,
    held_triggers text[] not null default '{}',
    version int not null,
    next_look_at timestamptz,
    primary key (practice_id, appointment_id)
) with (fillfactor = 80);
create index appointments_due on care.appointments (practice_id, next_look_at) where next_look_at is not null;
create index appointments_by_start on care.appointments (practice_id, start_at);

create table care.participants (
    practice_id uuid not null,
    appointment_id uuid not null,
    role text not null,
    kind text not null check (kind in ('patient', 'staff', 'room', 'equipment', 'interpreter', 'transport')),
    actor_id uuid,
    coverage text check (coverage in ('uncovered', 'at_risk', 'tentative', 'confirmed')),
    primary key (practice_id, appointment_id, role)
);
create index participants_by_actor on care.participants (practice_id, actor_id, appointment_id);

create table care.occupations (
    practice_id uuid not null,
    occupation_id uuid not null,
    session_id uuid not null,
    appointment_id uuid not null,
    resource_id uuid not null,
    start_at timestamptz not null,
    end_at timestamptz not null check (end_at > start_at),
    primary key (practice_id, appointment_id, occupation_id),
    -- Promise 2: of what WE book, no person or room is in two sessions at once (E8).
    constraint no_double_booking exclude using gist (practice_id with =, resource_id with =,
        tstzrange(start_at, end_at) with &&, session_id with <>)
);
-- For reading, plain comparisons: under row-level security an operator that is not leak-proof, as && is not, never
-- reaches an index. Hence the bound on an occupation's length.
alter table care.occupations add constraint a_week_at_most check (end_at <= start_at + interval '7 days');
create index occupations_of on care.occupations (practice_id, resource_id, start_at);

create table care.links (
    practice_id uuid not null,
    link_id uuid not null,
    connection_id text not null,
    appointment_id uuid not null,
    external_id text,
    seen jsonb not null default '{}',
    seen_etag text,
    seen_order bigint,
    wanted jsonb,
    sent jsonb not null default '[]',
    state text not null check (state in ('idle', 'waiting', 'landed', 'conflict', 'refused')),
    written_order bigint,
    landed_at timestamptz,
    rounds int not null default 0,
    primary key (practice_id, appointment_id, link_id)
) with (fillfactor = 80);

create table care.holds (                      -- a candidate's time kept from others while the patient is asked (D19)
    practice_id uuid not null,
    appointment_id uuid not null,
    connection_id text not null,
    wanted jsonb not null,
    placed jsonb not null,
    until timestamptz,
    version int not null,
    primary key (practice_id, appointment_id, connection_id)
);

-- Where an external id leads, and the number that its next fetch takes (E3). Written by intake, read by all.
create table care.doors (
    practice_id uuid not null,
    connection_id text not null,
    external_id text not null,
    appointment_id uuid not null,
    fetches bigint not null default 1,   -- the fetch that found it was the first
    primary key (practice_id, connection_id, external_id)
);

-- ---------------------------------------------------------------- casework

create table care.cases (
    practice_id uuid not null,
    case_id uuid not null,
    kind text not null check (kind in ('confirm', 'cover')),
    appointment_id uuid not null,
    role text not null,
    rule text not null,
    path text not null,
    playbook_version int not null,
    opened_at timestamptz not null,
    state text not null check (state in ('open', 'settled', 'handed', 'closed')),
    outcome text,
    closed_at timestamptz,
    phase text not null,
    step int not null,
    due_at timestamptz,
    step_until timestamptz,
    shadow boolean not null,
    text text,
    pool text,
    prefer jsonb not null,
    candidate_id uuid,
    lost_id uuid,
    checked jsonb not null,
    patient_refused boolean not null,
    incident_id uuid,
    primary key (practice_id, appointment_id, case_id),
    -- Promise 3: no case waits for ever.
    constraint open_cases_fall_due check (state <> 'open' or due_at is not null)
) with (fillfactor = 80);
create unique index one_open_case on care.cases (practice_id, kind, appointment_id, role) where state = 'open';

create table care.asks (
    practice_id uuid not null,
    ask_id uuid not null,
    case_id uuid not null,
    appointment_id uuid not null,
    purpose text not null,
    person_kind text not null,
    person_id uuid not null,
    role text not null,
    step int not null,
    asked_at timestamptz not null,
    due_at timestamptz not null,
    number int not null,
    by text[] not null,
    state text not null check (state in ('pending', 'sent', 'accepted', 'declined', 'expired', 'withdrawn', 'undeliverable')),
    contact_id uuid,
    channel text,
    tried uuid[] not null,
    candidate_id uuid,
    sent_at timestamptz,
    delivered_at timestamptz,
    answered_at timestamptz,
    answered_via text,
    primary key (practice_id, ask_id)
) with (fillfactor = 80);
create index asks_by_appointment on care.asks (practice_id, appointment_id);
-- Whoever has several open questions answers each by its number: no two are alike, whoever asks them at once (D5).
create unique index asks_open_by_person on care.asks (practice_id, person_id, number) where state in ('pending', 'sent');
create index asks_open_by_contact on care.asks (practice_id, contact_id) where state in ('pending', 'sent');

create table care.exceptions (
    practice_id uuid not null,
    exception_id uuid not null,
    kind text not null,
    owner text not null,
    raised_at timestamptz not null,
    ack_by timestamptz not null,
    appointment_id uuid,
    case_id uuid,
    connection_id text,
    detail jsonb not null,
    state text not null check (state in ('open', 'claimed', 'resolved')),
    claimed_by text,
    escalated int not null,
    resolved_at timestamptz,
    resolution text,
    primary key (practice_id, exception_id)
);
create index exceptions_by_appointment on care.exceptions (practice_id, appointment_id);
create index exceptions_open on care.exceptions (practice_id, ack_by) where state <> 'resolved';
create index exceptions_unbound on care.exceptions (practice_id, ack_by) where state = 'open' and appointment_id is null;

create table care.limits (                     -- E12
    practice_id uuid not null,
    person_id uuid not null,
    what text not null,
    period text not null,
    n int not null,
    primary key (practice_id, person_id, what, period)
);

create table care.incidents (
    practice_id uuid not null,
    incident_id uuid not null,
    cause text not null,
    at timestamptz not null,
    primary key (practice_id, incident_id)
);

-- ---------------------------------------------------------------- in and out

create table care.notices (                    -- the only inbound row with a lease (E1)
    practice_id uuid not null,
    notice_id uuid not null,
    connection_id text not null,
    kind text not null check (kind in ('push', 'fetch')),
    dedup_key text,                            -- sources with a delivery id: acted upon once
    subject text,                              -- thin notices: one pending fetch per external id (E3)
    received_at timestamptz not null,
    changed_at timestamptz,
    state text not null default 'pending' check (state in ('pending', 'done', 'parked')),
    again boolean not null default false,      -- another notice came while this one was being fetched
    attempts int not null default 0,
    due_at timestamptz not null,               -- back-off, business time
    lease_until timestamptz,                   -- the database's clock
    primary key (practice_id, notice_id)
);
create unique index notices_once on care.notices (practice_id, connection_id, dedup_key) where dedup_key is not null;
create unique index notices_one_fetch on care.notices (practice_id, connection_id, subject)
    where kind = 'fetch' and state = 'pending';
create index notices_pending on care.notices (practice_id, due_at, notice_id) where state = 'pending';

create table care.observations (
    practice_id uuid not null,
    observation_id bigint generated always as identity,
    subject_id uuid not null,                  -- the door: an appointment, or a contact
    kind text not null,
    body jsonb not null,
    notice_id uuid,
    observed_at timestamptz not null,
    state text not null default 'pending' check (state in ('pending', 'done', 'parked')),
    attempts int not null default 0,
    primary key (practice_id, observation_id)
);
create index observations_pending on care.observations (practice_id, observation_id) where state = 'pending';
create index observations_by_subject on care.observations (practice_id, subject_id, observation_id) where state = 'pending';

create table care.deliveries (                 -- the outbox (E19)
    practice_id uuid not null,
    delivery_id uuid not null,
    kind text not null check (kind in ('ask_system', 'write', 'hold', 'tell')),
    ordering_key text not null,
    created_at timestamptz not null,
    appointment_id uuid,
    connection_id text,
    link_id uuid,
    ask_id uuid,
    person_id uuid,
    contact_id uuid,
    text text,
    params jsonb not null,
    not_before timestamptz,                    -- quiet hours; what may go goes first
    send_before timestamptz,
    seq bigint generated always as identity,
    state text not null default 'pending' check (state in
        ('pending', 'accepted', 'delivered', 'failed', 'refused', 'unknown', 'withdrawn', 'expired', 'superseded')),
    attempts int not null default 0,
    lease_until timestamptz,
    sent_at timestamptz,
    begun_at timestamptz,                      -- the first try, business time: from when a lost answer is looked for
    ref text,
    code text,
    primary key (practice_id, delivery_id)
) with (fillfactor = 80);
create index deliveries_pending on care.deliveries (practice_id, ordering_key, seq) where state = 'pending';
create index deliveries_by_ask on care.deliveries (practice_id, ask_id) where ask_id is not null;
create index deliveries_by_ref on care.deliveries (practice_id, ref) where ref is not null;

-- One row per ordering key that has something to send: claiming looks here, never through the rows queued behind a
-- backed-off or leased key (E19).
create table care.delivery_keys (
    practice_id uuid not null,
    ordering_key text not null,
    target text not null,                      -- a connection, or channel:sms: what is saturated is passed over
    waiting int not null default 0,
    ready_at timestamptz not null,
    lease_until timestamptz,
    attempts int not null default 0,
    primary key (practice_id, ordering_key)
);
create index delivery_keys_ready on care.delivery_keys (practice_id, ready_at) where waiting > 0;

create table care.journal (
    practice_id uuid not null,
    subject_id uuid not null,
    seq int not null,
    at timestamptz not null,
    kind text not null,
    body text not null,                        -- canonical JSON, exactly as hashed
    hash bytea not null,
    primary key (practice_id, subject_id, seq)
);
create index journal_by_time on care.journal (practice_id, at);

create table care.checkpoints (
    practice_id uuid not null,
    checkpoint_id bigint generated always as identity,
    at timestamptz not null,
    heads jsonb not null,                      -- subject -> [seq, hash] of the chains that grew
    signature bytea not null,
    primary key (practice_id, checkpoint_id)
);

-- ---------------------------------------------------------------- who may sign in

create table care.accounts (
    practice_id uuid not null references care.practices,
    account_id uuid not null,
    handle text not null,
    role text not null check (role in ('administrator', 'coordinator')),
    password_hash text,
    created_at timestamptz not null,
    disabled_at timestamptz,
    primary key (practice_id, account_id),
    unique (practice_id, handle)
);

create table care.sign_in_links (
    practice_id uuid not null,
    token_hash bytea not null,
    account_id uuid not null,
    expires_at timestamptz not null,           -- wire time
    used_at timestamptz,
    primary key (practice_id, token_hash)
);

create table care.web_sessions (
    practice_id uuid not null,
    token_hash bytea not null,
    account_id uuid not null,
    csrf text not null,
    created_at timestamptz not null,           -- wire time
    seen_at timestamptz not null,
    revoked_at timestamptz,
    primary key (practice_id, token_hash)
);

create table care.sign_in_failures (
    practice_id uuid not null,
    handle text not null,
    n int not null,
    last_at timestamptz not null,
    primary key (practice_id, handle)
);

-- ---------------------------------------------------------------- the vault

create table vault.data_keys (                 -- envelope: one key a person (or practice), wrapped by the master key
    practice_id uuid not null,
    subject_id uuid not null,
    wrapped bytea not null,
    primary key (practice_id, subject_id)
);
create table vault.people (
    practice_id uuid not null,
    person_id uuid not null,
    body bytea not null,
    primary key (practice_id, person_id)
);
create table vault.addresses (
    practice_id uuid not null,
    contact_id uuid not null,
    subject_id uuid not null,
    body bytea not null,
    primary key (practice_id, contact_id)
);
create table vault.identities (                -- keyed hash of a number, address, name and birth date, external id
    practice_id uuid not null,
    hash bytea not null,
    kind text not null,
    person_id uuid not null,
    contact_id uuid,
    primary key (practice_id, hash, person_id)
);
create table vault.payloads (                  -- raw notices, free text
    practice_id uuid not null,
    payload_id uuid not null,
    body bytea not null,
    primary key (practice_id, payload_id)
);
create table vault.secrets (
    practice_id uuid not null,
    connection_id text not null,
    body bytea not null,
    primary key (practice_id, connection_id)
);
create table vault.canary (
    only_row boolean primary key default true check (only_row),
    body bytea not null
);

-- ---------------------------------------------------------------- four users, no session roles (E25)
-- Made here where they are missing; their passwords are set when the server starts, from the practice's key.

do $$
declare
    name text;
begin
    foreach name in array array['caredispatch_intake', 'caredispatch_decide', 'caredispatch_reveal', 'caredispatch_web'] loop
        if not exists (select from pg_roles where rolname = name) then
            execute format('create role %I login', name);
        end if;
    end loop;
end $$;

revoke all on schema public from public;
grant usage on schema care to caredispatch_intake, caredispatch_decide, caredispatch_reveal, caredispatch_web;
grant usage on schema vault to caredispatch_intake, caredispatch_reveal;
grant select on care.clock to caredispatch_intake, caredispatch_decide, caredispatch_reveal, caredispatch_web;

-- intake: notices in, observations out, identity into the vault (keyed look-up only)
grant select on care.practices, care.directories, care.connections, care.mappings, care.contacts, care.contact_people,
    care.patients, care.asks, care.links, care.deliveries, care.appointments, care.participants, care.cases to caredispatch_intake;
grant select, insert, update on care.notices, care.doors, care.change_counts to caredispatch_intake;
grant select, insert on care.observations to caredispatch_intake;
grant insert, update on care.patients, care.contacts, care.contact_people to caredispatch_intake;
grant update (cursor, poll_at, loaded) on care.connections to caredispatch_intake;
grant select, insert, update on care.exceptions to caredispatch_intake;
grant select, insert on vault.data_keys, vault.identities to caredispatch_intake;
grant insert on vault.people, vault.addresses to caredispatch_intake;
grant insert on vault.payloads to caredispatch_intake;

-- decide: the record and the casework; no vault
grant select on all tables in schema care to caredispatch_decide;
grant insert, update, delete on care.appointments, care.participants, care.occupations, care.sessions, care.series, care.links,
    care.holds, care.cases, care.asks, care.exceptions, care.limits, care.incidents, care.deliveries, care.delivery_keys,
    care.busy_blocks to caredispatch_decide;
grant update on care.observations, care.contacts, care.patients, care.care_team to caredispatch_decide;
grant insert, update on care.notices, care.doors to caredispatch_decide;
grant insert on care.observations to caredispatch_decide;
grant select, insert on care.journal, care.checkpoints to caredispatch_decide;   -- append-only
revoke select on care.accounts, care.sign_in_links, care.web_sessions, care.sign_in_failures from caredispatch_decide;

-- reveal: the deliverer, and the page module that shows identity
grant select on care.practices, care.directories, care.playbooks, care.connections, care.mappings, care.contacts,
    care.contact_people, care.patients, care.links, care.holds, care.asks, care.cases, care.appointments, care.participants,
    care.doors, care.exceptions to caredispatch_reveal;
grant select, update on care.deliveries, care.delivery_keys to caredispatch_reveal;
grant select, insert on care.observations, care.notices, care.journal to caredispatch_reveal;
grant insert, update on care.doors to caredispatch_reveal;
grant update on care.notices to caredispatch_reveal;
grant select on all tables in schema vault to caredispatch_reveal;

-- web: pages; no vault
grant select on all tables in schema care to caredispatch_web;
grant insert on care.observations, care.web_sessions, care.sign_in_failures to caredispatch_web;
grant update on care.sign_in_links, care.web_sessions, care.sign_in_failures, care.accounts to caredispatch_web;
grant delete on care.sign_in_failures to caredispatch_web;

-- Row-level security (E26): the web's user sees the practice named for its transaction; so does the decider, whose
-- claim names one practice at a time. Intake and reveal work across practices.
create function care.practice_in_hand() returns uuid language sql stable
    as $$ select nullif(current_setting('care.practice', true), '')::uuid $$;

-- Practices with something to decide, the longest waiting first.
create function care.practices_with_work(now timestamptz) returns table (practice_id uuid)
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
                  and e.ack_by <= now order by e.ack_by limit 1)) as since) w
         where w.since is not null
         order by w.since
    $$;

do $$
declare
    t text;
begin
    for t in select c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
             where n.nspname = 'care' and c.relkind = 'r' and c.relname <> 'clock' loop
        execute format('alter table care.%I enable row level security', t);
        execute format('create policy in_hand on care.%I to caredispatch_web, caredispatch_decide
            using (practice_id = (select care.practice_in_hand()))', t);
        execute format('create policy across on care.%I to caredispatch_intake, caredispatch_reveal using (true) with check (true)', t);
    end loop;
end $$;
