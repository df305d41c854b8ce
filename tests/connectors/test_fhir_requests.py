"""Requests, emergencies and series in FHIR, against the outside world's server: read as they are said, and booked where
they stand."""

from __future__ import annotations

from typing import Any

import pytest

from caredispatch.connectors.fhir.dialect import Dialect, dialect_of, is_urgent, requested, series_of
from caredispatch.connectors.fhir.resources import Appointment
from caredispatch.contract.manifest import load_build, load_manifest
from caredispatch.contract.outcome import Conflict, Delivered, Refused
from caredispatch.contract.settings import Settings
from caredispatch.contract.verbs import Wanted
from tests.connectors.kits import NOW
from tests.connectors.kits.fhir import APPOINTMENT, KIT, OURS
from tests.connectors.peer import Asked, Reply, as_json, calling, peering
from tests.connectors.test_fhir import VISIT, visit, whole
from tests.connectors.worlds import staging

REQUEST: dict[str, Any] = {
    "resourceType": "Appointment",
    "id": "r1",
    "status": "proposed",
    "requestedPeriod": [{"start": "2026-11-25", "end": "2026-11-27"}],
    "priority": 5,
    "comment": "Prefers mornings.",
    "serviceType": [{"coding": [{"code": "10"}]}],
    "participant": [{"actor": {"reference": "Patient/pat-1"}, "status": "accepted"}],
}
ANA_ASKED = [{"actor": {"reference": "Practitioner/ana"}, "status": "needs-action"}]
BOOKED = {
    "start_at": "2026-11-25T17:00:00Z",
    "end_at": "2026-11-25T17:50:00Z",
    "status": "booked",
    "location": "Location/north",
    "actor.provider": "Practitioner/ana",
    "accepted.provider": "accepted",
    "accepted.patient": "accepted",
}


def dialect(**changed: str) -> Dialect:
    """What a connection with these settings reads."""
    return dialect_of(Settings("fhir", {**KIT.settings("http://127.0.0.1:9"), **changed}))


def held(**changed: Any) -> Appointment:
    """An Appointment with some elements set."""
    return Appointment.model_validate({**APPOINTMENT, **changed})


async def test_d15_a_request_is_booked_where_it_stands_and_keeps_what_was_asked() -> None:
    async with staging(fhir={"appointments": [REQUEST], "require_if_match": True}) as stage:
        fhir = stage.connector("fhir", time_zone="America/Denver")
        seen = await fhir.fetch("r1")
        assert seen.content == {
            "status": "proposed",
            "service": "10",
            "accepted.patient": "accepted",
            "requested.from": "2026-11-25T07:00:00Z",
            "requested.until": "2026-11-28T07:00:00Z",
        }
        assert isinstance(await fhir.write(Wanted(OURS, BOOKED, "r1", 'W/"7"')), Conflict)
        assert await fhir.write(Wanted(OURS, BOOKED, "r1", seen.etag, seen.content)) == Delivered("r1", 'W/"2"')
        [sent] = await stage.asked("PUT", "/Appointment/r1")
        assert sent["status"] == 200
        after = await stage.held("r1")
        for name in ("requestedPeriod", "priority", "comment", "serviceType"):
            assert after[name] == REQUEST[name]
        assert (after["status"], after["start"], after["end"]) == ("booked", BOOKED["start_at"], BOOKED["end_at"])
        assert [(p["actor"]["reference"], p["status"]) for p in after["participant"]] == [
            ("Patient/pat-1", "accepted"),
            ("Practitioner/ana", "accepted"),
            ("Location/north", "accepted"),
        ]
        assert (await fhir.fetch("r1")).content == {**BOOKED, "service": "10"}


async def test_d15_open_requests_are_in_the_first_load_and_later_ones_are_news() -> None:
    waiting = {**REQUEST, "id": "w1", "status": "waitlist"}
    dated = visit("p1", "2026-11-25T17:00:00Z", status="proposed")
    async with staging(fhir={"appointments": [REQUEST, waiting, dated, visit("a1", "2026-11-25T17:00:00Z")]}) as stage:
        fhir = stage.connector("fhir")
        seen, cursor, _ = await whole(fhir)
        assert sorted(set(seen)) == ["a1", "p1", "r1", "w1"]
        assert (await fhir.poll(cursor, NOW)).seen == ()
        by_date, _, _ = await whole(stage.connector("fhir", requests="no"))
        assert by_date == ["a1", "p1"]
        await stage.world.act("fhir", "create", {**REQUEST, "id": "r2"})
        assert [s.external_id for s in (await fhir.poll(cursor, NOW)).seen] == ["r2"]


async def test_a_server_that_can_not_search_for_requests_says_so() -> None:
    def behave(asked: Asked) -> Reply:
        return as_json({}, 400) if ("status", "proposed,waitlist") in asked.query else KIT.good(asked)

    async with peering(behave) as peer, calling() as http:
        fhir: Any = load_build("fhir")(KIT.settings(peer.url), http)
        page = await fhir.poll(None, NOW)
        end = await fhir.poll(page.cursor, NOW)
        assert isinstance(end, Refused)


@pytest.mark.parametrize("status", ["proposed", "waitlist"])
async def test_a_request_keeps_nobodys_time(status: str) -> None:
    asked_for = {**REQUEST, "status": status, "participant": ANA_ASKED}
    async with staging(fhir={"appointments": [asked_for]}) as stage:
        got = await stage.connector("fhir").busy(["Practitioner/ana"], NOW, NOW.replace(month=12))
        assert got.blocks == ()


@pytest.mark.parametrize(
    ("period", "from_", "until"),
    [
        ({"start": "2026-10-25", "end": "2026-11-01"}, "2026-10-25T06:00:00Z", "2026-11-02T07:00:00Z"),
        ({"start": "2026-11-25T08:00:00.500-05:00"}, "2026-11-25T13:00:00Z", None),
        ({"end": "2026-11-25T08:00:00Z"}, None, "2026-11-25T08:00:00Z"),
        ({"start": "2026", "end": "2026-12"}, None, None),
        ({"start": "0001-01-01", "end": "9999-12-31"}, None, None),
        ({"start": "2026-11-25T08:00:00", "end": "²026-11-25"}, None, None),
        ({}, None, None),
    ],
)
def test_a_requested_day_is_one_of_the_practices_zone(period: Any, from_: str | None, until: str | None) -> None:
    """Over the end of summer time too."""
    asked_for = Appointment.model_validate({**REQUEST, "requestedPeriod": [period]})
    said = requested(asked_for, dialect(time_zone="America/Denver"))
    assert (said.get("requested.from"), said.get("requested.until")) == (from_, until)


def test_what_has_its_time_or_ended_is_no_request() -> None:
    for status in ("booked", "pending", "cancelled"):
        over = {**REQUEST, "status": status}
        assert requested(Appointment.model_validate(over), dialect()) == {}
    timed = {**REQUEST, "start": VISIT["start_at"], "end": VISIT["end_at"]}
    assert requested(Appointment.model_validate(timed), dialect()) == {}


def coded(*codes: str) -> dict[str, Any]:
    """A CodeableConcept."""
    return {"coding": [{"code": code} for code in codes]}


@pytest.mark.parametrize(
    ("said", "urgent"),
    [
        ({"priority": 1}, True),
        ({"priority": 0}, False),
        ({"priority": 2}, False),
        ({"priority": True}, False),
        ({"priority": "1"}, False),
        ({"priority": coded("R", "EM")}, True),
        ({"priority": coded("UR")}, False),
        ({"appointmentType": coded("EMERGENCY")}, True),
        ({"appointmentType": coded("1")}, False),
        ({"serviceCategory": [coded("8"), coded("EMERGENCY")]}, True),
        ({"serviceType": [coded("EMERGENCY")]}, False),
        ({}, False),
    ],
)
def test_an_emergency_is_what_the_standards_call_one(said: Any, urgent: bool) -> None:
    assert is_urgent(held(**said), dialect()) is urgent


def test_a_practice_says_what_it_calls_an_emergency() -> None:
    ours = dialect(urgent="serviceType=SAME-DAY, priority=2")
    assert is_urgent(held(serviceType=[coded("SAME-DAY")]), ours)
    assert is_urgent(held(priority=2), ours)
    assert not is_urgent(held(priority=1), ours)
    assert not is_urgent(held(priority=1), dialect(urgent=","))
    for wrong in ("EMERGENCY", "priority=", "status=booked"):
        with pytest.raises(ValueError, match="'urgent' can't be used: write element=code"):
            dialect(urgent=wrong)


@pytest.mark.parametrize("wrong", ["Denver", "../etc/passwd", "/", "America"])
def test_a_zone_that_is_none_is_refused(wrong: str) -> None:
    with pytest.raises(ValueError, match="'time_zone' can't be used"):
        dialect(time_zone=wrong)


def test_d3_a_series_is_named_by_the_visit_it_began_with_or_by_a_shared_identifier() -> None:
    system = "https://ehr.example/series"
    shared = {"identifier": [{"system": "urn:x", "value": "1"}, {"system": system, "value": "s-1"}]}
    assert series_of(held(**shared), dialect(series_system=system)) == "s-1"
    assert series_of(held(**shared), dialect()) is None
    first, second = held(recurrenceTemplate=[{}]), held(id="a2", originatingAppointment={"reference": "Appointment/a1"})
    assert series_of(first, dialect()) == series_of(second, dialect()) == "Appointment/a1"
    assert series_of(second, dialect(series_system=system)) is None


def test_what_is_only_read_is_never_written() -> None:
    manifest = load_manifest("fhir")
    assert set(manifest.holds) - set(manifest.writes) == {"requested.from", "requested.until", "urgent", "series"}
