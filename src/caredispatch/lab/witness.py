"""The promises of which the outside world is the witness: nothing lost, no identity outside, people left alone, time
right. Each is True, or a sentence that says what broke it."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from caredispatch.app.setting_up import practice_id_of
from caredispatch.lab.cast import SITES
from caredispatch.lab.evidence import EHRS, Evidence, Verdict, names_a_patient, staff_zones

QUIET = (8, 20)
ENDED = frozenset({"cancelled", "noshow"})


async def nothing_lost(e: Evidence) -> Verdict:
    """Every notice that was answered 2xx took effect, and the record says what booking system and EHRs say."""
    waiting = await e.connection.fetchval(
        "select count(*) from care.notices where state <> 'done' and due_at <= $1", e.now
    )
    if waiting:
        return f"{waiting} accepted notices did not become observations"
    undecided = await e.connection.fetchval("select count(*) from care.observations where state <> 'done'")
    if undecided:
        return f"{undecided} observations are not decided"
    return await _bookings_lost(e) or await _ehr_visits_lost(e) or True


async def _bookings_lost(e: Evidence) -> str:
    rows = await e.connection.fetch(
        "select d.external_id, a.start_at, a.status from care.doors d join care.appointments a using "
        "(practice_id, appointment_id) where d.connection_id = 'acuity'"
    )
    ours = {row[0]: (row[1], row[2]) for row in rows}
    for booked in e.bookings:
        mine = ours.get(str(booked["id"]))
        if mine is None:
            return f"booking {booked['id']} has no record"
        if mine[0] != datetime.fromisoformat(booked["datetime"]) or (mine[1] in ENDED) != booked["canceled"]:
            return f"booking {booked['id']} stands as {mine} in the record"
    return ""


async def _ehr_visits_lost(e: Evidence) -> str:
    for name, slug in EHRS.items():
        rows = await e.connection.fetch(
            "select d.external_id, a.start_at, a.status from care.doors d join care.appointments a using "
            "(practice_id, appointment_id) where d.connection_id = 'ehr' and d.practice_id = $1",
            practice_id_of(slug),
        )
        ours = {row[0]: (row[1], row[2]) for row in rows}
        for visit in e.state[name]["Appointment"]:
            mine = ours.get(visit["id"])
            if mine is None:
                return f"{name} holds {visit['id']}, which has no record"
            if "start" in visit and mine != (datetime.fromisoformat(visit["start"]), visit["status"]):
                return f"{name} holds {visit['id']} as {visit['status']}, the record as {mine}"
    return ""


async def no_identity_outside(e: Evidence) -> Verdict:
    """No patient's name, number or address in the tables outside the vault, in the server's log, or in a text."""
    tables = await e.connection.fetch("select relname from pg_stat_user_tables where schemaname = 'care'")
    for table in sorted(row[0] for row in tables):
        rows = await e.connection.fetch(f"select t::text from care.{table} t")  # noqa: S608 names from the catalogue
        if names_a_patient("\n".join(row[0] for row in rows)):
            return f"care.{table} holds something that names a patient"
    log = (e.folder / "server.log").read_text("utf-8", "replace")
    if names_a_patient(log):
        return "the server's log names a patient"
    for text in e.texts:
        if names_a_patient(text["body"]):
            return "a text names a patient"
    return True


async def left_alone(e: Evidence) -> Verdict:
    """Nobody got a text at night in their own zone; no patient got more than three questions; nobody got the same text
    twice; nobody of an import got any (D8)."""
    zones = staff_zones()
    seen: set[tuple[str, str]] = set()
    for text in e.texts:
        zone = ZoneInfo(zones.get(text["to"], "America/Chicago"))
        local = datetime.fromisoformat(text["at"]).astimezone(zone)
        if not QUIET[0] <= local.hour < QUIET[1] and text["to"] not in zones:
            return f"a patient was texted at {local:%H:%M}"
        if text["to"].startswith("+1555017"):
            return f"a patient of the import was texted at {local:%H:%M}"
        if (text["to"], text["body"]) in seen:
            return f"the same text went twice to one number at {local:%H:%M}"
        seen.add((text["to"], text["body"]))
    most = await e.connection.fetchval("select max(n) from care.limits where what = 'asks_week'")
    return True if (most or 0) <= 3 else f"a patient was asked {most} times in a week"


async def time_right(e: Evidence) -> Verdict:
    """Instants agree with the booking system's; what people read is the visit's local time."""
    rows = await e.connection.fetch(
        "select d.external_id, a.start_at, a.location, a.appointment_id from care.doors d join care.appointments a "
        "using (practice_id, appointment_id) where d.connection_id = 'acuity'"
    )
    told = await _told(e)
    for external_id, start_at, location, appointment_id in rows:
        booked = next(a for a in e.bookings if str(a["id"]) == external_id)
        if datetime.fromisoformat(booked["datetime"]) != start_at:
            return f"booking {external_id} starts at {booked['datetime']}, the record says {start_at}"
        local = start_at.astimezone(ZoneInfo(SITES[location][1]))
        if told[appointment_id] and f"{local:%-I:%M}" not in told[appointment_id]:
            return f"no text says {local:%-I:%M} for booking {external_id}"
    return True


async def _told(e: Evidence) -> dict[Any, str]:
    """What the carrier took about each visit."""
    bodies = {text["sid"]: text["body"] for text in e.texts}
    rows = await e.connection.fetch("select appointment_id, ref from care.deliveries where kind = 'tell'")
    told: dict[Any, str] = defaultdict(str)
    for appointment_id, ref in rows:
        told[appointment_id] += bodies.get(ref, "").replace("\u202f", " ")
    return told
