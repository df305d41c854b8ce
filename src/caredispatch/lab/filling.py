"""Fills the bench's tables quickly: visits as they stand after their bookings were decided, each with its participants,
occupations, copy, open case, sent ask, journal and a deadline that lies ahead."""

from __future__ import annotations

from datetime import datetime

import asyncpg

from caredispatch.app.directory_file import staff_id

# Visit n is provider n % staff's, in hour n / staff; none overlaps another. Ids are hashes of n: asked again, the rows
# that are there stay.
_VISITS = """
create temporary table visit as
select n, $1::uuid as practice, md5('visit' || n)::uuid as id, md5('case' || n)::uuid as case_id,
       ($2::uuid[])[n % $3 + 1] as staff, md5('patient' || (n % greatest($5 / 4, $3 * 2)))::uuid as patient,
       $4::timestamptz + (30 + n / $3 / 8) * interval '1 day' + (14 + n / $3 % 8) * interval '1 hour' as start_at
  from generate_series($6::int, $5::int - 1) n
"""

_ROWS = (
    """insert into care.patients (practice_id, patient_id, created_at)
       select distinct practice, patient, start_at - interval '400 days' from visit on conflict do nothing""",
    """insert into care.appointments (practice_id, appointment_id, session_id, source, service, location, modality,
         status, start_at, end_at, created_at, confirmation, version, next_look_at)
       select practice, id, id, 'booking', 'therapy-50', 'North', 'in_person', 'booked', start_at,
         start_at + interval '50 minutes', start_at - interval '60 days', 'asked', 1, start_at - interval '1 day'
         from visit""",
    """insert into care.participants (practice_id, appointment_id, role, kind, actor_id, coverage)
       select practice, id, 'patient', 'patient', patient, null from visit
       union all select practice, id, 'provider', 'staff', staff, 'confirmed' from visit""",
    """insert into care.occupations (practice_id, occupation_id, session_id, appointment_id, resource_id, start_at,
         end_at)
       select practice, md5(who || id::text)::uuid, id, id, who, start_at, start_at + interval '50 minutes'
         from visit, unnest(array[staff, patient]) who order by who, start_at""",
    """insert into care.links (practice_id, link_id, connection_id, appointment_id, external_id, seen,
         seen_order, state)
       select practice, md5('link' || n)::uuid, 'booking', id, 'filled' || n,
         jsonb_build_object('status', 'booked', 'service', 'therapy-50', 'start_at', start_at), 1, 'landed'
         from visit""",
    """insert into care.doors (practice_id, connection_id, external_id, appointment_id)
       select practice, 'booking', 'filled' || n, id from visit""",
    """insert into care.cases (practice_id, case_id, kind, appointment_id, role, rule, path, playbook_version,
         opened_at, state, phase, step, due_at, shadow, prefer, checked, patient_refused)
       select practice, case_id, 'confirm', id, 'patient', 'Booked', 'patient', 1, start_at - interval '60 days',
         'open', 'asking', 0, start_at - interval '1 day', false, '{}', '{}', false from visit""",
    """insert into care.asks (practice_id, ask_id, case_id, appointment_id, purpose, person_kind, person_id, role, step,
         asked_at, due_at, number, by, state, tried)
       select practice, md5('ask' || n)::uuid, case_id, id, 'confirm_patient', 'patient', patient, 'patient', 0,
         start_at - interval '60 days', start_at - interval '1 day', n + 1, '{sms}', 'sent', '{}' from visit""",
    """insert into care.journal (practice_id, subject_id, seq, at, kind, body, hash)
       select practice, id, 1, start_at - interval '60 days', 'appointment_seen', repeat('x', 1500),
         sha256(id::text::bytea) from visit""",
)


async def fill(
    owner: asyncpg.Connection[asyncpg.Record], practice_id: str, size: int, staff: int, day: datetime
) -> None:
    """Have `size` filled visits in all."""
    held = await owner.fetchval("select count(*) from care.doors where external_id like 'filled%'")
    ids = [staff_id(practice_id, f"p{n:03d}") for n in range(staff)]
    async with owner.transaction():
        await owner.execute(_VISITS, practice_id, ids, staff, day, size, held)
        for statement in _ROWS:
            await owner.execute(statement)
        await owner.execute("drop table visit")
    await owner.execute("vacuum analyze")
    await owner.execute("checkpoint")
