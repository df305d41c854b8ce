"""`practice.yaml`: every mistake names its field; what is refused is refused at load, not when sent (D33)."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import orjson
import pytest

from caredispatch.app.directory_file import DirectoryInvalid, directory_of, weekdays, wiring_of
from caredispatch.app.directory_reading import read_directory_file
from caredispatch.lab.scenery import MONDAY, practice_file

GOOD: dict[str, Any] = {
    "practice": {"name": "Test Clinic", "time_zone": "America/Chicago"},
    "locations": {"north": {"name": "North", "time_zone": "America/Chicago", "state": "IL"}},
    "services": {"therapy-50": {"name": "Therapy", "minutes": 50}},
    "staff": [
        {
            "handle": "Ana",
            "name": "Ana Inventedname",
            "phone": "+15550130001",
            "hours": [{"days": "mon-fri", "from": "08:00", "to": "18:00", "at": "north"}],
        }
    ],
    "connections": {
        "acuity": {
            "connector": "acuity",
            "settings": {"user_id": "1"},
            "secrets": {"api_key": "hush"},
            "baa": "signed",
            "map": {"actor": {"101": "Ana"}, "service": {"1001": "therapy-50"}, "location": {"101": "north"}},
        }
    },
}


def text_of(change: Any) -> str:
    data = deepcopy(GOOD)
    change(data)
    return orjson.dumps(data).decode()


def test_a_good_file_becomes_a_directory() -> None:
    parsed = read_directory_file(text_of(lambda d: None))
    directory = directory_of(parsed, "00000000-0000-8000-8000-000000000001", 3)
    ana = directory.by_handle("Ana")
    assert ana is not None
    assert [h.weekday for h in ana.hours] == [0, 1, 2, 3, 4]
    wiring = wiring_of(parsed, directory.practice_id, "acuity", MONDAY)
    assert wiring.ours("actor", "101") == ana.staff_id
    assert wiring.theirs("actor", ana.staff_id) == "101"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda d: d["staff"][0].update(handle="An a"), "staff.0.handle"),
        (lambda d: d["staff"][0]["hours"][0].update(days="mon-fry"), "no weekday"),
        (lambda d: d["staff"][0]["hours"][0].update({"from": "19:00"}), "end before they begin"),
        (lambda d: d["staff"][0].update(phone="12"), "no telephone number"),
        (lambda d: d["staff"][0].update(email="nobody"), "staff.0.email"),
        (lambda d: d["locations"]["north"].update(time_zone="America/Chicagoo"), "no time zone"),
        (lambda d: d["connections"]["acuity"]["settings"].clear(), "'user_id' is missing"),
        (lambda d: d["connections"]["acuity"]["settings"].update(base_url="nowhere"), "base_url"),
        (lambda d: d.pop("staff"), "staff: is missing"),
        (lambda d: d.update(colour="blue"), "colour: there is no such field"),
        (lambda d: d.clear(), "practice: is missing"),
        (lambda d: d["staff"][0]["hours"][0].update(at="moon"), "no location 'moon'"),
        (lambda d: d["staff"].append(d["staff"][0]), "stands there twice"),
        (lambda d: d["connections"]["acuity"].update(connector="acuty"), "no connector 'acuty'"),
        (lambda d: d["connections"]["acuity"].update(baa="none"), "baa: signed"),
        (lambda d: d["connections"]["acuity"]["settings"].update(api_key="hush"), "is a secret"),
        (lambda d: d["connections"]["acuity"]["settings"].update(colour="red"), "no setting 'colour'"),
        (lambda d: d["connections"]["acuity"]["map"]["actor"].update({"102": "Zed"}), "no staff or room 'Zed'"),
        (lambda d: d.update(rooms={"r1": {"kind": "exam", "at": "moon"}}), "rooms.r1.at: no location 'moon'"),
        (lambda d: d["services"]["therapy-50"].update(room="pool"), "no room is of kind 'pool'"),
        (lambda d: d["services"]["therapy-50"].update(capacity=0), "services.therapy-50.capacity"),
        (lambda d: d.update(patients=[waits(service="spa")]), "patients.0.waiting: no service 'spa'"),
        (lambda d: d.update(patients=[waits(providers=["Zed"])]), "patients.0.waiting: no staff 'Zed'"),
        (lambda d: d.update(patients=[waits(days="mon-fry")]), "no weekday"),
        (lambda d: d["connections"]["acuity"]["map"]["service"].update({"9": "x"}), "no service 'x'"),
        (lambda d: d.update(extra=1), "extra"),
    ],
)
def test_a_mistake_names_its_field(change: Any, says: str) -> None:
    with pytest.raises(DirectoryInvalid) as raised:
        read_directory_file(text_of(change))
    assert says in str(raised.value)
    assert "hush" not in str(raised.value)


def waits(**changes: Any) -> dict[str, Any]:
    """A made-up patient on the waitlist."""
    entry = {"service": "therapy-50", "at": "north", "since": "2027-01-04", **changes}
    return {"given": "Wanda", "family": "Waitmadeup", "waiting": [entry]}


def test_weekdays_may_wrap_around_the_week() -> None:
    assert weekdays("sat-mon") == (5, 6, 0)
    assert weekdays("mon, wed") == (0, 2)


def test_the_demo_practice_passes_its_own_rules() -> None:
    parsed = practice_file("http://127.0.0.1:1", 25)
    assert len([s for s in parsed.staff if "therapist" in s.roles]) == 30
    assert {p.time_zone for p in parsed.locations.values()} == {"America/Chicago", "America/New_York"}


def test_a_number_without_quotes_is_taken_as_a_setting() -> None:
    parsed = read_directory_file(text_of(lambda d: d["connections"]["acuity"]["settings"].update(user_id=1234567)))
    assert parsed.connections["acuity"].settings["user_id"] == "1234567"


@pytest.mark.parametrize("text", ["", "- a", "a: ["])
def test_what_is_no_practice_at_all_is_one_line(text: str) -> None:
    with pytest.raises(DirectoryInvalid) as raised:
        read_directory_file(text)
    assert "\n" not in str(raised.value)


def test_a_secret_that_can_t_be_used_is_refused_without_being_shown() -> None:
    hook = {"connector": "webhook", "secrets": {"secret": "too-short"}, "baa": "signed"}
    with pytest.raises(DirectoryInvalid, match="whsec_") as raised:
        read_directory_file(text_of(lambda d: d["connections"].update(hook=hook)))
    assert "too-short" not in str(raised.value)
