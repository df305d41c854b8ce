"""FHIR's own ways, against the outside world's server."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from caredispatch.connectors.fhir.dialect import Dialect
from caredispatch.connectors.fhir.normal import changed, content_of
from caredispatch.connectors.fhir.patients import _same_number
from caredispatch.connectors.fhir.related import Who, contacts_of
from caredispatch.connectors.fhir.resources import Appointment, Patient, Reference
from caredispatch.contract.manifest import load_build
from caredispatch.contract.outcome import Conflict, Delivered, Gone, Refused
from caredispatch.contract.seen import Busy, SeenAppointment, SeenPatient
from caredispatch.contract.verbs import Page, Wanted
from tests.connectors.kits import NOW
from tests.connectors.kits.fhir import APPOINTMENT, CREATE, KIT, OURS, PATIENT, bundle, good
from tests.connectors.peer import Asked, Reply, as_json, calling, peering
from tests.connectors.test_conformance import ends
from tests.connectors.worlds import Stage, staging

PAULA = SeenPatient(given="Paula", family="Testperson", phone="+15550111")
VISIT = {
    "start_at": "2026-11-25T17:00:00Z",
    "end_at": "2026-11-25T17:50:00Z",
    "status": "booked",
    "service": "10",
    "location": "Location/north",
    "actor.provider": "Practitioner/ana",
    "accepted.provider": "accepted",
    "accepted.patient": "needs-action",
}
AT = datetime(2026, 11, 25, 17, 0, tzinfo=UTC)


def visit(resource_id: str, start: str, **more: Any) -> dict[str, Any]:
    """An Appointment of fifty minutes, put straight into the EHR."""
    end = (datetime.fromisoformat(start) + timedelta(minutes=50)).isoformat()
    people = [{"actor": {"reference": "Practitioner/ana"}, "status": "accepted"}]
    base = {"resourceType": "Appointment", "id": resource_id, "status": "booked", "start": start, "end": end}
    return {**base, "participant": people, **more}


async def created(stage: Stage, **changes: str) -> tuple[Any, str, str]:
    """The connector, and a created visit's id and version."""
    fhir = stage.connector("fhir")
    end = await fhir.write(Wanted(OURS, {**VISIT, **changes}, patient=PAULA))
    assert isinstance(end, Delivered), end
    assert end.external_id is not None
    assert end.etag is not None
    return fhir, end.external_id, end.etag


async def test_a_create_reads_back_as_wanted_and_carries_our_id() -> None:
    async with staging() as stage:
        fhir, external_id, etag = await created(stage)
        seen = await fhir.fetch(external_id)
        assert seen.content == VISIT
        assert (seen.ours, seen.etag, seen.order) == (OURS, etag, 1)
        assert seen.patient is not None
        assert seen.patient.external_id == "Patient/pat-1"
        assert seen.patient.phone == "+15550111"


async def test_a_create_that_is_sent_twice_makes_one_appointment() -> None:
    async with staging() as stage:
        fhir = stage.connector("fhir")
        await stage.world.fault("fhir", "drop", method="POST", path_regex="/Appointment$")
        wanted = Wanted(OURS, VISIT, patient=PAULA)
        first = await fhir.write(wanted)
        assert type(first).__name__ == "Unknown"
        assert isinstance(await fhir.write(wanted), Delivered)
        held = (await stage.world.state())["fhir"]["Appointment"]
        assert len(held) == 1


async def test_no_name_or_number_stands_in_an_address() -> None:
    async with staging() as stage:
        await created(stage)
        for entry in await stage.world.log():
            place = f"{entry.get('path')}?{entry.get('query')}"
            assert "Testperson" not in place
            assert "5550111" not in place


@pytest.mark.parametrize(
    ("who", "code"),
    [
        (None, "patient_not_found"),
        (SeenPatient(family="Nobody", phone="+15550111"), "patient_not_found"),
        (SeenPatient(family="Test", phone="+15550111"), "patient_not_found"),
        (SeenPatient(family="Testperson"), "patient_not_found"),
        (SeenPatient(family="Twin", phone="+15550133"), "patient_ambiguous"),
        (SeenPatient(external_id="../Practitioner/ana"), "patient_not_found"),
    ],
)
async def test_a_patient_is_never_guessed(who: SeenPatient | None, code: str) -> None:
    telecom = [{"system": "phone", "value": "+15550133"}]
    twins = [
        {"resourceType": "Patient", "id": f"t{n}", "name": [{"family": "Twin"}], "telecom": telecom} for n in (1, 2)
    ]
    async with staging(fhir={"patients": twins}) as stage:
        end = await stage.connector("fhir").write(Wanted(OURS, VISIT, patient=who))
        assert isinstance(end, Refused)
        assert end.code == code
        assert not await stage.asked("POST", "/Appointment")


@pytest.mark.parametrize("search", ["post", "get"])
async def test_a_server_that_passes_over_search_parameters_makes_no_wrong_patient(search: str) -> None:
    others = [{**PATIENT, "id": "other", "telecom": [{"system": "phone", "value": "+15550177"}]}]
    for people, code in ((others, "patient_not_found"), ([*others, PATIENT], None)):

        def behave(asked: Asked, people: Any = people) -> Reply:
            return as_json(bundle(*people)) if "/Patient" in asked.path else as_json({"id": "a9"}, 201)

        async with peering(behave) as peer, calling() as http:
            settings = {"base_url": f"{peer.url}/fhir", "token": "t", "patient_search": search}
            end = await load_build("fhir")(settings, http).write(CREATE)  # type: ignore[attr-defined]  # it writes
            assert getattr(end, "code", None) == code
            if code is None:
                assert peer.asked[-1].json["participant"][0]["actor"] == {"reference": "Patient/pat-1"}


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("+1 (555) 555-0111", "5555550111", True),
        ("+15555550111", "+15555550112", False),
        ("0111", "5555550111", False),
        ("", "", False),
    ],
)
def test_numbers_are_the_same_by_their_digits(one: str, other: str, same: bool) -> None:
    assert _same_number(one, other) is same


async def test_a_patient_is_found_by_id_by_mail_and_by_day_of_birth() -> None:
    async with staging() as stage:
        for who in (
            SeenPatient(external_id="Patient/pat-1"),
            SeenPatient(external_id="pat-1"),
            SeenPatient(family="TESTPERSON", phone="+15550199", email="paula@example.org"),
        ):
            for search in ("post", "get"):
                fhir = stage.connector("fhir", patient_search=search)
                assert isinstance(await fhir.write(Wanted(OURS, VISIT, patient=who)), Delivered)


async def test_a_change_keeps_what_it_does_not_know_and_clears_the_other_persons_answer() -> None:
    more = {
        "minutesDuration": 50,
        "extension": [{"url": "urn:example:x", "valueString": "keep"}],
        "participant": [
            {"actor": {"reference": "Patient/pat-1", "display": "P."}, "status": "accepted"},
            {
                "actor": {"reference": "Practitioner/ana", "display": "Ana"},
                "status": "accepted",
                "required": "required",
            },
        ],
    }
    async with staging(fhir={"appointments": [visit("a1", "2026-11-25T17:00:00Z", **more)]}) as stage:
        fhir = stage.connector("fhir")
        wanted = {
            "actor.provider": "Practitioner/ben",
            "end_at": "2026-11-25T18:00:00Z",
            "accepted.patient": "accepted",
        }
        end = await fhir.write(Wanted(OURS, wanted, "a1", 'W/"1"'))
        assert end == Delivered("a1", 'W/"2"')
        held = await stage.held("a1")
        assert held["extension"] == more["extension"]
        assert held["minutesDuration"] == 60
        assert held["participant"][0] == {
            "actor": {"reference": "Patient/pat-1", "display": "P."},
            "status": "accepted",
        }
        ben = {"actor": {"reference": "Practitioner/ben"}, "status": "needs-action", "required": "required"}
        assert held["participant"][1] == ben
        assert await fhir.write(Wanted(OURS, wanted, "a1", 'W/"1"')) == Delivered("a1", 'W/"2"'), "landed already"
        assert len(await stage.asked("PUT", "/Appointment/a1")) == 1


async def test_a_write_on_an_old_version_is_a_conflict_and_nothing_is_sent() -> None:
    async with staging(fhir={"require_if_match": True}) as stage:
        fhir, external_id, _ = await created(stage)
        old = Wanted(OURS, {"status": "cancelled"}, external_id, 'W/"7"')
        assert isinstance(await fhir.write(old), Conflict)
        assert not await stage.asked("PUT", "/Appointment/")


@pytest.mark.parametrize("status", [409, 412])
async def test_a_change_between_our_read_and_our_write_is_a_conflict(status: int) -> None:
    end, peer = await ends(KIT, "fhir", "write", Reply(status))
    assert isinstance(end, Conflict)
    assert peer.asked[-1].headers["if-match"] == 'W/"3"'


async def test_a_cancellation_says_who_and_is_read_back_so() -> None:
    async with staging() as stage:
        fhir, external_id, etag = await created(stage)
        wanted = Wanted(OURS, {"status": "cancelled"}, external_id, etag, initiator="practice")
        assert isinstance(await fhir.write(wanted), Delivered)
        seen = await fhir.fetch(external_id)
        assert seen.content["status"] == "cancelled"
        assert seen.initiator == "practice"


async def test_busy_time_is_whole_over_all_pages_and_leaves_out_what_binds_nobody() -> None:
    at = "2026-11-25T17:{:02}:00Z"
    rows = [visit(f"b{n}", at.format(n)) for n in range(7)]
    rows += [
        visit(f"free-{s}", at.format(9), status=s) for s in ("cancelled", "noshow", "entered-in-error", "waitlist")
    ]
    rows.append(
        visit("said-no", at.format(9), participant=[{"actor": {"reference": "Practitioner/ana"}, "status": "declined"}])
    )
    rows.append(visit("pending", at.format(9), status="pending"))
    rows.append(visit("before", "2026-11-25T16:30:00Z", identifier=[{"system": "urn:acuity", "value": "54001"}]))
    rows.append(visit("over", "2026-11-25T15:00:00Z"))
    rows.append(visit("mine", at.format(30), identifier=[{"system": "urn:caredispatch:appointment", "value": OURS}]))
    async with staging(fhir={"appointments": rows, "page_size": 3}) as stage:
        got = await stage.connector("fhir").busy(["Practitioner/ana"], AT, AT + timedelta(minutes=50))
        assert isinstance(got, Busy)
        by_id = {b.external_id: b for b in got.blocks}
        assert set(by_id) == {*(f"b{n}" for n in range(7)), "pending", "before", "mine"}
        assert by_id["pending"].tentative
        assert by_id["before"].origin == "54001"
        assert (by_id["mine"].ours, by_id["mine"].origin) == (OURS, None)
        assert len(await stage.asked("GET", "/fhir/Appointment")) > 3


async def test_busy_slots_count_where_the_settings_say_so_but_not_twice() -> None:
    schedule = {"resourceType": "Schedule", "id": "s1", "actor": [{"reference": "Practitioner/ana"}]}
    slot = {"resourceType": "Slot", "schedule": {"reference": "Schedule/s1"}, "start": "2026-11-25T17:00:00Z"}
    slots = [
        {**slot, "id": f"slot-{status}", "status": status, "end": "2026-11-25T18:00:00Z"}
        for status in ("busy", "free", "busy-unavailable", "busy-tentative")
    ]
    held = visit("a1", "2026-11-25T17:00:00Z", slot=[{"reference": "Slot/slot-busy"}])
    async with staging(fhir={"appointments": [held], "schedules": [schedule], "slots": slots}) as stage:
        got = await stage.connector("fhir", slots="yes").busy(["Practitioner/ana"], AT, AT + timedelta(hours=1))
        assert [(b.external_id, b.tentative) for b in got.blocks] == [
            ("a1", False),
            ("Slot/slot-busy-tentative", True),
            ("Slot/slot-busy-unavailable", False),
        ]
        assert len((await stage.connector("fhir").busy(["Practitioner/ana"], AT, AT + timedelta(hours=1))).blocks) == 1


async def whole(fhir: Any, cursor: str | None = None) -> tuple[list[str], str, int]:
    """A poll over all its pages: the ids that it reports, the cursor after it, how many pages it had."""
    found: list[str] = []
    for pages in range(1, 500):
        page = await fhir.poll(cursor, NOW)
        assert isinstance(page, Page), page
        found += [s.external_id for s in page.seen if isinstance(s, SeenAppointment)]
        cursor = page.cursor
        if page.complete:
            return found, cursor, pages
    raise AssertionError("the poll has no end")


async def test_a_poll_loads_the_window_and_then_only_news_by_the_servers_clock() -> None:
    async with staging(fhir={"appointments": [visit("a1", "2026-11-25T17:00:00Z")]}) as stage:
        fhir = stage.connector("fhir")
        seen, cursor, _ = await whole(fhir)
        assert seen == ["a1"]
        first = Page((), cursor)
        idle = await fhir.poll(first.cursor, NOW + timedelta(minutes=1))
        assert (idle.seen, idle.cursor) == ((), first.cursor)
        _, made, _ = await created(stage)
        news = await fhir.poll(idle.cursor, NOW + timedelta(minutes=2))
        assert [s.external_id for s in news.seen] == [made], "of the same instant, but not reported yet"
        assert (await fhir.poll(news.cursor, NOW)).seen == ()
        assert (await fhir.poll("yesterday", NOW)).code == "bad_cursor"
        assert (await fhir.poll("under way: since x 0", NOW)).code == "bad_cursor"
        assert isinstance(await fhir.fetch("nobody"), Gone)
        assert (await fhir.fetch("../Patient/pat-1")).code == "bad_id"


@pytest.mark.parametrize(
    "elsewhere", ["https://other.example/fhir/Appointment?page=2", "http://u:p@127.0.0.1/x", "http://["]
)
async def test_the_token_goes_to_no_other_host(elsewhere: str) -> None:
    link = [{"relation": "next", "url": elsewhere}]
    async with peering(lambda asked: as_json(bundle(APPOINTMENT, link=link))) as peer, calling() as http:
        fhir: Any = load_build("fhir")({"base_url": f"{peer.url}/fhir", "token": "t"}, http)
        page = await fhir.poll(None, NOW)
        asked = len(peer.asked)
        end = await fhir.poll(page.cursor, NOW)
        assert isinstance(end, Refused)
        assert end.code == "foreign_page"
        assert len(peer.asked) == asked, "nobody was asked"


def week(count: int) -> list[dict[str, Any]]:
    """So many appointments with Paula, one after another."""
    start = datetime(2026, 11, 25, 8, 0, tzinfo=UTC)
    paula = [{"actor": {"reference": "Patient/pat-1"}, "status": "accepted"}]
    return [
        visit(f"w{n:03d}", (start + timedelta(hours=n)).isoformat(), participant=paula) for n in range(count)
    ]  # fmt: skip


async def test_d8_a_poll_of_many_pages_goes_on_where_it_stopped_and_reports_each_once() -> None:
    async with staging(fhir={"appointments": week(230), "page_size": 2}) as stage:
        seen, cursor, pages = await whole(stage.connector("fhir", requests="no"))
        assert sorted(seen) == [f"w{n:03d}" for n in range(230)]
        assert pages == 115
        assert "page" not in cursor, "it ended"


async def test_d8_what_changes_while_later_pages_are_read_is_in_this_poll_or_the_next() -> None:
    async with staging(fhir={"appointments": week(9), "page_size": 3}) as stage:
        fhir = stage.connector("fhir", requests="no")
        first = await fhir.poll(None, NOW)
        read = [s.external_id for s in first.seen]
        for changed_id in (read[0], "w008" if "w008" not in read else "w000"):
            await stage.world.edit("Appointment", changed_id, status="arrived")
        rest, cursor, _ = await whole(fhir, first.cursor)
        assert sorted({*read, *rest}) == [f"w{n:03d}" for n in range(9)]
        news, _, _ = await whole(fhir, cursor)
        assert read[0] in rest + news


async def test_a_search_whose_pages_expire_is_begun_anew_and_after_some_times_refused() -> None:
    def behave(asked: Asked) -> Reply:
        if ("page", "2") in asked.query:
            return as_json({}, 410)
        return as_json(bundle(APPOINTMENT, link=[{"relation": "next", "url": "Appointment?page=2"}]))

    async with peering(behave) as peer, calling() as http:
        fhir: Any = load_build("fhir")({"base_url": f"{peer.url}/fhir", "token": "t"}, http)
        cursor, ends_with = None, None
        for _ in range(20):
            page = await fhir.poll(cursor, NOW)
            if isinstance(page, Refused):
                ends_with = page.code
                break
            assert not page.complete, "nothing is taken for complete"
            cursor = page.cursor
        assert ends_with == "pages_expire"


async def test_the_patients_of_a_page_are_read_in_one_search() -> None:
    people = [{**PATIENT, "id": f"p{n}"} for n in range(60)]
    held = [
        visit(
            f"a{n}",
            "2026-11-25T17:00:00Z",
            participant=[{"actor": {"reference": f"Patient/p{n}"}, "status": "accepted"}],
        )
        for n in range(61)
    ]
    async with staging(fhir={"appointments": held, "patients": people, "page_size": 100}) as stage:
        page = await stage.connector("fhir", requests="no").poll(None, NOW)
        named = {s.external_id: s.patient for s in page.seen}
        assert named["a7"].family == "Testperson"
        assert named["a60"] == SeenPatient(external_id="Patient/p60"), "known by its id only"
        asked = [e["path"] for e in await stage.asked("GET", "/fhir/Patient")]
        assert len(asked) == 3, "fifty, ten, and whoever was not found"


async def test_where_several_patients_can_not_be_searched_each_is_read_alone() -> None:
    def behave(asked: Asked) -> Reply:
        return as_json({}, 400) if "_id" in dict(asked.query) else good(asked)

    other = {
        **APPOINTMENT,
        "id": "a2",
        "participant": [{"actor": {"reference": "Patient/pat-2"}, "status": "accepted"}],
    }

    def two(asked: Asked) -> Reply:
        return as_json(bundle(APPOINTMENT, other)) if asked.path.endswith("/Appointment") else behave(asked)

    async with peering(two) as peer, calling() as http:
        page: Any = await load_build("fhir")(KIT.settings(peer.url), http).poll(None, NOW)  # type: ignore[attr-defined]  # it polls
        assert [s.patient.family for s in page.seen] == ["Testperson", "Testperson"]


async def test_pages_without_end_are_refused() -> None:
    link = [{"relation": "next", "url": "Appointment?page=again"}]
    async with peering(lambda asked: as_json(bundle(link=link))) as peer, calling() as http:
        fhir: Any = load_build("fhir")({"base_url": f"{peer.url}/fhir", "token": "t"}, http)
        assert (await fhir.busy(["Practitioner/ana"], AT, AT)).code == "too_many"


async def test_a_created_id_may_stand_in_the_location_only() -> None:
    def behave(asked: Asked) -> Reply:
        if asked.method == "POST" and asked.path.endswith("/Appointment"):
            where = {"location": "https://ehr.example/fhir/Appointment/a9/_history/1", "etag": 'W/"1"'}
            return Reply(201, headers=where)
        return good(asked)

    async with peering(behave) as peer, calling() as http:
        fhir: Any = load_build("fhir")({"base_url": f"{peer.url}/fhir", "token": "t"}, http)
        assert await fhir.write(CREATE) == Delivered("a9", 'W/"1"')


def test_the_service_may_stand_in_either_element() -> None:
    raw = {**APPOINTMENT, "appointmentType": {"coding": [{"code": "7"}]}, "serviceType": [{"coding": [{"code": "10"}]}]}
    held = Appointment.model_validate(raw)
    assert content_of(held, Dialect())["service"] == "10"
    assert content_of(held, Dialect("appointmentType"))["service"] == "7"
    made = changed(raw, held, {"service": "11", "location": "Location/s"}, {"serviceType": [{}]}, None)
    assert made["serviceType"] == [{}]
    assert made["participant"][-1] == {"actor": {"reference": "Location/s"}, "status": "accepted"}
    assert raw["participant"] == APPOINTMENT["participant"], "what was read isn't changed"


@pytest.mark.parametrize(
    ("text", "local"),
    [
        ("Practitioner/ana", "Practitioner/ana"),
        ("https://ehr.example/r4/Practitioner/ana/_history/2", "Practitioner/ana"),
        ("urn:uuid:0d1c5d3a-0000-4000-8000-000000000000", None),
        ("#contained", None),
        ("", None),
    ],
)
def test_references_are_local_type_and_id(text: str, local: str | None) -> None:
    assert Reference(reference=text).local == local


async def test_d7_a_merged_patient_comes_with_the_record_in_its_place() -> None:
    def person(name: str, **more: Any) -> dict[str, Any]:
        return {"resourceType": "Patient", "id": name, "name": [{"family": f"Made{name}"}], **more}

    def link(kind: str, name: str) -> dict[str, Any]:
        return {"type": kind, "other": {"reference": f"Patient/{name}"}}

    people = {
        "pat-1": person("pat-1", active=False, link=[link("replaced-by", "p2"), link("seealso", "p9")]),
        "p2": person("p2", link=[link("replaces", "pat-1"), link("replaced-by", "p3")]),
        "p3": person("p3", link=[link("replaces", "p2")]),
    }

    def behave(asked: Asked) -> Reply:
        name = asked.path.rpartition("/")[2]
        return as_json(people[name]) if name in people else Reply(404) if name[0] == "p" else KIT.good(asked)

    async with peering(behave) as peer, calling() as http:
        fhir: Any = load_build("fhir")(KIT.settings(peer.url), http)
        seen = (await fhir.fetch("a1")).patient
        second = seen.record.replaced_by
        chain = [(s.external_id, s.record.replaces) for s in (seen, second, second.record.replaced_by)]
        assert chain == [
            ("Patient/pat-1", ()),
            ("Patient/p2", ("Patient/pat-1",)),
            ("Patient/p3", ("Patient/p2",)),
        ]
        people["p3"]["link"] = [link("replaced-by", "pat-1")]
        assert (await fhir.fetch("a1")).patient.external_id == "Patient/pat-1", "a circle is read once"
        del people["p2"]
        lost = (await fhir.fetch("a1")).patient.record.replaced_by
        assert (lost.external_id, lost.record) == ("Patient/p2", None)


GUARDIAN = {"relationship": [{"coding": [{"code": "GUARD"}]}], "telecom": [{"system": "phone", "value": "+15550121"}]}
MOTHER = {
    "relationship": [{"coding": [{"code": "N"}, {"code": "MTH"}]}],
    "telecom": [{"system": "email", "value": "m@e.org"}],
}
CARER = {"relationship": [{"coding": [{"code": "C"}]}], "telecom": [{"system": "phone", "value": "+15550123"}]}


def related(who: Who, *contacts: dict[str, Any], born: str | None = "2015-06-01") -> list[tuple[str, date | None]]:
    """Who is reached for a patient, and until when."""
    person = Patient.model_validate({**PATIENT, "birthDate": born, "contact": list(contacts)})
    return [(c.relation, c.until) for c in contacts_of(person, who)]


def test_d5_a_guardian_speaks_for_a_patient_and_a_parent_until_they_are_of_age() -> None:
    assert related("guardians", GUARDIAN, MOTHER, CARER) == [("guardian", None), ("parent", date(2033, 5, 31))]
    assert related("all", CARER) == [("carer", None)]
    assert related("no", GUARDIAN) == []


def test_d5_of_a_parent_of_somebody_whose_age_is_not_known_nothing_is_taken() -> None:
    assert related("all", MOTHER, born=None) == []
    assert related("all", MOTHER, born="2015") == []
    assert related("all", GUARDIAN, born=None) == [("guardian", None)]
    assert related("all", MOTHER, born="2008-02-29") == [("parent", date(2026, 2, 28))]


@pytest.mark.parametrize(
    ("end", "until"),
    [
        ("2027", date(2027, 12, 31)),
        ("2028-02", date(2028, 2, 29)),
        ("2027-03-04", date(2027, 3, 4)),
        ("2027-03-04T23:00:00-05:00", date(2027, 3, 4)),
        ("soon", date.min),
        ("2040", date(2033, 5, 31)),
    ],
)
def test_d5_rights_end_with_the_period_however_it_is_said(end: str, until: date) -> None:
    assert related("all", {**MOTHER, "period": {"end": end}}) == [("parent", until)]


def test_d5_who_can_not_be_reached_or_is_no_kin_is_no_contact() -> None:
    silent = {**GUARDIAN, "telecom": [{"system": "phone", "value": "+15550121", "use": "old"}]}
    friend = {**GUARDIAN, "relationship": [{"coding": [{"code": "friend"}]}]}
    assert related("all", silent, friend, {**GUARDIAN, "relationship": []}) == []


@pytest.mark.parametrize(
    ("addresses", "state"),
    [
        ([{"use": "home", "state": "il"}], "IL"),
        ([{"state": "WI"}, {"use": "home", "state": "IL"}], "IL"),
        ([{"use": "work", "state": "IN"}], None),
        ([{"use": "old", "state": "IN"}, {"state": "NY"}], "NY"),
        ([{"use": "home", "state": "Illinois"}], None),
        ([{"use": "home", "state": "IL", "period": {"end": "2026-01-01"}}], None),
        ([], None),
    ],
)
def test_d4_of_an_address_only_the_two_letters_of_the_homes_state_are_read(addresses: Any, state: str | None) -> None:
    assert Patient.model_validate({**PATIENT, "address": addresses}).state == state
