"""The EHR behaves as FHIR R4 says: versions, conditions, search, paging, outcomes."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx
import pytest

from tests.lab.conftest import PAT, START, Scene, seed

AUTH = {"Authorization": "Bearer fhir-for-tests"}


def visit(hour: int = 17, **more: Any) -> dict[str, Any]:
    """An appointment of Ana and Paula."""
    return {
        "resourceType": "Appointment",
        "status": "booked",
        "start": f"2026-11-25T{hour}:00:00Z",
        "end": f"2026-11-25T{hour}:50:00Z",
        "participant": [
            {"actor": {"reference": "Practitioner/ana"}, "status": "accepted"},
            {"actor": {"reference": "Patient/pat-1"}, "status": "needs-action"},
        ],
        **more,
    }


async def create(scene: Scene, resource: dict[str, Any], **headers: str) -> httpx.Response:
    """POST an appointment."""
    return await scene.http.post("/fhir/Appointment", json=resource, headers={**AUTH, **headers})


async def find(scene: Scene, where: str) -> dict[str, Any]:
    """GET a search."""
    found: dict[str, Any] = (await scene.http.get(f"/fhir/{where}", headers=AUTH)).json()
    return found


async def test_a_created_resource_has_version_etag_and_address(scene: Scene) -> None:
    made = await create(scene, visit())
    body = made.json()
    assert (made.status_code, made.headers["etag"], body["meta"]["versionId"]) == (201, 'W/"1"', "1")
    assert made.headers["location"] == f"{scene.ports.url}/fhir/Appointment/{body['id']}/_history/1"
    assert body["meta"]["lastUpdated"] == START.isoformat().replace("+00:00", "Z")
    read = await scene.http.get(f"/fhir/Appointment/{body['id']}", headers=AUTH)
    assert (read.json(), read.headers["last-modified"]) == (body, "Tue, 24 Nov 2026 15:00:00 GMT")


async def test_an_update_needs_the_newest_version(scene: Scene) -> None:
    made = (await create(scene, visit())).json()
    url = f"/fhir/Appointment/{made['id']}"
    changed = {**made, "status": "arrived"}
    good = await scene.http.put(url, json=changed, headers={**AUTH, "If-Match": 'W/"1"'})
    late = await scene.http.put(url, json=changed, headers={**AUTH, "If-Match": 'W/"1"'})
    assert (good.status_code, good.headers["etag"]) == (200, 'W/"2"')
    assert (late.status_code, late.json()["resourceType"]) == (412, "OperationOutcome")


async def test_a_conditional_create_makes_one_finds_one_and_refuses_many(scene: Scene) -> None:
    mine = visit(identifier=[{"system": "urn:caredispatch:appointment", "value": "a-1"}])
    condition = {"If-None-Exist": "identifier=urn:caredispatch:appointment|a-1"}
    first, second = await create(scene, mine, **condition), await create(scene, mine, **condition)
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json()["id"] == second.json()["id"]
    await create(scene, mine)
    assert (await create(scene, mine, **condition)).status_code == 412


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("practitioner=Practitioner/ana", 3),
        ("practitioner=ana&date=ge2026-11-25T17:00:00Z&date=lt2026-11-25T19:00:00Z", 2),
        ("actor=Practitioner/ana&date=2026-11-25", 3),
        ("actor=Practitioner/other", 0),
        ("patient=pat-1&status=booked,arrived", 2),
        ("status=cancelled", 1),
        ("date=gt2026-11-25", 0),
        ("date=le2026-11-25", 3),
        ("_lastUpdated=ge2026-11-24T15:00:00Z", 3),
        ("_lastUpdated=lt2026-11-24T15:00:00Z", 0),
        ("identifier=urn:x|1", 1),
        ("identifier=urn:y|1", 0),
    ],
)
async def test_appointments_are_found_by_people_date_status_and_identifier(
    scene: Scene, query: str, found: int
) -> None:
    await create(scene, visit(16, identifier=[{"system": "urn:x", "value": "1"}]))
    await create(scene, visit(17))
    await create(scene, visit(18, status="cancelled"))
    assert (await find(scene, f"Appointment?{query}"))["total"] == found


async def test_a_long_result_is_paged_by_next_links(scene: Scene) -> None:
    for hour in range(10, 15):
        await create(scene, visit(hour))
    page, ids = await find(scene, "Appointment?status=booked&_count=2"), []
    for _ in range(10):
        ids += [entry["resource"]["id"] for entry in page["entry"]]
        following = [link["url"] for link in page["link"] if link["relation"] == "next"]
        if not following:
            break
        page = (await scene.http.get(following[0], headers=AUTH)).json()
    assert len(ids) == len(set(ids)) == page["total"] == 5


async def test_patients_are_found_by_contact_name_and_birth_date(scene: Scene) -> None:
    for query in (
        {"telecom": PAT},
        {"phone": PAT, "family": "testp"},
        {"email": "paula@example.org"},
        {"name": "Paula", "birthdate": "1990-02-03"},
        {"identifier": "urn:example:mrn|M1"},
    ):
        answer = await scene.http.get("/fhir/Patient", params=query, headers=AUTH)
        assert answer.json()["total"] == 1, query


async def test_slots_are_found_by_schedule_and_start(scene: Scene) -> None:
    schedule = {"resourceType": "Schedule", "id": "s1", "actor": [{"reference": "Practitioner/ana"}]}
    slot = {
        "resourceType": "Slot",
        "id": "sl1",
        "schedule": {"reference": "Schedule/s1"},
        "status": "busy-unavailable",
        "start": "2026-11-25T17:00:00Z",
        "end": "2026-11-25T18:00:00Z",
    }
    for resource in (schedule, slot):
        await scene.world.act("fhir", "create", resource)
    assert (await find(scene, "Schedule?actor=Practitioner/ana"))["total"] == 1
    query = "Slot?schedule=Schedule/s1&start=ge2026-11-25&start=lt2026-11-26&status=busy,busy-unavailable"
    assert (await find(scene, query))["total"] == 1


@pytest.mark.parametrize(
    ("broken", "status"),
    [
        (visit(status="maybe"), 422),
        (visit(participant=[]), 422),
        ({key: value for key, value in visit().items() if key != "end"}, 422),
        (visit(participant=[{"actor": {"reference": "Patient/pat-1"}}]), 422),
        ({**visit(), "resourceType": "Patient"}, 400),
    ],
)
async def test_what_r4_forbids_is_refused_with_an_outcome(scene: Scene, broken: dict[str, Any], status: int) -> None:
    answer = await create(scene, broken)
    assert (answer.status_code, answer.json()["resourceType"]) == (status, "OperationOutcome")


async def test_a_wrong_token_an_unknown_id_type_or_parameter_is_refused(scene: Scene) -> None:
    assert (await scene.http.get("/fhir/Appointment")).status_code == 401
    for path, status in (("Appointment/no", 404), ("Dragon", 404), ("Appointment?colour=red", 400)):
        assert (await scene.http.get(f"/fhir/{path}", headers=AUTH)).status_code == status


async def test_the_server_says_what_it_can_do(scene: Scene) -> None:
    said = (await scene.http.get("/fhir/metadata")).json()
    assert (said["resourceType"], said["fhirVersion"]) == ("CapabilityStatement", "4.0.1")


async def test_someone_edits_the_ehr_by_hand(scene: Scene) -> None:
    made = await scene.world.act("fhir", "create", visit())
    body = {"resourceType": "Appointment", "id": made["id"], "status": "cancelled"}
    await scene.world.act("fhir", "update", body)
    read = await scene.http.get(f"/fhir/Appointment/{made['id']}", headers=AUTH)
    assert (read.json()["status"], read.json()["start"]) == ("cancelled", "2026-11-25T17:00:00Z")
    assert read.headers["etag"] == 'W/"2"'


async def test_a_server_may_answer_409_and_demand_if_match(scene: Scene) -> None:
    other = seed(scene.product.url)
    other["fhir"] |= {
        "wrong_version": 409,
        "require_if_match": True,
        "appointments": [visit(id="held", identifier=[{"system": "urn:x", "value": "1"}])],
    }
    await scene.world.reset(other)
    held = (await find(scene, "Appointment?identifier=urn:x|1"))["entry"][0]["resource"]
    url = "/fhir/Appointment/held"
    wrong = await scene.http.put(url, json=held, headers={**AUTH, "If-Match": 'W/"9"'})
    missing = await scene.http.put(url, json=held, headers=AUTH)
    assert (held["id"], wrong.status_code, missing.status_code) == ("held", 409, 412)


def request(**more: Any) -> dict[str, Any]:
    """What Paula asks for on the portal."""
    return {
        "resourceType": "Appointment",
        "status": "proposed",
        "requestedPeriod": [{"start": "2026-11-25T15:00:00Z", "end": "2026-11-27T23:00:00Z"}],
        "participant": [{"actor": {"reference": "Patient/pat-1"}, "status": "accepted"}],
        **more,
    }


async def test_a_portals_request_has_no_time_until_it_is_booked(scene: Scene) -> None:
    [made] = await scene.world.enter(request())
    held = (await find(scene, "Appointment?status=proposed"))["entry"][0]["resource"]
    assert (held["id"], "start" in held) == (made, False)
    booked = {**visit(), "id": made, "requestedPeriod": held["requestedPeriod"]}
    put = await scene.http.put(f"/fhir/Appointment/{made}", json=booked, headers={**AUTH, "If-Match": 'W/"1"'})
    assert (put.status_code, put.json()["status"], put.json()["start"]) == (200, "booked", "2026-11-25T17:00:00Z")
    limitless = await create(scene, request(requestedPeriod=[{}]))
    assert limitless.status_code == 422


async def test_an_import_enters_thousands_at_once(scene: Scene) -> None:
    ids = await scene.world.enter(*(visit(id=f"import-{n}") for n in range(3_000)))
    assert (len(ids), (await find(scene, "Appointment?status=booked&_count=500"))["total"]) == (3_000, 3_000)
    acts = await scene.seen("act")
    assert acts[-1]["details"] == {"resources": 3_000}


async def test_arrival_and_absence_are_edits_and_an_encounter_names_its_appointment(scene: Scene) -> None:
    [made] = await scene.world.enter(visit())
    for status in ("arrived", "checked-in", "fulfilled"):
        await scene.world.edit("Appointment", made, status=status)
    assert (await find(scene, f"Appointment?_id={made}"))["entry"][0]["resource"]["status"] == "fulfilled"
    encounter = {"resourceType": "Encounter", "status": "in-progress"}
    await scene.world.enter({**encounter, "appointment": [{"reference": f"Appointment/{made}"}]})
    assert (await find(scene, f"Encounter?appointment=Appointment/{made}"))["total"] == 1


async def test_a_second_ehr_has_its_own_resources_and_token(scene: Scene) -> None:
    await scene.world.reset({**seed(scene.product.url), "ehrs": {"other-ehr": {"token": "another-token"}}})
    [made] = await scene.world.enter(visit(), server="other-ehr")
    there = await scene.http.get(f"/other-ehr/Appointment/{made}", headers={"Authorization": "Bearer another-token"})
    assert (there.status_code, (await scene.http.get("/other-ehr/Appointment", headers=AUTH)).status_code) == (200, 401)
    assert (await find(scene, "Appointment?status=booked"))["total"] == 0


async def test_the_world_says_when_what_is_polled_last_changed(scene: Scene) -> None:
    await scene.run_for(60)
    assert (await scene.world.idle()).changed_at == START
    await scene.world.enter(visit())
    assert (await scene.world.idle()).changed_at == START + timedelta(seconds=60)
