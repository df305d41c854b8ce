-- Scenes of a playbook that were rehearsed, before a stage of it goes live. A playbook is known by the SHA-256 of its text.
create table care.rehearsals (
    practice_id uuid not null references care.practices,
    playbook text not null check (playbook ~ '^[0-9a-f]{64}$'),
    scene text not null,
    seed bigint not null,
    passed boolean not null,
    at timestamptz not null,
    primary key (practice_id, playbook, scene, seed)
);
alter table care.rehearsals enable row level security;
create policy in_hand on care.rehearsals to caredispatch_web, caredispatch_decide
    using (practice_id = (select care.practice_in_hand()));
grant select on care.rehearsals to caredispatch_web;
