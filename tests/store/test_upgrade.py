"""An upgrade keeps what the version before it wrote."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from importlib.resources import files

import asyncpg
import orjson

from caredispatch.core.ids import Id, make_id
from caredispatch.core.observation import Answered, TextReceived
from caredispatch.store import schema
from caredispatch.store.deciding import claim, in_hand, load
from caredispatch.store.pools import prepare
from caredispatch.store.server import EmbeddedServer

PRACTICE, VISIT, CASE, ASK = (make_id("upgrade", name) for name in ("practice", "visit", "case", "ask"))
NOW = datetime(2027, 1, 4, 16, tzinfo=UTC)
FIRST = files("caredispatch.store").joinpath("migrations/versions/0001_spine.sql").read_text("utf-8")


async def _first_version(dsn: str) -> None:
    """A database as the spine's version left it: a visit, its open case and question, two texts not yet decided."""
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(FIRST)
        await connection.execute(
            "create table public.alembic_version (version_num varchar(32) primary key);"
            "insert into public.alembic_version values ('0001')"
        )
        await connection.execute(
            "insert into care.practices (practice_id, name, slug, time_zone, created_at) "
            "values ($1, 'Upgrade Madeup', 'upgrade', 'UTC', $2)",
            PRACTICE,
            NOW,
        )
        await connection.execute(
            "insert into care.appointments (practice_id, appointment_id, session_id, source, service, location, "
            "modality, status, start_at, end_at, created_at, confirmation, version) values ($1, $2, $2, 'booking', "
            "'therapy-50', 'north', 'in_person', 'booked', $3, $4, $5, 'asked', 1)",
            PRACTICE,
            VISIT,
            NOW + timedelta(days=2),
            NOW + timedelta(days=2, minutes=50),
            NOW,
        )
        await connection.execute(
            "insert into care.cases (practice_id, case_id, kind, appointment_id, role, rule, path, playbook_version, "
            "opened_at, state, phase, step, due_at, shadow, prefer, checked, patient_refused) values ($1, $2, "
            "'confirm', $3, 'patient', 'r', 'p', 1, $4, 'open', 'asking', 0, $5, false, '{}', '{}', false)",
            PRACTICE,
            CASE,
            VISIT,
            NOW,
            NOW + timedelta(days=1),
        )
        await connection.execute(
            "insert into care.asks (practice_id, ask_id, case_id, appointment_id, purpose, person_kind, person_id, "
            "role, step, asked_at, due_at, number, by, state, tried) values ($1, $2, $3, $4, 'confirm_patient', "
            "'patient', $2, 'patient', 0, $5, $6, 1, '{sms}', 'sent', '{}')",
            PRACTICE,
            ASK,
            CASE,
            VISIT,
            NOW,
            NOW + timedelta(days=1),
        )
        for label in ("no_texts", "unclear", "opt_out"):
            body = {"kind": "answered", "ask_id": ASK, "label": label, "via": "sms", "on_behalf": None, "text_id": None}
            await connection.execute(
                "insert into care.observations (practice_id, subject_id, kind, body, observed_at) "
                "values ($1, $2, 'answered', $3, $4)",
                PRACTICE,
                VISIT,
                orjson.dumps(body).decode(),
                NOW,
            )
    finally:
        await connection.close()


async def test_an_upgrade_keeps_visits_cases_questions_and_what_waits_to_be_decided(pg: EmbeddedServer) -> None:
    admin = await asyncpg.connect(pg.dsn())
    await admin.execute("drop database if exists upgraded with (force)")
    await admin.execute("create database upgraded")
    await admin.close()
    await _first_version(pg.dsn("upgraded"))
    await schema.migrate(pg.dsn("upgraded"))
    await schema.migrate(pg.dsn("upgraded"))
    connection = await asyncpg.connect(pg.dsn("upgraded"))
    await prepare(connection)
    try:
        async with connection.transaction():
            await in_hand(connection, PRACTICE)
            state = (await load(connection, PRACTICE, [VISIT])).states[VISIT]
            items = await claim(connection, PRACTICE, NOW, 16)
    finally:
        await connection.close()
    assert state.appointment is not None
    assert state.appointment.timed
    assert not state.appointment.is_slot
    assert [(c.kind, c.state, c.ordering, c.remind) for c in state.cases] == [("confirm", "open", "rank", ())]
    assert [(a.state, a.options, a.choice) for a in state.asks] == [("sent", (), None)]
    waiting = [item.event for item in items]
    assert all(isinstance(event, Answered | TextReceived) for event in waiting)
    read = [(event.label, event.carrier_word) for event in waiting if isinstance(event, Answered)]
    assert read == [("opt_out", False), ("human", False), ("opt_out", True)]
    assert state.asks[0].ask_id == Id(ASK)
